-- A request that forgot its filter would empty a location: DELETE /notes, PATCH /contacts {"deleted_at": …}. What a browser or
-- program changes or deletes at once is at most what a screen shows, 200 rows. Imports and jobs act as nobody and are not asked.
set lock_timeout = '4s';

create function private.limit_rows() returns trigger language plpgsql set search_path = '' as $$
declare v_count bigint;
begin
  -- What our own triggers do follows from rows that were counted.
  if pg_trigger_depth() > 1 then return null; end if;
  if tg_table_name = 'contact_tags' then -- a tag that is deleted leaves its people, however many
    select count(*) into v_count from old_rows o where exists (select 1 from public.tags t where t.id = (to_jsonb(o) ->> 'tag_id')::uuid);
  else
    select count(*) into v_count from old_rows;
  end if;
  if v_count > 200 then
    perform private.refuse(422, 'too_many_rows', format('This would %s %s rows at once; the most is 200.', lower(tg_op), v_count),
      'Name the rows by a filter, and go in parts.');
  end if;
  return null;
end $$;

do $$
declare t text;
begin
  foreach t in array '{companies,contacts,contact_phones,contact_emails,contact_flags,tags,notes,properties,property_contacts,lists,list_members}'::text[] loop
    execute format('create trigger limit_changed after update on public.%I referencing old table as old_rows
      for each statement when (auth.uid() is not null) execute function private.limit_rows()', t);
  end loop;
  foreach t in array '{contact_phones,contact_emails,contact_flags,tags,contact_tags,notes}'::text[] loop
    execute format('create trigger limit_deleted after delete on public.%I referencing old table as old_rows
      for each statement when (auth.uid() is not null) execute function private.limit_rows()', t);
  end loop;
end $$;
