-- A key could call what its scopes do not open by writing the path in another way: /%72pc/create_api_key is /rpc/create_api_key to
-- PostgREST, which routes by the decoded path and tells us the raw one. A program writes plain names; nothing else is let in.
-- And it is told what its scopes lack: for a table the policies alone would answer with no rows, as if there were none.
set lock_timeout = '4s';

create or replace function door.claims_of_key(p_key text, p_path text) returns jsonb
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
