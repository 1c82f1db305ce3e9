-- Who may not be texted, by which rule, and what to do about it. Asked when a text is written, when it is claimed, and once more
-- just before the vendor is called. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

insert into public.setting_kinds (key, scope, kind, default_value, description) values
  ('require_number_check', 'location', 'boolean', 'true', 'Text only numbers a validation service knows as mobile, or who have texted us.'),
  ('sending_paused', 'location', 'boolean', 'false', 'Stops every text of this location but the answers to STOP, START and HELP.');

alter table public.phone_numbers add column resumed_at timestamptz;
comment on column public.phone_numbers.resumed_at is 'When a person let it go on: what went wrong before does not count again.';

create function private.refusal(p_rule text, p_detail text, p_hint text, p_not_before timestamptz default null, p_phone text default null) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('rule', p_rule, 'detail', p_detail, 'hint', p_hint, 'not_before', p_not_before, 'phone', p_phone))
$$;

-- What passes by itself or by a person's decision: a text that meets it waits. Whatever else forbids it, cancels it.
create function private.is_gate(p_rule text) returns boolean language sql immutable parallel safe set search_path = '' as $$
  select p_rule in ('sending_paused', 'number_paused', 'held', 'number_unchecked', 'outside_hours', 'daily_cap', 'rolling_cap')
$$;

create function private.refused_by_number(p_number public.phone_numbers, p_kind text) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  if p_number.id is null or not p_number.is_active then
    return private.refusal('number_inactive', 'Our number is not in use.', 'Choose another number, or switch this one on.');
  elsif p_kind <> 'confirmation' and private.location_setting(p_number.location_id, 'sending_paused') = 'true' then
    return private.refusal('sending_paused', 'Sending is stopped for this location.', 'An owner or admin switches it on in the settings.');
  elsif p_kind <> 'confirmation' and p_number.paused_at is not null then
    return private.refusal('number_paused', format('Our number %s is paused: %s', p_number.e164, coalesce(p_number.pause_reason, 'by a person.')),
      'Find out why, then resume the number.');
  end if;
  return null;
end $$;

create function private.refused_by_address(p_kind text, p_phones text[]) returns jsonb language plpgsql stable set search_path = '' as $$
declare v_phone text;
begin
  select p into v_phone from unnest(p_phones) p where p is null or p !~ '^\+[1-9]\d{7,14}$' limit 1;
  if found or coalesce(cardinality(p_phones), 0) = 0 then
    return private.refusal('invalid_phone', 'The number is no phone number in international form.', 'Write it like +16175550123.', null, v_phone);
  end if;
  select e164 into v_phone from public.phone_numbers where e164 = any (p_phones) limit 1;
  if found and p_kind <> 'health' then
    return private.refusal('our_number', format('%s is our own number.', v_phone), 'Text somebody else.', null, v_phone);
  end if;
  return null;
end $$;

-- By number, wherever it was said: an opt-out at one location holds at every other.
create function private.refused_by_person(p_phones text[]) returns jsonb language plpgsql stable set search_path = '' as $$
declare v_phone text;
begin
  select phone into v_phone from public.opt_outs where phone = any (p_phones) and revoked_at is null limit 1;
  if found then
    return private.refusal('opted_out', format('%s has opted out.', v_phone), 'They may text START to come back.', null, v_phone);
  end if;
  select phone into v_phone from public.send_holds where phone = any (p_phones) and resolved_at is null limit 1;
  if found then
    return private.refusal('held', format('%s may have asked not to be texted.', v_phone), 'Read what they wrote and decide.', null, v_phone);
  end if;
  return null;
end $$;

