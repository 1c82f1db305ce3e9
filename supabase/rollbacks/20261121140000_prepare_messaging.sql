delete from public.api_scopes where resource = 'phone_numbers';
create or replace function door.check_request() returns void language plpgsql set search_path = '' as $$
declare v_key text := nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-api-key';
begin
  if v_key is null then
    -- A token may outlive its session by an hour; who is told so signs in again. (Apart: anon may not enter private.)
    if auth.role() = 'authenticated' then perform door.require_session(); end if;
    return;
  end if;
  if coalesce(auth.role(), 'anon') <> 'anon' then
    raise exception using errcode = 'PT400', message = 'two_credentials',
      detail = 'The request carries an API key and a sign-in.', hint = 'Send one of them.';
  end if;
  perform set_config('request.jwt.claims', door.claims_of_key(v_key, current_setting('request.path', true))::text, true);
  perform set_config('role', 'authenticated', true);
end $$;
drop function door.claims_of_inbox(text, text);
drop function public.open_inbox(text);
drop function public.close_inbox(text);
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
  -- That a secret was replaced is worth knowing; its hash is nobody's business.
  select jsonb_object_agg(key, case when key like '%\_hash' and value <> 'null' then '"…"' else value end) into v_before from jsonb_each(v_before);
  select jsonb_object_agg(key, case when key like '%\_hash' and value <> 'null' then '"…"' else value end) into v_after from jsonb_each(v_after);
  insert into public.audit_log (location_id, actor_id, actor_role, api_key_id, request_id, action, table_name, row_id, before, after)
  values (coalesce((v_row ->> 'location_id')::uuid, case when tg_table_name = 'locations' then (v_row ->> 'id')::uuid end),
          auth.uid(), coalesce(auth.role(), session_user), (auth.jwt() ->> 'api_key')::uuid, private.request_id(),
          lower(tg_op), tg_table_name, coalesce(v_row ->> 'id', v_row ->> 'user_id', v_row ->> 'key', v_row ->> 'granter'), v_before, v_after);
  return null;
end $$;
drop table public.holidays, public.send_hours, public.send_kinds, public.phone_numbers, private.inbox_keys;
drop function private.clock(timestamptz);
drop table private.switches;
