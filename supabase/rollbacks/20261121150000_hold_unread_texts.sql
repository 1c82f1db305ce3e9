create or replace function private.send_refusal(p_location uuid, p_number uuid, p_kind text, p_phones text[], p_now timestamptz, p_paid boolean default false)
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
create or replace function private.is_gate(p_rule text) returns boolean language sql immutable parallel safe set search_path = '' as $$
  select p_rule in ('sending_paused', 'number_paused', 'held', 'number_unchecked', 'outside_hours', 'daily_cap', 'rolling_cap')
$$;
drop function private.refused_by_unread(text[], timestamptz);
drop index private.webhook_events_sender;
drop trigger name_sender on private.webhook_events;
drop function private.name_sender();
alter table private.webhook_events drop column sender;
drop function private.vendors_phone(text);
drop function private.incoming_text(text, text);
