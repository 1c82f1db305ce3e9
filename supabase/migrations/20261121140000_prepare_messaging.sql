-- The ground of messaging: whose clock decides, our numbers, when which kind of text may go out, and the door of the webhook inbox.
-- Locks nothing that is read while it runs. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table private.switches (
  name text primary key check (name in ('given_time')),
  turned_on boolean not null default false
);
comment on table private.switches is 'What only laptops and tests allow. The local seed turns given_time on; nothing in production does.';
alter table private.switches enable row level security;

create function private.clock(p_now timestamptz) returns timestamptz language plpgsql stable security definer set search_path = '' as $$
begin
  if p_now is null then return clock_timestamp(); end if;
  if not exists (select 1 from private.switches where name = 'given_time' and turned_on) then
    perform private.refuse(422, 'time_not_yours', 'p_now: the time is the database''s own.', 'Leave p_now out.');
  end if;
  return p_now;
end $$;
comment on function private.clock is 'The instant a rule decides by: the database''s, or the given one where a local switch allows it.';

create table public.phone_numbers (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  e164 text not null unique check (e164 ~ '^\+[1-9]\d{7,14}$'),
  openphone_id text unique check (openphone_id ~ '^PN'),
  label text, is_active boolean not null default true,
  daily_cold_cap int not null default 125 check (daily_cold_cap between 0 and 1000),
  paused_at timestamptz, pause_reason text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id)
);
comment on table public.phone_numbers is 'Our own numbers. Looked up by e164 before any vendor id, for ids change and numbers do not.';
comment on column public.phone_numbers.paused_at is 'Since when nothing but confirmations leaves this number; pause_reason says why.';
create index phone_numbers_location on public.phone_numbers (location_id) where is_active;

create table public.send_kinds (
  kind text primary key,
  spends_cold boolean not null default false,
  weekdays int[] not null check (weekdays <@ array[1,2,3,4,5,6,7]), -- ISO: Monday is 1
  opens time not null, closes time not null, skips_holidays boolean not null,
  answers_within interval, -- who wrote so lately may be answered at any hour
  needs_checked_number boolean not null, obeys_opt_out boolean not null default true,
  priority int not null, description text not null,
  check (opens < closes)
);
comment on table public.send_kinds is 'What kinds of texts there are, with the hours of each where a location sets none. Closing is exclusive.';
insert into public.send_kinds (kind, spends_cold, weekdays, opens, closes, skips_holidays, answers_within, needs_checked_number, obeys_opt_out, priority, description) values
  ('confirmation', false, '{1,2,3,4,5,6,7}', '00:00', '24:00', false, null, false, false, 1, 'The one answer to STOP, START or HELP.'),
  ('conversation', false, '{1,2,3,4,5,6,7}', '08:00', '21:00', false, '1 hour', true, true, 2, 'Written by a person in the inbox.'),
  ('transactional', false, '{1,2,3,4,5}', '09:00', '18:00', true, null, true, true, 3, 'Reminders and follow-ups of visits and jobs.'),
  ('urgent', false, '{1,2,3,4,5,6,7}', '08:00', '21:00', false, null, true, true, 2, 'A change on the same day that the customer must know.'),
  ('cold', true, '{1,2,3,4,5}', '09:00', '18:00', true, null, true, true, 5, 'The first text to somebody who did not ask for it.'),
  ('warm', false, '{1,2,3,4,5}', '09:00', '18:00', true, null, true, true, 4, 'A campaign to customers.'),
  ('health', false, '{1,2,3,4,5,6,7}', '00:00', '24:00', false, null, false, true, 6, 'From our second number to our first, to see that both live.');

create table public.send_hours (
  location_id uuid not null references public.locations (id) on delete cascade,
  kind text not null references public.send_kinds (kind) check (kind not in ('confirmation', 'health')),
  weekdays int[] not null check (weekdays <@ array[1,2,3,4,5,6,7]),
  opens time not null, closes time not null, skips_holidays boolean not null default true,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (location_id, kind),
  check (opens < closes and opens >= '08:00' and closes <= '21:00')
);
comment on table public.send_hours is 'A location''s own hours for a kind, local time, never outside 8:00–21:00 (47 CFR 64.1200(c)(1)).';
create index send_hours_kind on public.send_hours (kind);

create table public.holidays (
  location_id uuid not null references public.locations (id) on delete cascade,
  day date not null,
  name text not null check (btrim(name) <> ''),
  is_closed boolean not null default true,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (location_id, day)
);
comment on table public.holidays is 'Days off of one location beside the federal ones (private.federal_holidays); is_closed false opens a federal one.';