create function private.refused_by_flag(p_location uuid, p_kind text, p_phones text[], p_now timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_automated boolean := (select is_automated from public.send_kinds where kind = p_kind);
  f public.contact_flags;
begin
  select x.* into f from public.contact_flags x
    where (x.phone = any (p_phones) or x.contact_id = any (array(select private.contact_by_phone(p_location, p) from unnest(p_phones) p)))
      and x.applies_to in ('sms', 'both') and (x.expires_at is null or x.expires_at > p_now)
      and (x.flag in ('do_not_contact', 'opted_out', 'wrong_number', 'invalid_number') or (v_automated and x.flag in ('office_number', 'negative'))
        or (p_kind = 'cold' and x.flag = 'recently_texted'))
    order by array_position('{do_not_contact,opted_out,wrong_number,office_number,invalid_number,negative,recently_texted}', x.flag), x.id limit 1;
  if f.id is null then return null; end if;
  return private.refusal(f.flag, format('They are flagged %s%s.', replace(f.flag, '_', ' '), coalesce(': ' || nullif(btrim(f.reason), ''), '')),
    'Remove the flag if it is wrong.', null, f.phone);
end $$;

-- Who has texted us has a phone that takes texts, whatever a service says.
create function private.refused_by_check(p_location uuid, p_phone text, p_now timestamptz) returns jsonb language plpgsql stable set search_path = '' as $$
declare v public.phone_validations;
begin
  if exists (select 1 from public.messages where from_phone = p_phone and direction = 'incoming') then return null; end if;
  select * into v from public.phone_validations where phone = p_phone and status = 'checked' and valid_until > p_now
    order by (location_id = p_location) desc, checked_at desc limit 1;
  if v.phone is null then
    if private.location_setting(p_location, 'require_number_check') = 'false' then return null; end if;
    return private.refusal('number_unchecked', format('Nobody knows yet whether %s takes texts; it is being checked.', p_phone),
      'Try again in a few minutes.', p_now + interval '5 minutes', p_phone);
  elsif not v.is_valid then
    return private.refusal('number_invalid', format('%s is not in service.', p_phone), 'Ask for another number.', null, p_phone);
  elsif v.line_type in ('landline', 'voip') then
    return private.refusal(v.line_type, format('%s is %s.', p_phone, case v.line_type when 'voip' then 'an internet line' else 'a landline' end),
      'Call instead, or ask for a mobile number.', null, p_phone);
  elsif v.line_type is distinct from 'mobile' then
    return private.refusal('not_mobile', format('%s is no mobile number.', p_phone), 'Call instead, or ask for a mobile number.', null, p_phone);
  end if;
  return null;
end $$;

create function private.is_staff(p_location uuid, p_phone text) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return exists (select 1 from public.contacts where id = private.contact_by_phone(p_location, p_phone) and (is_employee or contact_type = 'employee'))
    or exists (select 1 from public.profiles p join public.location_members m on m.user_id = p.id
      where p.phone = p_phone and p.is_active and m.is_active and m.location_id = p_location);
end $$;

create function private.refused_by_circle(p_location uuid, p_kind text, p_phones text[]) returns jsonb language plpgsql stable set search_path = '' as $$
declare
  v_automated boolean := (select is_automated from public.send_kinds where kind = p_kind);
  v_staff text := (select p from unnest(p_phones) p where private.is_staff(p_location, p) limit 1);
begin
  if cardinality(p_phones) > 1 and v_staff is not null then
    return private.refusal('employee_group', format('%s in this group is one of us.', v_staff), 'Write to the group from OpenPhone.', null, v_staff);
  elsif cardinality(p_phones) > 1 and v_automated then
    return private.refusal('group', 'Automatic texts do not go to groups.', 'Write to each person.');
  elsif v_automated and v_staff is not null then
    return private.refusal('employee', format('%s is one of us.', v_staff), 'Automatic texts go to customers only.', null, v_staff);
  elsif v_automated and exists (select 1 from unnest(p_phones) p join public.contacts c on c.id = private.contact_by_phone(p_location, p)
      where c.contact_type = 'vendor') then
    return private.refusal('vendor', 'This is a vendor.', 'Automatic texts go to customers only.');
  end if;
  return null;
end $$;

create function private.refused_by_hours(p_location uuid, p_kind text, p_phones text[], p_now timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  w record;
  v_zone text := (select timezone from public.locations where id = p_location);
begin
  select * into w from private.send_window(p_location, p_kind, p_phones, p_now);
  if w.is_open then return null; end if;
  return private.refusal('outside_hours', 'Texts of this kind do not leave at this hour.', coalesce('The next time is '
    || to_char(w.opens_at at time zone v_zone, 'FMDay FMMonth FMDD, HH12:MI AM') || '.', 'There is no hour for it: look at the hours.'), coalesce(w.opens_at, p_now + interval '1 day'));
end $$;

-- Texts of the last 24 hours, by when their day was debited: 125 late today and 125 early tomorrow are 250.
create function private.spent_lately(p_number uuid, p_kind text, p_now timestamptz) returns int language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) from public.outbound where phone_number_id = p_number and kind = p_kind and quota_day is not null
    and reserved_at > p_now - interval '24 hours');
