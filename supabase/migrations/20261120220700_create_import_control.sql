-- An import's life: made by a person, taken up by one worker at a time under a lease, ended with counted rows.
set lock_timeout = '4s';

create function public.import_location(p_location_id uuid default null) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare v_mine uuid[] := array(select private.my_locations('owner', 'admin'));
begin
  if p_location_id = any (v_mine) then return p_location_id; end if;
  if p_location_id is not null or cardinality(v_mine) = 0 then
    perform private.refuse(403, 'not_permitted', 'Only an owner or admin of the location may import.', 'Ask the owner for the role.');
  end if;
  if cardinality(v_mine) > 1 then
    perform private.refuse(422, 'location_required', 'You work at several locations.', 'Name one in location_id.');
  end if;
  return v_mine[1];
end $$;
comment on function public.import_location is 'The location the caller may import into: the one named, or the only one.';

create function private.import_list(p_location uuid, p_name text, p_filename text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_id uuid;
begin
  if btrim(coalesce(p_name, '')) = '' or length(p_name) > 200 then
    perform private.refuse(422, 'invalid_value', 'list_name must have 1 to 200 characters.', 'Give the list a name.');
  end if;
  insert into public.lists (location_id, name, source, status, original_filename, created_by)
    values (p_location, btrim(p_name), 'property_radar', 'processing', p_filename, auth.uid())
    on conflict (location_id, lower(name)) do update set status = 'processing' returning id into v_id;
  return v_id;
end $$;

create function public.create_import(p_id uuid, p_location_id uuid, p_file_path text, p_filename text, p_size_bytes bigint,
  p_sha256 text, p_list_name text, p_tier text default null, p_duplicates text default 'merge', p_consent text default 'unknown')
returns public.imports language plpgsql security definer set search_path = '' as $$
declare
  v_location uuid := public.import_location(p_location_id);
  v_row public.imports;
  v_same public.imports;
begin
  select * into v_row from public.imports where id = p_id and location_id = v_location;
  if found then return v_row; end if;
  -- The worker reads this path with the service key, so it must be this import's own.
  if p_file_path not like v_location || '/' || p_id || '/_%' or not exists (
      select 1 from storage.objects o where o.bucket_id = 'imports' and o.name = p_file_path) then
    perform private.refuse(422, 'file_missing', 'The file is not where this import''s file belongs.', 'Upload it through POST /api/v1/imports.');
  end if;
  select * into v_same from public.imports where location_id = v_location and sha256 = p_sha256 order by created_at desc limit 1;
  insert into public.imports (id, location_id, list_id, list_name, created_by, file_path, filename, size_bytes, sha256,
      tier, duplicates, consent, warnings)
    values (p_id, v_location, private.import_list(v_location, p_list_name, p_filename), btrim(p_list_name), auth.uid(), p_file_path,
      p_filename, p_size_bytes, p_sha256, p_tier, coalesce(p_duplicates, 'merge'), coalesce(p_consent, 'unknown'),
      case when v_same.id is null then '[]' else jsonb_build_array(jsonb_build_object('code', 'same_file', 'import_id', v_same.id,
        'message', format('This file was uploaded before, as %s on %s.', v_same.filename, v_same.created_at::date))) end)
    returning * into v_row;
  return v_row;
end $$;
comment on function public.create_import is 'Records an uploaded file as an import. The same p_id again answers with the same row.';

-- Ends an import that is not done. A list nobody came into is a failed one.
create function private.end_import(p_import uuid, p_status text, p_error text) returns public.imports
language plpgsql security definer set search_path = '' as $$
declare v_row public.imports;
begin
  update public.imports set status = p_status, error = p_error, finished_at = now(), lease_id = null, lease_expires_at = null
    where id = p_import returning * into v_row;
  update public.lists l set status = case when exists (
      select 1 from public.list_members m where m.list_id = l.id) then 'completed' else 'failed' end where l.id = v_row.list_id;
  return v_row;
end $$;

create function public.cancel_import(p_import uuid) returns public.imports
language plpgsql security definer set search_path = '' as $$
declare v_status text;
begin
  select status into v_status from public.imports where id = p_import
    and location_id in (select private.my_locations('owner', 'admin')) for update;
  if not found then perform private.refuse(404, 'not_found', 'No such import.'); end if;
  if v_status not in ('uploaded', 'reading', 'importing') then
    perform private.refuse(409, 'import_ended', format('This import is %s; only a running one can be cancelled.', v_status));
  end if;
  return private.end_import(p_import, 'cancelled', 'Cancelled. Rows already imported stay.');
end $$;

-- ── the worker's side ────────────────────────────────────────────────────────────────────────────────────────────
create function public.claim_import(p_import uuid, p_lease uuid, p_lease_s int default 30) returns setof public.imports
language plpgsql security definer set search_path = '' as $$
begin
  perform private.end_import(i.id, 'failed', concat_ws(' ', 'Given up after 10 attempts without progress.', i.error))
    from public.imports i where i.id = p_import and i.attempts >= 10 and i.status in ('uploaded', 'reading', 'importing')
      and (i.lease_expires_at is null or i.lease_expires_at < clock_timestamp()) for update;
  return query update public.imports i set lease_id = p_lease, attempts = i.attempts + 1,
      lease_expires_at = clock_timestamp() + make_interval(secs => p_lease_s),
      status = case i.status when 'uploaded' then 'reading' else i.status end, started_at = coalesce(i.started_at, now())
    where i.id = p_import and i.status in ('uploaded', 'reading', 'importing')
      and (i.lease_expires_at is null or i.lease_expires_at < clock_timestamp())
    returning i.*;
end $$;
comment on function public.claim_import is 'The import, to the one worker that may run it for p_lease_s seconds; no row to anyone else.';

create function private.hold_import(p_import uuid, p_lease uuid) returns public.imports
language plpgsql security definer set search_path = '' as $$
declare v_row public.imports;
begin
  update public.imports set lease_expires_at = clock_timestamp() + interval '30 seconds'
    where id = p_import and lease_id = p_lease and status in ('reading', 'importing') returning * into v_row;
  if v_row.id is null then
    perform private.refuse(409, 'lease_lost', 'This import was cancelled or another worker has taken it.');
  end if;
  return v_row;
end $$;

create function public.renew_import(p_import uuid, p_lease uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.hold_import(p_import, p_lease);
end $$;

create function public.begin_import(p_import uuid, p_lease uuid, p_format text, p_tier text, p_header jsonb, p_total_rows int,
  p_ignored_rows int, p_warnings jsonb default '[]') returns setof int
language plpgsql security definer set search_path = '' as $$
begin
  perform private.hold_import(p_import, p_lease);
  update public.imports set status = 'importing', format = p_format, tier = p_tier, header = p_header, total_rows = p_total_rows,
      ignored_rows = p_ignored_rows, warnings = warnings || p_warnings
    where id = p_import and status = 'reading';
  return query select batch_no from public.import_batches where import_id = p_import order by batch_no;
end $$;
comment on function public.begin_import is 'Says what the file holds; answers with the numbers of the batches that are already in.';

create function public.fail_import(p_import uuid, p_lease uuid, p_error text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.hold_import(p_import, p_lease);
  perform private.end_import(p_import, 'failed', p_error);
end $$;

create function public.release_import(p_import uuid, p_lease uuid, p_error text) returns void
language sql security definer set search_path = '' as $$
  update public.imports set lease_id = null, lease_expires_at = null, error = p_error
  where id = p_import and lease_id = p_lease and status in ('reading', 'importing')
$$;
comment on function public.release_import is 'Lets go of an import that could not go on now; the sweep rings for it again.';

create function public.imports_to_ring() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select id from public.imports where status in ('uploaded', 'reading', 'importing')
    and (lease_expires_at is null or lease_expires_at < clock_timestamp()) order by created_at
$$;

grant execute on function public.import_location(uuid), public.cancel_import(uuid),
  public.create_import(uuid, uuid, text, text, bigint, text, text, text, text, text) to authenticated;
grant execute on function public.claim_import(uuid, uuid, int), public.renew_import(uuid, uuid),
  public.begin_import(uuid, uuid, text, text, jsonb, int, int, jsonb), public.fail_import(uuid, uuid, text),
  public.release_import(uuid, uuid, text), public.imports_to_ring() to service_role;
