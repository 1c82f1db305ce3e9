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
drop table public.holidays, public.send_hours, public.send_kinds, public.phone_numbers, private.inbox_keys;
drop function private.clock(timestamptz);
drop table private.switches;
