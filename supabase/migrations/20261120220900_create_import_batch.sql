-- The API's own limit is 8 s, too little for a batch redone row by row or the books of a million rows; PostgREST takes these
-- functions' own statement_timeout instead.
-- enable_seqscan: a session plans these functions once, perhaps on empty tables, and keeps the plan while the tables grow.
-- The two calls a worker makes: put a batch in (once, whatever happens), and close the books on the whole file.
set lock_timeout = '4s';

-- One by one, each under its own savepoint: a row the database refuses is set aside with its reason and stops no other.
create function private.import_row_by_row(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare v_row jsonb;
  v_reason text;
begin
  for v_row in select r from jsonb_array_elements(p_rows) with ordinality x (r, n) order by n loop
    begin
      perform private.import_merge(p_import, p_batch, jsonb_build_array(v_row));
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
      get stacked diagnostics v_reason = message_text;
      insert into public.import_rows (import_id, row_no, batch_no, location_id, outcome, reason, warnings, cells)
      values (p_import.id, (v_row ->> 'row_no')::int, p_batch, p_import.location_id, 'rejected',
        'The database refused this row: ' || v_reason, coalesce(v_row -> 'warnings', '[]'), v_row -> 'cells');
    end;
  end loop;
end $$;

create function public.import_batch(p_import uuid, p_lease uuid, p_batch_no int, p_rows jsonb) returns jsonb
language plpgsql security definer set search_path = '' set statement_timeout = '120s' set enable_seqscan = off as $$
declare
  v_import public.imports := private.hold_import(p_import, p_lease);
  v_redone boolean := false;
  v_batch public.import_batches;
begin
  select * into v_batch from public.import_batches where import_id = p_import and batch_no = p_batch_no;
  if found then return to_jsonb(v_batch); end if;
  -- Two files at once write the same people: one batch of a location at a time, so neither deadlocks nor doubles.
  perform pg_advisory_xact_lock(hashtextextended('import:' || v_import.location_id, 0));
  begin
    perform private.import_merge(v_import, p_batch_no, p_rows);
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
    v_redone := true;
    perform private.import_row_by_row(v_import, p_batch_no, p_rows);
  end;
  insert into public.import_batches (import_id, batch_no, location_id, row_count, rejected_rows, redone)
    select p_import, p_batch_no, v_import.location_id, count(*), count(*) filter (where outcome = 'rejected'), v_redone
    from public.import_rows where import_id = p_import and batch_no = p_batch_no
      and row_no between (p_rows -> 0 ->> 'row_no')::int and (p_rows -> -1 ->> 'row_no')::int
    returning * into v_batch;
  update public.imports set processed_rows = processed_rows + v_batch.row_count, attempts = 0,
    rejected_rows = rejected_rows + v_batch.rejected_rows where id = p_import;
  return to_jsonb(v_batch);
end $$;
comment on function public.import_batch is 'Puts batch p_batch_no in, in one transaction. Called again it answers with what it did the first time.
p_rows: [{row_no, property: {column: value}, people: [{slot, phone, email, first_name, …}], warnings, cells, reject}].
Raises PT409 lease_lost when the import was cancelled or taken over.';

-- Distinct things, not mentions: created outweighs updated, updated outweighs unchanged.
create function private.import_counts(p_import uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  with people as (
    select coalesce(bool_or(s.has_phone), false) as has_phone, s.contact_id,
      bool_or(contact_outcome = 'created') as is_created, bool_or(contact_outcome = 'updated') as is_updated,
      bool_or(member_outcome = 'created') as member_created, bool_or(member_outcome = 'updated') as member_updated,
      bool_or(member_outcome is not null) as is_member
    from public.import_people s where s.import_id = p_import group by s.contact_id
  ), links as (
    select bool_or(s.has_phone) as has_phone, bool_or(s.link_outcome = 'created') as is_created
    from public.import_people s join public.import_rows r using (import_id, row_no)
    join public.property_contacts l on l.property_id = r.property_id and l.contact_id = s.contact_id
    where s.import_id = p_import group by l.property_id, l.contact_id
  ), houses as (
    select bool_or(property_outcome = 'created') as is_created, bool_or(property_outcome = 'updated') as is_updated
    from public.import_rows where import_id = p_import and property_id is not null group by property_id
  )
  select (select jsonb_build_object('properties_created', count(*) filter (where is_created),
      'properties_updated', count(*) filter (where is_updated and not is_created),
      'properties_unchanged', count(*) filter (where not is_updated and not is_created)) from houses)
    || (select jsonb_build_object('contacts_created', count(*) filter (where has_phone and is_created),
      'contacts_updated', count(*) filter (where has_phone and is_updated and not is_created),
      'contacts_unchanged', count(*) filter (where has_phone and not is_updated and not is_created),
      'phoneless_created', count(*) filter (where not has_phone and is_created),
      'phoneless_updated', count(*) filter (where not has_phone and is_updated and not is_created),
      'phoneless_unchanged', count(*) filter (where not has_phone and not is_updated and not is_created),
      'list_members_created', count(*) filter (where is_member and member_created),
      'list_members_updated', count(*) filter (where is_member and member_updated and not member_created),
      'list_members_unchanged', count(*) filter (where is_member and not member_updated and not member_created)) from people)
    || (select jsonb_build_object('links_created', count(*) filter (where has_phone and is_created),
      'links_unchanged', count(*) filter (where has_phone and not is_created),
      'phoneless_links_created', count(*) filter (where not has_phone and is_created),
      'phoneless_links_unchanged', count(*) filter (where not has_phone and not is_created)) from links)
    || (select jsonb_build_object('processed_rows', count(*), 'rejected_rows', count(*) filter (where outcome = 'rejected'),
      'warned_rows', count(*) filter (where warnings <> '[]')) from public.import_rows where import_id = p_import)
$$;

-- Rows in = outcomes, and each outcome has what it speaks of; counted from the tables, or the import fails.
create function private.import_discrepancy(p_import public.imports) returns text
language sql stable security definer set search_path = '' as $$
  select nullif(concat_ws('; ',
    (select format('%s rows in the file, %s accounted for', p_import.total_rows, count(*)) from public.import_rows
     where import_id = p_import.id having count(*) is distinct from p_import.total_rows),
    (select format('%s rows without their house', count(*)) from public.import_rows
     where import_id = p_import.id and outcome <> 'rejected' and property_id is null having count(*) > 0),
    (select format('%s people without their record', count(*)) from public.import_people
     where import_id = p_import.id and contact_id is null having count(*) > 0),
    (select format('%s people not linked to their house', count(*)) from public.import_people s
     join public.import_rows r using (import_id, row_no)
     where s.import_id = p_import.id and not exists (select 1 from public.property_contacts l
       where l.property_id = r.property_id and l.contact_id = s.contact_id) having count(*) > 0),
    (select format('%s people not in the list', count(*)) from public.import_people s
     where s.import_id = p_import.id and s.member_outcome is not null and not exists (select 1 from public.list_members m
       where m.list_id = p_import.list_id and m.contact_id = s.contact_id) having count(*) > 0)), '')
$$;

create function public.finish_import(p_import uuid, p_lease uuid) returns public.imports
language plpgsql security definer set search_path = '' set statement_timeout = '300s' as $$
declare
  v_row public.imports := private.hold_import(p_import, p_lease);
  v_wrong text := private.import_discrepancy(v_row);
begin
  update public.imports i set (processed_rows, rejected_rows, warned_rows, properties_created, properties_updated, properties_unchanged,
      contacts_created, contacts_updated, contacts_unchanged, links_created, links_unchanged, list_members_created,
      list_members_updated, list_members_unchanged, phoneless_created, phoneless_updated, phoneless_unchanged,
      phoneless_links_created, phoneless_links_unchanged) =
    (select r.processed_rows, r.rejected_rows, r.warned_rows, r.properties_created, r.properties_updated, r.properties_unchanged,
      r.contacts_created, r.contacts_updated, r.contacts_unchanged, r.links_created, r.links_unchanged, r.list_members_created,
      r.list_members_updated, r.list_members_unchanged, r.phoneless_created, r.phoneless_updated, r.phoneless_unchanged,
      r.phoneless_links_created, r.phoneless_links_unchanged
     from jsonb_populate_record(i, private.import_counts(p_import)) r),
    status = case when v_wrong is null then 'done' else 'failed' end, finished_at = now(), lease_id = null, lease_expires_at = null,
    error = 'The books do not balance: ' || v_wrong || '. Nothing was removed; import the file again.'
  where i.id = p_import returning * into v_row;
  -- A STOP that came while a batch was on its way saw no member to suppress.
  with suspects as materialized (
    select x.contact_id from (
      select n.contact_id from public.opt_outs o join public.contact_phones n on n.phone = o.phone where o.revoked_at is null
      union select coalesce(f.contact_id, n.contact_id) from public.contact_flags f
        left join public.contact_phones n on n.location_id = f.location_id and n.phone = f.phone
        where f.location_id = v_row.location_id) x
    where private.is_suppressed(v_row.location_id, x.contact_id)
  )
  update public.list_members m set status = 'suppressed' from suspects s
    where m.list_id = v_row.list_id and m.contact_id = s.contact_id and m.status = 'active';
  update public.lists set status = 'completed' where id = v_row.list_id;
  return v_row;
end $$;

grant execute on function public.import_batch(uuid, uuid, int, jsonb), public.finish_import(uuid, uuid) to service_role;
