-- The merge, its end: the list, the record, and the whole of one batch in order.
set lock_timeout = '4s';

-- Who in the batch may not be texted: opted out anywhere, or flagged here.
create function private.is_suppressed(p_location uuid, p_contact uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.contact_phones n where n.contact_id = p_contact and exists (
      select 1 from public.opt_outs o where o.phone = n.phone and o.revoked_at is null offset 0))
    or exists (select 1 from public.contact_flags f where f.contact_id = p_contact
      and f.flag <> 'recently_texted' and f.applies_to <> 'email' and (f.expires_at is null or f.expires_at > now()))
    or exists (select 1 from public.contact_phones n where n.contact_id = p_contact and exists (
      select 1 from public.contact_flags f where f.phone = n.phone and f.location_id = p_location
        and f.flag <> 'recently_texted' and f.applies_to <> 'email' and (f.expires_at is null or f.expires_at > now()) offset 0))
$$;

-- A list is whom to text: people with a number. Suppressed people join as such; who was removed comes back.
create function private.import_members(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set member_outcome = coalesce(
    (select case when m.status <> 'removed' then 'unchanged' else 'updated' end
     from public.list_members m where m.list_id = p_import.list_id and m.contact_id = s.contact_id), 'created')
  where s.import_id = p_import.id and s.stage_no = p_stage and s.phone is not null
    and not s.is_deleted and p_import.list_id is not null and p_import.tier is distinct from 'database';

  insert into public.list_members (list_id, contact_id, location_id, property_id, status, import_id, import_row_no)
  select p_import.list_id, p.contact_id, p_import.location_id, p.property_id,
    case when private.is_suppressed(p_import.location_id, p.contact_id) then 'suppressed' else 'active' end,
    p_import.id, p.row_no
  from (select distinct on (s.contact_id) s.contact_id, s.property_id, s.row_no from private.import_stage_people s
        where s.import_id = p_import.id and s.stage_no = p_stage
          and s.member_outcome <> 'unchanged'
        order by s.contact_id, s.row_no, s.slot) p
  on conflict (list_id, contact_id) do update set status = excluded.status;

  insert into public.consents (location_id, phone, contact_id, status, source, import_id, created_by)
  select distinct on (s.phone) p_import.location_id, s.phone, s.contact_id, p_import.consent, 'import', p_import.id, p_import.created_by
  from private.import_stage_people s
  where s.import_id = p_import.id and s.stage_no = p_stage and s.phone is not null
    and p_import.consent <> 'unknown' and not exists (select 1 from public.consents k
      where k.location_id = p_import.location_id and k.phone = s.phone and k.status <> 'unknown')
  order by s.phone, s.row_no, s.slot;
end $$;

create function private.import_record(p_import public.imports, p_batch int, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows r set warnings = r.warnings || (
    select jsonb_agg(jsonb_build_object('column', s.slot, 'code', 'deleted_contact',
      'message', 'This person was deleted here and was not brought back.'))
    from private.import_stage_people s
    where s.import_id = r.import_id and s.stage_no = r.stage_no and s.row_no = r.row_no and s.is_deleted)
  where r.import_id = p_import.id and r.stage_no = p_stage and r.row_no = any (array(
    select s.row_no from private.import_stage_people s where s.import_id = p_import.id and s.stage_no = p_stage and s.is_deleted));

  insert into public.import_rows (import_id, row_no, batch_no, location_id, outcome, reason, warnings, cells,
    property_id, property_outcome, changes)
  select r.import_id, r.row_no, p_batch, p_import.location_id,
    case when r.reject is not null then 'rejected'
         when r.property_outcome = 'created' or p.is_created then 'created'
         when r.property_outcome = 'updated' or p.is_updated then 'updated'
         when p_import.duplicates = 'skip' then 'skipped' else 'unchanged' end,
    r.reject ->> 'message', r.warnings, case when r.reject is not null or r.warnings <> '[]' then r.cells end,
    case when r.reject is null then r.property_id end, r.property_outcome, r.changes
  from private.import_stage_rows r
  left join lateral (
    select bool_or(s.contact_outcome = 'created') as is_created,
      bool_or(s.contact_outcome = 'updated' or s.link_outcome = 'created') as is_updated
    from private.import_stage_people s
    where s.import_id = r.import_id and s.stage_no = r.stage_no and s.row_no = r.row_no) p on true
  where r.import_id = p_import.id and r.stage_no = p_stage order by r.row_no;

  insert into public.import_people (import_id, row_no, slot, location_id, contact_id, has_phone, contact_outcome, link_outcome,
    member_outcome, changes)
  select s.import_id, s.row_no, s.slot, p_import.location_id, s.contact_id, s.phone is not null, s.contact_outcome, s.link_outcome,
    s.member_outcome, s.changes
  from private.import_stage_people s where s.import_id = p_import.id and s.stage_no = p_stage order by s.row_no, s.slot;

  delete from private.import_stage_people where import_id = p_import.id and stage_no = p_stage;
  delete from private.import_stage_rows where import_id = p_import.id and stage_no = p_stage;
end $$;

-- One turn after the other, from staging into the books: each finds what those before it have done.
create function private.import_merge(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_later jsonb;
  v_stage int;
begin
  perform private.import_stage(p_import, p_batch, p_rows);
  v_later := private.import_turns(p_import, p_batch);
  if v_later <> '{}' then
    update private.import_stage_people set stage_no = - (v_later ->> row_no::text)::int
      where import_id = p_import.id and stage_no = p_batch and v_later ? row_no::text;
    update private.import_stage_rows set stage_no = - (v_later ->> row_no::text)::int
      where import_id = p_import.id and stage_no = p_batch and v_later ? row_no::text;
  end if;
  for v_turn in 1 .. (select coalesce(max(value::int), 1) from jsonb_each(v_later)) loop
    v_stage := case v_turn when 1 then p_batch else - v_turn end;
    perform private.import_properties(p_import, v_stage);
    perform private.import_people(p_import, v_stage);
    perform private.import_members(p_import, v_stage);
    perform private.import_record(p_import, p_batch, v_stage);
  end loop;
end $$;
