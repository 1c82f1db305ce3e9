-- Numbers checked by a validation service: asked for once in 30 days, claimed by one worker at a time, copied beside the number.
-- Locks contact_phones for the moment its columns are added. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.contact_phones add column line_type text, add column is_valid boolean, add column sendable boolean not null default false,
  add column checked_at timestamptz;
comment on column public.contact_phones.sendable is 'A valid mobile number, when it was checked; phone_validations says until when that is believed.';

-- A file that says Active and a service that says landline: the service wins, for it writes last and nothing else writes here.
create function private.validation_copied() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.contact_phones n set line_type = v.line_type, is_valid = v.is_valid, checked_at = v.checked_at,
      sendable = coalesce(v.is_valid and v.line_type = 'mobile', false)
    from new_rows v
    where n.location_id = v.location_id and n.phone = v.phone
      and (n.line_type, n.is_valid, n.checked_at) is distinct from (v.line_type, v.is_valid, v.checked_at);
  return null;
end $$;
create trigger copy_checked after update on public.phone_validations referencing new table as new_rows
  for each statement execute function private.validation_copied();
create trigger copy_added after insert on public.phone_validations referencing new table as new_rows
  for each statement execute function private.validation_copied();

create function private.new_phones_checked() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.contact_phones n set line_type = v.line_type, is_valid = v.is_valid, checked_at = v.checked_at,
      sendable = coalesce(v.is_valid and v.line_type = 'mobile', false)
    from new_rows w join public.phone_validations v using (location_id, phone)
    where n.id = w.id and v.checked_at is not null;
  return null;
end $$;
create trigger copy_checked after insert on public.contact_phones referencing new table as new_rows
  for each statement execute function private.new_phones_checked();
-- Who writes another number into the row has said nothing of that number.
create function private.phone_corrected() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  select v.line_type, v.is_valid, v.checked_at, coalesce(v.is_valid and v.line_type = 'mobile', false)
    into new.line_type, new.is_valid, new.checked_at, new.sendable
    from (values (new.location_id, new.phone)) n (location_id, phone) left join public.phone_validations v using (location_id, phone);
  return new;
end $$;
create trigger phone_corrected before update of phone on public.contact_phones for each row
  when (new.phone is distinct from old.phone) execute function private.phone_corrected();

create function private.want_number_checks(p_location uuid, p_phones text[], p_by uuid, p_now timestamptz) returns int
language plpgsql security definer set search_path = '' as $$
declare v_wanted int;
begin
  -- What another location was told lately holds here too, and costs nothing.
  insert into public.phone_validations (location_id, phone, status, is_valid, line_type, carrier, country, place, checked_at, valid_until,
      raw, requested_by, next_try_at)
    select distinct on (v.phone) p_location, v.phone, 'checked', v.is_valid, v.line_type, v.carrier, v.country, v.place, v.checked_at,
        v.valid_until, v.raw, p_by, p_now
      from public.phone_validations v where v.phone = any (p_phones) and v.status = 'checked' and v.valid_until > p_now
      order by v.phone, v.checked_at desc
    on conflict (location_id, phone) do nothing;
  insert into public.phone_validations as v (location_id, phone, requested_by, next_try_at)
    select distinct p_location, x, p_by, p_now from unnest(p_phones) x order by 2
    on conflict (location_id, phone) do update set status = 'waiting', attempts = 0, next_try_at = p_now, error = null, requested_by = p_by
      -- A text that waits asks every few minutes: that does not shorten how long the service is left alone.
      where (v.status = 'unknown' and p_by is not null) or (v.status = 'checked' and v.valid_until <= p_now);
  get diagnostics v_wanted = row_count;
  return v_wanted;
end $$;
comment on function private.want_number_checks is 'Asks for what is not known, no longer believed, or was not found out. Returns how many numbers now wait.';

