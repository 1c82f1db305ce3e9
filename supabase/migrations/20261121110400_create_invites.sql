-- People come in by invitation only: a row of ours, a one-time link for seven days, then the account and the membership.
set lock_timeout = '4s';

create table public.invites (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id) on delete cascade,
  email text not null check (email = lower(email) and email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 254),
  role text not null check (role in ('owner', 'admin', 'marketer', 'technician')),
  token_hash text unique check (token_hash ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null default now() + interval '7 days',
  sent_at timestamptz, send_error text, send_attempts int not null default 0, send_after timestamptz,
  accepted_at timestamptz, accepted_by uuid references public.profiles (id) on delete set null,
  revoked_at timestamptz,
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  check (accepted_at is null or revoked_at is null)
);
comment on column public.invites.token_hash is 'sha256 of the link''s token, made when the mail is sent; null: no link is out.';
comment on column public.invites.created_by is 'Null for the first owner, whom a command invites.';
create unique index invites_open on public.invites (location_id, email) where accepted_at is null and revoked_at is null;
create index invites_location on public.invites (location_id, created_at desc);
create index invites_created_by on public.invites (created_by) where created_by is not null;
create index invites_accepted_by on public.invites (accepted_by) where accepted_by is not null;
alter table public.invites enable row level security;
select private.limit_keys('public.invites');
create policy "owners and admins read" on public.invites for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create trigger set_updated_at before update on public.invites for each row execute function private.set_updated_at();
create trigger audit after insert or update of role, email, expires_at, accepted_at, revoked_at or delete on public.invites
  for each row execute function private.audit();

create function private.shown(p_invite public.invites) returns jsonb language sql stable set search_path = '' as $$
  select to_jsonb(p_invite) - '{token_hash,send_attempts,send_after}'::text[]
$$;

create function private.email_address(p_text text) returns text language plpgsql immutable set search_path = '' as $$
declare v_email text := lower(btrim(p_text));
begin
  if v_email is null or v_email !~ '^[^@\s]+@[^@\s]+$' or length(v_email) > 254 then
    perform private.refuse(422, 'invalid_value', 'p_email is no e-mail address.', 'Write it like name@example.com.');
  end if;
  return v_email;
end $$;

create function public.create_invite(p_location uuid, p_email text, p_role text, p_id uuid default gen_random_uuid()) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_row public.invites; v_email text;
begin
  perform private.require_grant(p_location, p_role);
  v_email := private.email_address(p_email);
  if exists (select 1 from public.location_members m join auth.users u on u.id = m.user_id
      where m.location_id = p_location and m.is_active and lower(u.email) = v_email)
    and not exists (select 1 from public.invites where id = p_id) then
    perform private.refuse(409, 'already_member', 'This person works at the location already.', 'Change the role instead.');
  end if;
  update public.invites set revoked_at = now(), token_hash = null where location_id = p_location and email = v_email and id is distinct from p_id
    and accepted_at is null and revoked_at is null and expires_at <= now();
  insert into public.invites (id, location_id, email, role, created_by)
    values (coalesce(p_id, gen_random_uuid()), p_location, v_email, p_role, auth.uid()) on conflict do nothing returning * into v_row;
  if found then return private.shown(v_row); end if;
  -- The same id again is the same request again, be it at the same moment.
  select * into v_row from public.invites
    where id = p_id and location_id = p_location and created_by = auth.uid() and email = v_email and role = p_role;
  if not found then
    perform private.refuse(409, 'already_invited', 'This person has an open invitation.', 'Send it again, or revoke it first.');
  end if;
  return private.shown(v_row);
end $$;

-- An invite the caller may change, locked.
create function private.open_invite(p_invite uuid) returns public.invites language plpgsql security definer set search_path = '' as $$
declare v_row public.invites;
begin
  select * into v_row from public.invites where id = p_invite and location_id in (select private.my_locations('owner', 'admin')) for update;
  if not found then perform private.refuse(404, 'not_found', 'No such invitation.'); end if;
  perform private.require_grant(v_row.location_id, v_row.role);
  if v_row.accepted_at is not null or v_row.revoked_at is not null then
    perform private.refuse(409, 'invite_ended', 'This invitation was accepted or revoked.', 'Invite the person anew.');
  end if;
  return v_row;
