-- Rights end with the session, the key or the membership on the next request, and a location may ask for a second factor.
set lock_timeout = '4s';

alter table public.locations add column second_factor_required boolean not null default false;
comment on column public.locations.second_factor_required is 'Owners and admins of it act with a second factor (aal2) or not at all.';

-- What every query asks is PL/pgSQL, whose plans a connection keeps. As SQL it was planned anew for each query, which took 1 ms.
-- An access token is valid for an hour, whatever became of its session; what it may do is not.
create function private.session_stands() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return not exists (select 1 from public.profiles p where p.id = auth.uid() and not p.is_active)
    and (v_claims ->> 'session_id' is null or exists (
      select 1 from auth.sessions s
      where s.id = substring(v_claims ->> 'session_id' from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid
        and s.user_id = auth.uid() and (s.not_after is null or s.not_after > now())));
end $$;
comment on function private.session_stands is 'The token''s session exists still, and the account is not ended.';

create function private.key_stands() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return exists (select 1 from public.api_keys k where k.id = private.key_id() and k.user_id = auth.uid()
    and k.location_id = (v_claims ->> 'location_id')::uuid and k.revoked_at is null and k.expires_at > now());
end $$;

-- The token says it and the session still does: Auth takes it from the session when the authenticator is removed.
create function private.second_factor_given() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return coalesce(v_claims ->> 'aal' in ('aal2', 'aal3'), false) and (v_claims ->> 'session_id' is null or exists (
    select 1 from auth.sessions s
    where s.id = substring(v_claims ->> 'session_id' from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid
      and s.aal::text in ('aal2', 'aal3')));
end $$;

create or replace function private.my_locations(variadic p_roles text[] default '{owner,admin,marketer,technician}') returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_claims constant jsonb := auth.jwt();
  v_user constant uuid := (v_claims ->> 'sub')::uuid;
begin
  if v_claims ->> 'api_key' is not null then
    -- A program gives no second factor; its maker had to, if one was asked for when he made the key.
    return query select m.location_id from public.location_members m join public.profiles p on p.id = m.user_id
      where m.user_id = v_user and m.location_id = (v_claims ->> 'location_id')::uuid and m.is_active and p.is_active
        and m.role = any (p_roles) and private.key_stands();
  elsif private.session_stands() then
    return query select m.location_id from public.location_members m join public.profiles p on p.id = m.user_id
        join public.locations l on l.id = m.location_id
      where m.user_id = v_user and m.is_active and p.is_active and m.role = any (p_roles)
        and (not l.second_factor_required or m.role not in ('owner', 'admin') or private.second_factor_given());
  end if;
end $$;

create or replace function private.may_join(p_topic text) returns boolean
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
    when 'user' then private.session_stands()
      and exists (select 1 from public.profiles p where p.id = v_id::uuid and p.id = auth.uid() and p.is_active)
    else false end;
end $$;

-- What the caller is at a location; null for a stranger. In a function that locks first: ask after the lock.
create function private.my_role(p_location uuid) returns text language plpgsql stable security definer set search_path = '' as $$
begin
  return (select m.role from public.location_members m
    where m.user_id = auth.uid() and m.location_id = p_location and p_location in (select private.my_locations()));
end $$;

-- Raises unless the caller has one of the roles there; says so when only the second factor is missing.
create function private.require_role(p_location uuid, variadic p_roles text[]) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if private.my_role(p_location) = any (p_roles) then return; end if;
  if private.session_stands() and not private.second_factor_given() and exists (
      select 1 from public.location_members m join public.locations l on l.id = m.location_id join public.profiles p on p.id = m.user_id
      where m.user_id = auth.uid() and m.location_id = p_location and m.is_active and p.is_active
        and m.role = any (p_roles) and l.second_factor_required) then
    perform private.refuse(403, 'second_factor_required', 'This location asks its owners and admins for a second factor.',
      'Sign in again with the code of your authenticator.');
  end if;
  perform private.refuse(403, 'not_permitted', 'Your role does not allow this.', 'Ask the owner of the location.');
end $$;

create function private.guard_second_factor() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- Who switches it has it: nobody locks himself out, and a stolen password cannot switch it off.
  perform private.require_role(new.id, 'owner');
  if not private.second_factor_given() then
    perform private.refuse(403, 'second_factor_required', 'Give your second factor before you change who needs one.',
      'Enrol an authenticator and sign in with its code.');
  end if;
  return new;
end $$;
create trigger guard_second_factor before update of second_factor_required on public.locations for each row
  when (auth.uid() is not null and new.second_factor_required is distinct from old.second_factor_required)
  execute function private.guard_second_factor();

create function public.my_access() returns table (location_id uuid, location_name text, role text, second_factor_needed boolean)
language sql stable security definer set search_path = '' as $$
  select l.id, l.name, m.role, not exists (select 1 from private.my_locations() mine where mine = l.id)
  from public.location_members m join public.locations l on l.id = m.location_id join public.profiles p on p.id = m.user_id
  where m.user_id = auth.uid() and m.is_active and p.is_active
    and case when private.key_id() is not null
      then l.id in (select private.my_locations()) else private.session_stands() end
  order by l.name, l.id
$$;
comment on function public.my_access is 'Where the caller works and as what; second_factor_needed: nothing opens there until aal2.';

-- Whose session or account is ended has nothing of his own here either.
alter policy "people read themselves and their colleagues" on public.profiles
  using ((id = (select auth.uid()) and (select private.session_stands())) or id = any (array(select private.my_colleagues())));
alter policy "people change their own profile" on public.profiles
  using (id = (select auth.uid()) and (select private.session_stands()))
  with check (id = (select auth.uid()) and (select private.session_stands()));

grant update (second_factor_required) on public.locations to authenticated;
grant execute on function private.session_stands(), private.key_stands(), private.second_factor_given(), private.my_role(uuid),
  private.require_role(uuid, text[]) to authenticated, service_role;
grant execute on function public.my_access() to authenticated;
