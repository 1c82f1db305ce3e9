-- Who may make whom what, as data; roles and keys are given and taken by functions that keep to it.
set lock_timeout = '4s';

create table public.role_grants (
  granter text not null check (granter in ('owner', 'admin')),
  role text not null check (role in ('owner', 'admin', 'marketer', 'technician')),
  primary key (granter, role)
);
comment on table public.role_grants is 'A granter may invite people into the role, change and end it. An operator changes it by SQL.';
insert into public.role_grants values ('owner', 'owner'), ('owner', 'admin'), ('owner', 'marketer'), ('owner', 'technician'),
  ('admin', 'marketer'), ('admin', 'technician');
alter table public.role_grants enable row level security;
select private.limit_keys('public.role_grants');
create policy "members read who may grant what" on public.role_grants for select to authenticated
  using (exists (select 1 from private.my_locations()));
create trigger audit after insert or update or delete on public.role_grants for each row execute function private.audit();

create function private.require_grant(p_location uuid, p_role text) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if not exists (select 1 from public.role_grants g where g.granter = private.my_role(p_location) and g.role = p_role) then
    perform private.refuse(403, 'role_not_grantable', format('Your role may not make or unmake a person %s.', coalesce(p_role, '?')), 'Ask an owner.');
  end if;
end $$;

create function public.set_member(p_location uuid, p_user uuid, p_role text default null, p_active boolean default null)
returns public.location_members language plpgsql security definer set search_path = '' as $$
declare v_row public.location_members;
begin
  -- One change at a time: two owners who end each other cannot both succeed.
  perform 1 from public.locations where id = p_location for no key update;
  perform private.require_role(p_location, 'owner', 'admin');
  select * into v_row from public.location_members where location_id = p_location and user_id = p_user for update;
  if not found then
    perform private.refuse(404, 'not_found', 'Nobody of this id works at this location.', 'Invite the person.');
  elsif p_user = auth.uid() then
    perform private.refuse(409, 'own_membership', 'Nobody changes his own role or leaves by himself.', 'Ask another owner.');
  elsif p_role <> all ('{owner,admin,marketer,technician}') then
    perform private.refuse(422, 'invalid_value', 'p_role is no role.', 'Give owner, admin, marketer or technician.');
  end if;
  perform private.require_grant(p_location, v_row.role), private.require_grant(p_location, coalesce(p_role, v_row.role));
  update public.location_members set role = coalesce(p_role, role), is_active = coalesce(p_active, is_active)
    where location_id = p_location and user_id = p_user returning * into v_row;
  return v_row;
end $$;
comment on function public.set_member is 'Changes a person''s role or ends (p_active false) and resumes a membership; null leaves as it is. Holds from the next request on.';