end $$;

create function public.resend_invite(p_invite uuid) returns jsonb language plpgsql security definer set search_path = '' as $$
declare v_row public.invites := private.open_invite(p_invite);
begin
  if v_row.sent_at > now() - interval '1 minute' then
    perform private.refuse(429, 'sent_just_now', 'The invitation was sent less than a minute ago.', 'Wait a minute.');
  elsif v_row.sent_at is null and v_row.send_error is null and v_row.send_after > clock_timestamp() then
    -- The worker's word on this mail must not be taken for the next one's.
    perform private.refuse(429, 'sent_just_now', 'The invitation is being sent.', 'Wait a minute.');
  end if;
  update public.invites set token_hash = null, expires_at = now() + interval '7 days', sent_at = null, send_error = null, send_attempts = 0, send_after = null
    where id = p_invite returning * into v_row;
  return private.shown(v_row);
end $$;
comment on function public.resend_invite is 'Mails a new link, good for seven days; the former one opens nothing from then on.';

create function public.revoke_invite(p_invite uuid) returns jsonb language plpgsql security definer set search_path = '' as $$
declare v_row public.invites := private.open_invite(p_invite);
begin
  update public.invites set revoked_at = now(), token_hash = null where id = p_invite returning * into v_row;
  return private.shown(v_row);
end $$;

create function private.has_owner() returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.location_members where role = 'owner')
$$;

create function public.accept_invite(p_token text) returns public.location_members language plpgsql security definer set search_path = '' as $$
declare v_invite public.invites; v_row public.location_members;
begin
  if not private.session_stands() or private.key_id() is not null then
    perform private.refuse(401, 'invalid_token', 'Sign in first.');
  end if;
  select * into v_invite from public.invites where token_hash = encode(sha256(convert_to(p_token, 'utf8')), 'hex') for update;
  if not found then
    perform private.refuse(404, 'invite_not_found', 'This link opens nothing: it was revoked, or replaced by a newer one.', 'Ask for a new invitation.');
  elsif not exists (select 1 from auth.users u where u.id = auth.uid() and lower(u.email) = v_invite.email and u.email_confirmed_at is not null) then
    perform private.refuse(403, 'invite_for_another', 'This invitation is for another address.', 'Sign in with the address the mail was sent to.');
  elsif v_invite.accepted_at is not null then
    if v_invite.accepted_by is distinct from auth.uid() then
      perform private.refuse(409, 'invite_used', 'This invitation was accepted before.', 'Ask for a new one.');
    end if;
    select * into v_row from public.location_members where location_id = v_invite.location_id and user_id = auth.uid();
    return v_row;
  elsif exists (select 1 from public.location_members m
      where m.location_id = v_invite.location_id and m.user_id = auth.uid() and m.is_active) then
    perform private.refuse(409, 'already_member', 'You work at this location already.', 'Ask an owner to change your role.');
  elsif v_invite.expires_at <= now() or not private.inviter_still_may(v_invite) then
    perform private.refuse(410, 'invite_expired', 'This invitation is no longer good.', 'Ask for a new one.');
  end if;
  update public.invites set accepted_at = now(), accepted_by = auth.uid() where id = v_invite.id;
  insert into public.location_members (user_id, location_id, role) values (auth.uid(), v_invite.location_id, v_invite.role)
    on conflict (user_id, location_id) do update set role = excluded.role, is_active = true returning * into v_row;
  return v_row;
end $$;
comment on function public.accept_invite is 'Makes the caller a member, once; the same link by the same person again answers the same.';

-- What a dismissed admin left in somebody's mailbox must not let anybody in. The command's invitation has no creator, as that
-- of a person deleted since: it stands as long as the command itself would, while nobody owns anything.
create function private.inviter_still_may(p_invite public.invites) returns boolean language sql stable security definer set search_path = '' as $$
  select case when p_invite.created_by is null then p_invite.role = 'owner' and not private.has_owner()
    else exists (
      select 1 from public.location_members m join public.profiles p on p.id = m.user_id
        join public.role_grants g on g.granter = m.role and g.role = p_invite.role
      where m.user_id = p_invite.created_by and m.location_id = p_invite.location_id and m.is_active and p.is_active) end