-- The web process may put a webhook into the inbox and nothing else: a key that opens one function.
create table private.inbox_keys (
  key_hash text primary key check (key_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(), named_at timestamptz not null default now()
);
alter table private.inbox_keys enable row level security;
create function public.open_inbox(p_key_hash text) returns void language plpgsql security definer set search_path = '' as $$
begin
  insert into private.inbox_keys (key_hash) values (p_key_hash) on conflict (key_hash) do update set named_at = now();
  -- Workers name theirs each minute: one that a day long nobody named was replaced.
  delete from private.inbox_keys where named_at < now() - interval '1 day';
end $$;
comment on function public.open_inbox is 'Workers name the sha256 of WEBHOOK_INBOX_KEY, which the web process shows with each webhook. A replaced one ends after a day.';
create function public.close_inbox(p_key_hash text) returns void language plpgsql security definer set search_path = '' as $$
begin
  delete from private.inbox_keys where key_hash = p_key_hash;
end $$;

create function door.claims_of_inbox(p_key text, p_path text) returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  if coalesce(p_path, '') <> '/rpc/receive_webhooks'
    or not exists (select 1 from private.inbox_keys where key_hash = encode(sha256(convert_to(p_key, 'utf8')), 'hex')) then
    perform private.refuse(401, 'invalid_inbox_key', 'This key does not open the webhook inbox.', 'Workers register WEBHOOK_INBOX_KEY: is one running?');
  end if;
  return '{"role": "authenticated", "inbox": true}';
end $$;

-- As the caller, for a definer may not change the role.
create or replace function door.check_request() returns void language plpgsql set search_path = '' as $$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_key text := v_headers ->> 'x-api-key';
  v_inbox text := v_headers ->> 'x-inbox-key';
  v_claims jsonb;
begin
  if v_key is null and v_inbox is null then
    -- A token may outlive its session by an hour; who is told so signs in again. (Apart: anon may not enter private.)
    if auth.role() = 'authenticated' then perform door.require_session(); end if;
    return;
  end if;
  if coalesce(auth.role(), 'anon') <> 'anon' or (v_key is not null and v_inbox is not null) then
    raise exception using errcode = 'PT400', message = 'two_credentials',
      detail = 'The request carries an API key and a sign-in.', hint = 'Send one of them.';
  end if;
  v_claims := case when v_key is not null then door.claims_of_key(v_key, current_setting('request.path', true))
    else door.claims_of_inbox(v_inbox, current_setting('request.path', true)) end;
  perform set_config('request.jwt.claims', v_claims::text, true);
  perform set_config('role', 'authenticated', true);
end $$;
revoke execute on function door.claims_of_inbox(text, text) from public;
grant execute on function door.claims_of_inbox(text, text) to anon;
revoke execute on function public.open_inbox(text), public.close_inbox(text) from public;
grant execute on function public.open_inbox(text), public.close_inbox(text) to service_role;

-- As it was, and it names rows by kind or day where they have no id.
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
          lower(tg_op), tg_table_name, coalesce(v_row ->> 'id', v_row ->> 'user_id', v_row ->> 'key', v_row ->> 'granter',
            v_row ->> 'kind', v_row ->> 'day'), v_before, v_after);
  return null;
end $$;

create trigger set_updated_at before update on public.phone_numbers for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.send_hours for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.holidays for each row execute function private.set_updated_at();
create trigger audit after insert or update or delete on public.phone_numbers for each row execute function private.audit();
create trigger audit after insert or update or delete on public.send_hours for each row execute function private.audit();
create trigger audit after insert or update or delete on public.holidays for each row execute function private.audit();

do $$
declare t text;
begin
  foreach t in array '{phone_numbers,send_hours,holidays}'::text[] loop
    execute format('create trigger limit_changed after update on public.%I referencing old table as old_rows
      for each statement when (auth.uid() is not null) execute function private.limit_rows()', t);
  end loop;
  foreach t in array '{send_hours,holidays}'::text[] loop
    execute format('create trigger limit_deleted after delete on public.%I referencing old table as old_rows
      for each statement when (auth.uid() is not null) execute function private.limit_rows()', t);
  end loop;
end $$;

alter table public.phone_numbers enable row level security;
alter table public.send_kinds enable row level security;
alter table public.send_hours enable row level security;
alter table public.holidays enable row level security;
create policy "members read" on public.phone_numbers for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin', 'marketer'))));
create policy "owners and admins change" on public.phone_numbers for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "members read" on public.send_kinds for select to authenticated using (exists (select 1 from private.my_locations()));
create policy "members read" on public.send_hours for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin', 'marketer'))));
create policy "owners and admins add" on public.send_hours for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.send_hours for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins delete" on public.send_hours for delete to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "members read" on public.holidays for select to authenticated
  using (location_id = any (array(select private.my_locations())));
create policy "owners and admins add" on public.holidays for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.holidays for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins delete" on public.holidays for delete to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
select private.limit_keys('public.phone_numbers');
select private.limit_keys('public.send_kinds');
select private.limit_keys('public.send_hours');
select private.limit_keys('public.holidays');
insert into public.api_scopes (scope, resource) values ('messages:read', 'phone_numbers'), ('messages:write', 'phone_numbers');

grant select on public.phone_numbers, public.send_kinds, public.send_hours, public.holidays to authenticated, service_role;
grant update (label, is_active, daily_cold_cap, paused_at, pause_reason) on public.phone_numbers to authenticated;
grant insert, update on public.phone_numbers to service_role;
grant insert (location_id, kind, weekdays, opens, closes, skips_holidays), update (weekdays, opens, closes, skips_holidays), delete
  on public.send_hours to authenticated;
grant insert (location_id, day, name, is_closed), update (name, is_closed), delete on public.holidays to authenticated;
