-- Live screens: small messages on private channels, sent by statement, read under policies on realtime.messages.
set lock_timeout = '4s';

create function private.may_join(p_topic text) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
  v_kind text := split_part(p_topic, ':', 1);
  v_id text := split_part(p_topic, ':', 2);
begin
  -- A topic that is no kind:uuid is refused, not an error.
  if p_topic !~ '^[a-z]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then return false; end if;
  return case v_kind
    when 'location' then v_id::uuid in (select private.my_locations())
    when 'import' then exists (select 1 from public.imports i
      where i.id = v_id::uuid and i.location_id in (select private.my_locations('owner', 'admin')))
    when 'user' then exists (select 1 from public.profiles p where p.id = v_id::uuid and p.id = auth.uid() and p.is_active)
    else false end;
end $$;
grant execute on function private.may_join(text) to authenticated;
create policy "members hear the channels of their place" on realtime.messages for select to authenticated
  using (extension in ('broadcast', 'presence') and (select private.may_join((select realtime.topic()))));

-- Up to 50 ids a location, else how many; the browser asks PostgREST for what it may see.
create function private.broadcast_contacts(p_locations uuid[], p_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(*),
      'ids', case when count(*) <= 50 then jsonb_agg(x.id order by x.id) else '[]' end), 'contact.updated', 'location:' || x.location_id, true)
  from unnest(p_locations, p_ids) x (location_id, id) group by x.location_id;
end $$;
create function private.contacts_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_contacts(array_agg(location_id), array_agg(id)) from new_rows;
  return null;
end $$;
create function private.contacts_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_contacts(array_agg(n.location_id), array_agg(n.id)) from new_rows n join old_rows o using (id)
    where to_jsonb(n) - 'updated_at' is distinct from to_jsonb(o) - 'updated_at';
  return null;
end $$;
create function private.contacts_deleted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_contacts(array_agg(location_id), array_agg(id)) from old_rows;
  return null;
end $$;
create trigger broadcast_inserted after insert on public.contacts referencing new table as new_rows
  for each statement execute function private.contacts_inserted();
create trigger broadcast_changed after update on public.contacts referencing old table as old_rows new table as new_rows
  for each statement execute function private.contacts_changed();
create trigger broadcast_deleted after delete on public.contacts referencing old table as old_rows
  for each statement execute function private.contacts_deleted();

create function private.imports_progressed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('id', n.id, 'status', n.status, 'total_rows', n.total_rows,
      'processed_rows', n.processed_rows, 'rejected_rows', n.rejected_rows), 'import.progress', 'import:' || n.id, true)
  from new_rows n join old_rows o using (id)
  where (n.status, n.processed_rows, n.total_rows) is distinct from (o.status, o.processed_rows, o.total_rows);
  return null;
end $$;
create trigger broadcast_progress after update on public.imports referencing old table as old_rows new table as new_rows
  for each statement execute function private.imports_progressed();