$$;

-- Nor an older invitation, left open, whoever was sent away since.
create function private.end_invites_of_member() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.invites i set revoked_at = now(), token_hash = null from auth.users u
    where u.id = new.user_id and i.location_id = new.location_id and i.email = lower(u.email)
      and i.accepted_at is null and i.revoked_at is null;
  return null;
end $$;
create trigger end_invites_of_member after update of is_active on public.location_members for each row
  when (old.is_active and not new.is_active) execute function private.end_invites_of_member();

create function private.waits_for_mail(p_invite public.invites) returns boolean language sql stable set search_path = '' as $$
  select p_invite.sent_at is null and p_invite.accepted_at is null and p_invite.revoked_at is null and p_invite.expires_at > now()
    and p_invite.send_attempts < 10 and (p_invite.send_after is null or p_invite.send_after <= clock_timestamp())
$$;

create function public.invites_to_send(p_limit int default 50) returns setof uuid language sql stable security definer set search_path = '' as $$
  select i.id from public.invites i where private.waits_for_mail(i) order by i.created_at limit p_limit
$$;

create function public.issue_invite(p_invite uuid) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=', '-_');
  v_row public.invites;
begin
  -- Nobody else sends it for two minutes; a worker that dies meanwhile is followed by another with a new link.
  update public.invites i set token_hash = encode(sha256(convert_to(v_token, 'utf8')), 'hex'), send_attempts = send_attempts + 1,
      send_error = null, send_after = clock_timestamp() + interval '2 minutes'
    where i.id = p_invite and private.waits_for_mail(i) returning * into v_row;
  if v_row.id is null then return null; end if;
  return jsonb_build_object('email', v_row.email, 'token', v_token, 'role', v_row.role,
    'location_name', (select name from public.locations where id = v_row.location_id));
end $$;
comment on function public.issue_invite is 'Claims an invitation for mailing and makes its link''s token; null when there is nothing to send.';

create function public.record_invite_sent(p_invite uuid, p_error text default null) returns void
language sql security definer set search_path = '' as $$
  update public.invites set sent_at = case when p_error is null then now() end, send_error = left(p_error, 500),
      send_after = case when p_error is not null then clock_timestamp() + make_interval(secs => 15 * send_attempts * send_attempts) end
    where id = p_invite and sent_at is null and send_after is not null
$$;

create function public.first_owner(p_email text, p_location_name text, p_timezone text default 'America/New_York') returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_location uuid; v_id uuid; v_open uuid[];
begin
  perform pg_advisory_xact_lock(hashtext('first_owner'));
  -- Who is accepting just now comes first.
  v_open := array(select id from public.invites
    where created_by is null and role = 'owner' and accepted_at is null and revoked_at is null order by created_at for update);
  if private.has_owner() then
    perform private.refuse(409, 'owner_exists', 'There is an owner already.', 'Owners invite others from the app.');
  end if;
  -- Asked again before anybody accepted (a mistyped address): the later word counts.
  update public.invites set revoked_at = now(), token_hash = null where id = any (v_open);
  update public.locations set name = btrim(p_location_name), timezone = p_timezone
    where id = (select location_id from public.invites where id = v_open[cardinality(v_open)]) returning id into v_location;
  if v_location is null then
    insert into public.locations (name, timezone) values (btrim(p_location_name), p_timezone) returning id into v_location;
  end if;
  insert into public.invites (location_id, email, role) values (v_location, private.email_address(p_email), 'owner') returning id into v_id;
  return v_id;
end $$;
comment on function public.first_owner is 'Invites the first owner of a new installation and makes the location. Refused once there is an owner.';

grant select (id, location_id, email, role, expires_at, sent_at, send_error, accepted_at, accepted_by, revoked_at, created_by, created_at,
  updated_at) on public.invites to authenticated;
grant select on public.invites to service_role;
grant execute on function public.create_invite(uuid, text, text, uuid), public.resend_invite(uuid), public.revoke_invite(uuid),
  public.accept_invite(text) to authenticated;
grant execute on function public.invites_to_send(int), public.issue_invite(uuid), public.record_invite_sent(uuid, text),
  public.first_owner(text, text, text) to service_role;
