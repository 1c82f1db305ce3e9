-- Who works where, in which role, and the record of what they changed.
set lock_timeout = '4s';

create table public.locations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (btrim(name) <> ''),
  address text, city text, state text, zip text check (zip ~ '^\d{5}$'),
  lat numeric(9,6), lon numeric(9,6),
  timezone text not null default 'America/New_York' -- a zone nobody knows is refused here (22023), not by the first text sent
    check (timestamptz '2026-01-01 00:00+00' at time zone timezone is not null),
  business_hours jsonb not null default '{"days":[1,2,3,4,5],"start":"09:00","end":"18:00"}',
  created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
comment on table public.locations is 'One branch of the business; every business row carries its id.';

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  name text, email text not null,
  phone text check (phone ~ '^\+[1-9]\d{7,14}$'),
  is_active boolean not null default true, last_login timestamptz,
  openphone_user_id text unique,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);

create table public.location_members (
  user_id uuid not null references public.profiles (id) on delete cascade,
  location_id uuid not null references public.locations (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'marketer', 'technician')),
  is_active boolean not null default true,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (user_id, location_id)
);
create index location_members_location on public.location_members (location_id);

create table public.audit_log (
  id bigint generated always as identity primary key,
  location_id uuid, actor_id uuid, actor_role text,
  action text not null check (action in ('insert', 'update', 'delete')),
  table_name text not null, row_id text not null,
  before jsonb, after jsonb, at timestamptz not null default clock_timestamp()
);
comment on table public.audit_log is 'Append-only: who changed what, before and after (only the columns that changed).';
create index audit_log_location_at on public.audit_log (location_id, at desc);
create index audit_log_row on public.audit_log (table_name, row_id);

alter table public.locations enable row level security;
alter table public.profiles enable row level security;
alter table public.location_members enable row level security;
alter table public.audit_log enable row level security;

create trigger set_updated_at before update on public.locations for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.profiles for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.location_members for each row execute function private.set_updated_at();

-- The set a policy compares with: it never mentions the row, so it is computed once a query.
create function private.my_locations(variadic p_roles text[] default '{owner,admin,marketer,technician}') returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.location_id from public.location_members m join public.profiles p on p.id = m.user_id
  where m.user_id = (select auth.uid()) and m.is_active and p.is_active and m.role = any (p_roles)
$$;

create function private.my_colleagues() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.user_id from public.location_members m where m.location_id in (select private.my_locations())
$$;

create function private.audit() returns trigger language plpgsql security definer set search_path = '' as $$
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
create trigger audit after insert or update or delete on public.locations for each row execute function private.audit();
create trigger audit after insert or update or delete on public.location_members for each row execute function private.audit();

create function private.profile_for_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, email, name) values (new.id, coalesce(new.email, ''), new.raw_user_meta_data ->> 'name')
  on conflict (id) do nothing;
  return new;
end $$;
create trigger profile_for_new_user after insert on auth.users for each row execute function private.profile_for_new_user();

-- Supabase Auth calls this before it signs a token (config.toml). A hint for screens: rights are read from the tables.
create function private.custom_access_token(event jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare v_locations jsonb;
begin
  select coalesce(jsonb_agg(jsonb_build_object('id', m.location_id, 'role', m.role) order by m.created_at, m.location_id), '[]')
    into v_locations from public.location_members m join public.profiles p on p.id = m.user_id
    where m.user_id = (event ->> 'user_id')::uuid and m.is_active and p.is_active;
  return jsonb_set(event, '{claims,app_metadata}',
    coalesce(nullif(event #> '{claims,app_metadata}', 'null'), '{}') || jsonb_build_object('locations', v_locations));
end $$;

create policy "members read their locations" on public.locations for select to authenticated
  using (id = any (array(select private.my_locations())));
create policy "owners and admins change their locations" on public.locations for update to authenticated
  using (id = any (array(select private.my_locations('owner', 'admin'))))
  with check (id = any (array(select private.my_locations('owner', 'admin'))));
create policy "people read themselves and their colleagues" on public.profiles for select to authenticated
  using (id = (select auth.uid()) or id = any (array(select private.my_colleagues())));
create policy "people change their own profile" on public.profiles for update to authenticated
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
create policy "members read the memberships of their locations" on public.location_members for select to authenticated
  using (location_id = any (array(select private.my_locations())));
create policy "owners and admins read the audit log" on public.audit_log for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));

grant select on public.locations, public.profiles, public.location_members, public.audit_log to authenticated;
grant update (name, address, city, state, zip, lat, lon, timezone, business_hours) on public.locations to authenticated;
grant update (name, phone) on public.profiles to authenticated;
grant select, insert, update, delete on public.locations, public.profiles, public.location_members to service_role;
grant select on public.audit_log to service_role;
grant execute on function private.my_locations(text[]), private.my_colleagues() to authenticated, service_role;
grant execute on function private.custom_access_token(jsonb) to supabase_auth_admin;
grant execute on function private.refuse(int, text, text, text) to authenticated, service_role;
