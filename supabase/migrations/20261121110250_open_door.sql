-- What PostgREST asks before it lets a request in: does the session stand, or whose key is it?
set lock_timeout = '4s';

-- PostgREST asks door.check_request before every request (db-pre-request). Nobody but a program sends X-Api-Key.
create schema door;
comment on schema door is 'What runs before a request is let in. Never exposed by PostgREST.';
grant usage on schema door to anon, authenticated, service_role;

-- The path as it was sent: PostgREST routes by the decoded one, to which /%72pc/create_api_key is /rpc/create_api_key. A program
-- writes plain names, and nothing else is let in. It is told what its scopes lack: the policies alone would answer with no rows.
create function door.claims_of_key(p_key text, p_path text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_key public.api_keys;
  v_function text := substring(p_path from '^/rpc/(.*)$');
  v_reads boolean := current_setting('request.method', true) in ('GET', 'HEAD');
  v_opened boolean;
begin
  select * into v_key from public.api_keys
    where secret_hash = encode(sha256(convert_to(p_key, 'utf8')), 'hex') and revoked_at is null and expires_at > now();
  if not found then
    perform private.refuse(401, 'invalid_api_key', 'This API key is unknown, expired or revoked.', 'Make a new one.');
  elsif coalesce(p_path, '') !~ '^/(rpc/)?[a-z0-9_]+$' then
    perform private.refuse(404, 'not_found', 'There is nothing at this address.', 'Write the name as it is, without percent signs.');
  end if;
  v_opened := case
    when v_function = 'use_api_key' then true
    when v_function is not null then exists (
      select 1 from public.api_scope_functions f where f.function = v_function and f.scope = any (v_key.scopes))
    else exists (select 1 from public.api_scopes s
      where s.resource = substr(p_path, 2) and s.scope = any (v_key.scopes) and (s.may_write or v_reads)) end;
  if not v_opened then
    perform private.refuse(403, 'scope_missing', 'This API key has no scope for this.', 'Make a key with the scope it needs.');
  end if;
  return jsonb_build_object('role', 'authenticated', 'sub', v_key.user_id, 'api_key', v_key.id,
    'location_id', v_key.location_id, 'scopes', to_jsonb(v_key.scopes));
end $$;

create function door.require_session() returns void language plpgsql stable set search_path = '' as $$
begin
  if not private.session_stands() then
    perform private.refuse(401, 'invalid_token', 'Your session has ended, or your account was closed.', 'Sign in again.');
  end if;
end $$;

-- As the caller, for a definer may not change the role.
create function door.check_request() returns void language plpgsql set search_path = '' as $$
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
grant execute on function door.claims_of_key(text, text) to anon;
grant execute on function door.require_session() to authenticated;
grant execute on function door.check_request() to anon, authenticated, service_role;
alter role authenticator set pgrst.db_pre_request = 'door.check_request';
notify pgrst, 'reload config';