create function private.new_api_key(p_id uuid, p_location uuid, p_name text, p_scopes text[], p_expires_at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_prefix text := 'aac_' || encode(extensions.gen_random_bytes(4), 'hex');
  v_key text := v_prefix || '_' || translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=', '-_');
  v_row public.api_keys;
begin
  insert into public.api_keys (id, location_id, user_id, name, prefix, secret_hash, scopes, expires_at)
    values (p_id, p_location, auth.uid(), btrim(p_name), v_prefix, encode(sha256(convert_to(v_key, 'utf8')), 'hex'), p_scopes, p_expires_at)
    returning * into v_row;
  return to_jsonb(v_row) - 'secret_hash' || jsonb_build_object('key', v_key);
end $$;

create function public.create_api_key(p_location uuid, p_name text, p_scopes text[], p_expires_at timestamptz default null,
  p_id uuid default gen_random_uuid()) returns jsonb language plpgsql security definer set search_path = '' as $$
declare v_expires_at timestamptz := coalesce(p_expires_at, now() + interval '90 days');
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if btrim(coalesce(p_name, '')) = '' or length(p_name) > 100 then
    perform private.refuse(422, 'invalid_value', 'p_name must have 1 to 100 characters.', 'Say what the key is for.');
  elsif coalesce(cardinality(p_scopes), 0) = 0 or exists (
      select 1 from unnest(p_scopes) s where s is null or not exists (select 1 from public.api_scopes a where a.scope = s)) then
    perform private.refuse(422, 'invalid_value', 'p_scopes must name scopes that exist.', 'See the table api_scopes.');
  elsif v_expires_at <= now() or v_expires_at > now() + interval '366 days' then
    perform private.refuse(422, 'invalid_value', 'p_expires_at must lie within the next 366 days.', 'Leave it out for 90 days.');
  end if;
  return private.new_api_key(coalesce(p_id, gen_random_uuid()), p_location, p_name, array(select distinct s from unnest(p_scopes) s order by s), v_expires_at);
end $$;
comment on function public.create_api_key is 'The key is in the answer''s `key`, this once: only its hash is kept. It acts as the caller, at the location, within the scopes.';

create function public.rotate_api_key(p_key uuid, p_overlap_hours int default 24) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_old public.api_keys; v_new jsonb;
begin
  select * into v_old from public.api_keys where id = p_key and location_id in (select private.my_locations('owner', 'admin')) for update;
  if not found then perform private.refuse(404, 'not_found', 'No such API key.'); end if;
  -- A key acts as its maker: whoever renewed another's would act as him.
  if v_old.user_id <> auth.uid() then
    perform private.refuse(403, 'not_permitted', 'Only the person who made a key renews it.', 'Revoke it and make one of your own.');
  elsif v_old.revoked_at is not null or v_old.rotated_to is not null or v_old.expires_at <= now() then
    perform private.refuse(409, 'key_ended', 'This key is expired, revoked or renewed already.', 'Make a new one.');
  elsif p_overlap_hours is null or p_overlap_hours not between 0 and 168 then
    perform private.refuse(422, 'invalid_value', 'p_overlap_hours must be 0 to 168.', 'It is how long the old key still works.');
  end if;
  v_new := private.new_api_key(gen_random_uuid(), v_old.location_id, v_old.name, v_old.scopes, now() + (v_old.expires_at - v_old.created_at));
  update public.api_keys set rotated_to = (v_new ->> 'id')::uuid, expires_at = least(expires_at, now() + make_interval(hours => p_overlap_hours))
    where id = p_key;
  return v_new;
end $$;

create function public.revoke_api_key(p_key uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  update public.api_keys set revoked_at = coalesce(revoked_at, now())
    where id = p_key and location_id in (select private.my_locations('owner', 'admin'));
  if not found then perform private.refuse(404, 'not_found', 'No such API key.'); end if;
end $$;

create function public.use_api_key() returns jsonb language plpgsql security definer set search_path = '' as $$
declare v_row public.api_keys;
begin
  select * into v_row from public.api_keys where id = private.key_id() and private.key_stands()
    and location_id in (select private.my_locations());
  if not found then
    perform private.refuse(401, 'invalid_api_key', 'This API key is unknown, expired or revoked, or its maker works here no more.', 'Make a new one.');
  end if;
  update public.api_keys set last_used_at = now()
    where id = v_row.id and (last_used_at is null or last_used_at < now() - interval '1 minute');
  return jsonb_build_object('id', v_row.id, 'user_id', v_row.user_id, 'location_id', v_row.location_id, 'name', v_row.name,
    'prefix', v_row.prefix, 'scopes', v_row.scopes, 'expires_at', v_row.expires_at);
end $$;
comment on function public.use_api_key is 'What the key that calls is; notes that it was used, at most once a minute.';

create policy "owners and admins read" on public.api_keys for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "members read what scopes open" on public.api_scopes for select to authenticated
  using (exists (select 1 from private.my_locations()));
create policy "members read what scopes open" on public.api_scope_functions for select to authenticated
  using (exists (select 1 from private.my_locations()));

grant select on public.role_grants to authenticated, service_role;
grant execute on function public.set_member(uuid, uuid, text, boolean), public.create_api_key(uuid, text, text[], timestamptz, uuid),
  public.rotate_api_key(uuid, int), public.revoke_api_key(uuid), public.use_api_key() to authenticated;