end $$;

create function private.local_day(p_location uuid, p_now timestamptz) returns date language plpgsql stable set search_path = '' as $$
begin
  return (select (p_now at time zone timezone)::date from public.locations where id = p_location);
end $$;

create function private.refused_by_cap(p_number public.phone_numbers, p_kind text, p_phones text[], p_now timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_cap int := p_number.daily_cold_cap;
  v_day date := private.local_day(p_number.location_id, p_now);
  v_tomorrow timestamptz;
  v_frees timestamptz;
begin
  if not (select spends_cold from public.send_kinds where kind = p_kind) then return null; end if;
  if coalesce((select used from public.number_days where phone_number_id = p_number.id and day = v_day and kind = p_kind), 0) >= v_cap then
    v_tomorrow := (v_day + 1)::timestamp at time zone (select timezone from public.locations where id = p_number.location_id);
    return private.refusal('daily_cap', format('Our number %s has sent its %s cold texts of the day.', p_number.e164, v_cap),
      'It goes on at the next opening.', (private.send_window(p_number.location_id, p_kind, p_phones, v_tomorrow)).opens_at);
  elsif private.spent_lately(p_number.id, p_kind, p_now) >= v_cap then
    select reserved_at + interval '24 hours' into v_frees from public.outbound where phone_number_id = p_number.id and kind = p_kind
      and quota_day is not null and reserved_at > p_now - interval '24 hours' order by reserved_at desc offset greatest(v_cap - 1, 0) limit 1;
    return private.refusal('rolling_cap', format('Our number %s has sent %s cold texts within 24 hours.', p_number.e164, v_cap),
      'It goes on when the first of them is a day old.', coalesce(v_frees, p_now + interval '1 hour'));
  end if;
  return null;
end $$;

-- p_paid: its day is debited already, so the caps have let it pass.
create function private.send_refusal(p_location uuid, p_number uuid, p_kind text, p_phones text[], p_now timestamptz, p_paid boolean default false)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  n public.phone_numbers;
  k public.send_kinds;
  v_found jsonb;
begin
  select * into n from public.phone_numbers where id = p_number and location_id = p_location;
  select * into strict k from public.send_kinds where kind = p_kind;
  v_found := coalesce(private.refused_by_number(n, p_kind), private.refused_by_address(p_kind, p_phones));
  if v_found is null and k.obeys_opt_out then
    v_found := coalesce(private.refused_by_person(p_phones), private.refused_by_flag(p_location, p_kind, p_phones, p_now));
  end if;
  if v_found is null and k.needs_checked_number then
    v_found := (select x from unnest(p_phones) with ordinality p (phone, nth), lateral private.refused_by_check(p_location, p.phone, p_now) x
      where x is not null order by p.nth limit 1);
  end if;
  if v_found is null and p_kind not in ('confirmation', 'health') then v_found := private.refused_by_circle(p_location, p_kind, p_phones); end if;
  v_found := coalesce(v_found, private.refused_by_hours(p_location, p_kind, p_phones, p_now));
  if v_found is null and not p_paid then v_found := private.refused_by_cap(n, p_kind, p_phones, p_now); end if;
  return v_found;
end $$;
comment on function private.send_refusal is 'The first rule that forbids it, {rule, detail, hint, not_before, phone}, or null. Order: our number, the address, '
  'opt-outs and holds, flags, the check of the number, groups and staff, hours, caps.';

-- Who is refused for want of a check is put in line for one.
create function private.ask_number_check(p_location uuid, p_refusal jsonb, p_now timestamptz) returns void language plpgsql security definer set search_path = '' as $$
begin
  if p_refusal ->> 'rule' is distinct from 'number_unchecked' then return; end if;
  perform private.want_number_checks(p_location, array[p_refusal ->> 'phone'], auth.uid(), p_now);
end $$;
revoke execute on function private.send_refusal(uuid, uuid, text, text[], timestamptz, boolean), private.ask_number_check(uuid, jsonb, timestamptz) from public;
