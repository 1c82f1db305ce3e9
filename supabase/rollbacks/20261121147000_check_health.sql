create or replace function private.number_for(p_location uuid, p_phones text[]) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return coalesce(
    (select c.phone_number_id from public.conversations c join public.phone_numbers n on n.id = c.phone_number_id
      where c.participants = p_phones and c.location_id = p_location and n.is_active order by c.last_at desc nulls last, c.id limit 1),
    (select id from public.phone_numbers where location_id = p_location and is_active order by created_at, id limit 1));
end $$;
create or replace function private.pause_number(p_number uuid, p_reason text, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare n public.phone_numbers;
begin
  update public.phone_numbers set paused_at = p_now, pause_reason = p_reason where id = p_number and paused_at is null returning * into n;
  if n.id is null then return; end if;
  perform private.add_todo(n.location_id, 'number_paused:' || n.id, format('Our number %s is paused', n.e164), p_reason, null, null, 1);
  perform private.notify(n.location_id, 'number_paused', format('number_paused:%s:%s', n.id, extract(epoch from p_now)),
    format('Our number %s is paused', n.e164), p_reason, jsonb_build_object('phone_number_id', n.id));
end $$;
drop function private.begin_checks(public.phone_numbers, timestamptz);
drop function private.begin_check(public.phone_numbers, public.phone_numbers, timestamptz, timestamptz);
drop function private.settle_checks(timestamptz);
drop function private.end_check(public.health_checks, text, timestamptz, timestamptz);
drop function private.end_health_text(public.outbound, boolean, timestamptz);
drop function private.check_outcome(public.health_checks, public.outbound, timestamptz, timestamptz);
drop function private.set_health_number(text);
drop function private.health_slot(text, timestamptz);
drop function private.is_business_time(text, timestamptz);
drop function private.close_outage(uuid, text, text, text, timestamptz);
drop function private.open_outage(uuid, text, text, text, text, timestamptz);
drop table private.outages;
delete from public.api_scopes where resource = 'health_checks';
drop table public.health_checks;
drop index public.phone_numbers_health;
-- Without its mark the second number would serve customers.
update public.phone_numbers set is_active = false where is_health;
alter table public.phone_numbers drop column is_health;