create function public.request_number_checks(p_location uuid, p_list uuid default null, p_phones text[] default null,
  p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_phones text[];
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if (p_list is null) = (p_phones is null) then
    perform private.refuse(422, 'invalid_value', 'p_phones: name a list or numbers, one of them.', 'Leave the other out.');
  end if;
  if cardinality(p_phones) > 200 or exists (select 1 from unnest(p_phones) x where x is null or x !~ '^\+[1-9]\d{7,14}$') then
    perform private.refuse(422, 'invalid_value', 'p_phones: up to 200 numbers in E.164, such as +16175550142.', 'Send more in several requests.');
  end if;
  if p_list is not null and not exists (select 1 from public.lists where id = p_list and location_id = p_location) then
    perform private.refuse(404, 'not_found', 'There is no such list at this location.');
  end if;
  v_phones := coalesce(p_phones, array(select distinct c.phone from public.list_members m join public.contacts c on c.id = m.contact_id
    where m.list_id = p_list and m.status = 'active' and c.phone is not null and c.deleted_at is null));
  return jsonb_build_object('numbers', cardinality(v_phones), 'waiting', private.want_number_checks(p_location, v_phones, auth.uid(), v_now));
end $$;
comment on function public.request_number_checks is 'Has the numbers a list would be texted at, or up to 200 named ones, checked. What is known for less than 30 days is not asked again.';

create function public.numbers_to_check(p_lease uuid, p_limit int default 100, p_lease_s int default 300, p_now timestamptz default null)
returns setof text language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := private.clock(p_now);
begin
  -- One claims at a time: the same number may wait at two locations, and is paid for once.
  perform pg_advisory_xact_lock(hashtext('public.numbers_to_check'));
  return query
    with due as (
      select v.phone from public.phone_validations v
      where v.status in ('waiting', 'unknown') and v.next_try_at <= v_now
        and not exists (select 1 from public.phone_validations h where h.phone = v.phone and h.lease_until > clock_timestamp())
      order by v.next_try_at, v.phone limit least(p_limit, 100)),
    taken as (
      update public.phone_validations v set lease = p_lease, lease_until = clock_timestamp() + make_interval(secs => p_lease_s), attempts = v.attempts + 1
      from due where v.phone = due.phone and v.status in ('waiting', 'unknown') returning v.phone)
    select distinct taken.phone from taken order by 1;
end $$;
comment on function public.numbers_to_check is 'Gives up to 100 numbers that are due to one worker for a while.';

create function private.record_checked(p_told jsonb, p_now timestamptz) returns int
language plpgsql security definer set search_path = '' as $$
declare v_rows int;
begin
  update public.phone_validations v set status = 'checked', is_valid = (p_told ->> 'is_valid')::boolean, line_type = p_told ->> 'line_type',
      carrier = p_told ->> 'carrier', country = p_told ->> 'country', place = p_told ->> 'place', raw = p_told -> 'raw', checked_at = p_now,
      valid_until = p_now + interval '30 days', attempts = 0, error = null, lease = null, lease_until = null
    where v.phone = p_told ->> 'phone' and v.status <> 'checked';
  get diagnostics v_rows = row_count;
  return v_rows;
end $$;

create function public.record_number_checks(p_lease uuid, p_results jsonb, p_now timestamptz default null) returns int
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_told jsonb;
  v_known int := 0;
begin
  for v_told in select * from jsonb_array_elements(p_results) x order by x ->> 'phone' loop
    if v_told ->> 'error' is null then
      -- A fact is welcome from whoever brings it, be his lease over.
      v_known := v_known + private.record_checked(v_told, v_now);
    else
      update public.phone_validations v set status = 'unknown', error = left(v_told ->> 'error', 300), lease = null, lease_until = null,
          next_try_at = v_now + greatest(make_interval(secs => coalesce((v_told ->> 'retry_after_s')::int, 0)),
            least(interval '5 minutes' * 2 ^ (least(v.attempts, 12) - 1), interval '1 day'))
        where v.phone = v_told ->> 'phone' and v.lease = p_lease;
    end if;
  end loop;
  return v_known;
end $$;
comment on function public.record_number_checks is
  'What the service said of claimed numbers: {phone, is_valid, line_type, carrier, country, place, raw}, or {phone, error, retry_after_s}: unknown, tried again later.';

create function public.number_checks_stopped(p_reason text, p_now timestamptz default null) returns void
language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := private.clock(p_now);
begin
  perform private.notify(w.location_id, 'number_checks_stopped', 'number_checks:' || to_char(v_now, 'YYYY-MM-DD'), 'Numbers are not being checked',
      p_reason || ' Until then an unchecked number is not texted.')
    from (select distinct location_id from public.phone_validations where status in ('waiting', 'unknown')) w;
end $$;
comment on function public.number_checks_stopped is 'Tells owners and admins, once a day, that the service refuses our account.';

create function private.sendability(p_location uuid, p_contact uuid, p_phone text, p_status text, p_now timestamptz) returns text
language plpgsql stable security definer set search_path = '' as $$
declare v public.phone_validations;
begin
  if exists (select 1 from public.opt_outs o join public.contact_phones n on n.phone = o.phone where n.contact_id = p_contact and o.revoked_at is null) then
    return 'opted_out';
  end if;
  if p_status = 'suppressed' or private.is_suppressed(p_location, p_contact) then return 'flagged'; end if;
  if p_phone is null then return 'no_phone'; end if;
  select * into v from public.phone_validations where location_id = p_location and phone = p_phone;
  return case when v.status is distinct from 'checked' or v.valid_until <= p_now then 'unknown' when not v.is_valid then 'invalid'
    when v.line_type = 'mobile' then 'sendable' when v.line_type in ('landline', 'voip') then v.line_type
    when v.line_type is null then 'unknown' else 'other' end;
end $$;

create function public.list_sendability(p_list uuid, p_now timestamptz default null)
returns table (total bigint, sendable bigint, landline bigint, voip bigint, invalid bigint, other bigint, unknown bigint, no_phone bigint,
  opted_out bigint, flagged bigint) language plpgsql stable security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_location uuid := (select l.location_id from public.lists l where l.id = p_list);
begin
  if v_location is null or v_location not in (select private.my_locations('owner', 'admin', 'marketer')) then
    perform private.refuse(404, 'not_found', 'There is no such list that you may see.');
  end if;
  return query
    with members as (
      select private.sendability(v_location, c.id, c.phone, m.status, v_now) as what from public.list_members m
        join public.contacts c on c.id = m.contact_id where m.list_id = p_list and m.status <> 'removed' and c.deleted_at is null)
    select count(*), count(*) filter (where what = 'sendable'), count(*) filter (where what = 'landline'), count(*) filter (where what = 'voip'),
      count(*) filter (where what = 'invalid'), count(*) filter (where what = 'other'), count(*) filter (where what = 'unknown'),
      count(*) filter (where what = 'no_phone'), count(*) filter (where what = 'opted_out'), count(*) filter (where what = 'flagged')
    from members;
end $$;
comment on function public.list_sendability is 'How many of a list may be texted, and why not the others: each member counts once, for the first reason. Figures only, so the marketer may see them.';

-- The marketer reads lists but no member, and saw every list empty: he is told the figures, not the people.
create function private.count_members(p_list uuid) returns table (active bigint, suppressed bigint, removed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  return query select count(*) filter (where m.status = 'active'), count(*) filter (where m.status = 'suppressed'),
      count(*) filter (where m.status = 'removed')
    from public.list_members m join public.lists l on l.id = m.list_id
    where m.list_id = p_list and (auth.uid() is null or l.location_id in (select private.my_locations('owner', 'admin', 'marketer')));
end $$;
create or replace view public.list_summaries with (security_invoker = true) as
select l.id, l.location_id, l.name, l.source, l.status, l.created_at,
  m.active, m.suppressed, m.removed, m.active + m.suppressed as members
from public.lists l left join lateral private.count_members(l.id) m on true;

revoke execute on function public.request_number_checks(uuid, uuid, text[], timestamptz), public.numbers_to_check(uuid, int, int, timestamptz),
  public.record_number_checks(uuid, jsonb, timestamptz), public.number_checks_stopped(text, timestamptz),
  public.list_sendability(uuid, timestamptz) from public;
grant execute on function private.count_members(uuid) to authenticated, service_role;
grant execute on function public.request_number_checks(uuid, uuid, text[], timestamptz), public.list_sendability(uuid, timestamptz) to authenticated;
grant execute on function public.numbers_to_check(uuid, int, int, timestamptz), public.record_number_checks(uuid, jsonb, timestamptz),
  public.number_checks_stopped(text, timestamptz) to service_role;
