-- The audit log says which request and which API key did it, and never holds a secret's hash; profiles follow their account.
-- Locks audit_log for a moment (two empty columns). Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.audit_log add column api_key_id uuid, add column request_id text;
comment on column public.audit_log.request_id is 'X-Request-Id of the request, as in the log of the web process.';

create function private.request_id() returns text language sql stable set search_path = '' as $$
  select substring(nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-request-id' from '^[A-Za-z0-9._-]{1,64}$')
$$;

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

create trigger audit after update of name, email, phone, is_active, openphone_user_id or delete on public.profiles
  for each row execute function private.audit();

-- Auth owns the address and knows when somebody signed in; the profile repeats both for the office to see.
create function private.profile_follows_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- Apart, for a new address is a line in the audit log and a sign-in is none.
  update public.profiles set email = coalesce(new.email, '') where id = new.id and email is distinct from coalesce(new.email, '');
  update public.profiles set last_login = new.last_sign_in_at where id = new.id and last_login is distinct from new.last_sign_in_at;
  return new;
end $$;
create trigger profile_follows_user after update of email, last_sign_in_at on auth.users
  for each row execute function private.profile_follows_user();
