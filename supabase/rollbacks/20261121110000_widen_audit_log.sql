drop trigger profile_follows_user on auth.users;
drop function private.profile_follows_user();
drop trigger audit on public.profiles;
create or replace function private.audit() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  v_before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  v_after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  v_row jsonb := coalesce(v_after, v_before);
begin
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(key, value) into v_after from jsonb_each(to_jsonb(new)) n
      where key <> 'updated_at' and n.value is distinct from v_before -> key;
    if v_after is null then return null; end if;
    select jsonb_object_agg(key, value) into v_before from jsonb_each(v_before) b where v_after ? key;
  end if;
  insert into public.audit_log (location_id, actor_id, actor_role, action, table_name, row_id, before, after)
  values (coalesce((v_row ->> 'location_id')::uuid, case when tg_table_name = 'locations' then (v_row ->> 'id')::uuid end),
          auth.uid(), coalesce(auth.role(), session_user), lower(tg_op), tg_table_name,
          coalesce(v_row ->> 'id', v_row ->> 'user_id'), v_before, v_after);
  return null;
end $$;
drop function private.request_id();
alter table public.audit_log drop column api_key_id, drop column request_id;
