-- Who watches that texts come in: the check by the second number, the silence of webhooks, and signatures that do not fit; and one
-- function that tells the office how all of it stands. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- How much of Monday to Friday, nine to six, lies between; of the last fortnight.
create function private.business_time(p_zone text, p_from timestamptz, p_to timestamptz) returns interval language sql stable set search_path = '' as $$
  select coalesce(sum(least(p_to, (d + time '18:00') at time zone p_zone) - greatest(p_from, (d + time '09:00') at time zone p_zone))
      filter (where least(p_to, (d + time '18:00') at time zone p_zone) > greatest(p_from, (d + time '09:00') at time zone p_zone)), '0')
    from (select x::date as d from generate_series((greatest(p_from, p_to - interval '14 days') at time zone p_zone)::date,
      (p_to at time zone p_zone)::date, interval '1 day') x) days
    where extract(isodow from d) < 6
$$;

create function private.watch_silence(p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare
  l record;
  v_last timestamptz := (select received_at from private.webhook_events order by id desc limit 1);
begin
  for l in select o.id, o.timezone, greatest(v_last, min(n.created_at)) as since from public.locations o
      join public.phone_numbers n on n.location_id = o.id and n.is_active and not n.is_health group by o.id loop
    if private.is_business_time(l.timezone, p_now) and private.business_time(l.timezone, l.since, p_now) >= interval '6 hours' then
      perform private.open_outage(l.id, 'no_webhooks', '', 'OpenPhone has told us nothing for six business hours',
        'Texts and calls may not arrive: look at the webhooks in OpenPhone.', p_now);
    elsif v_last > (select opened_at from private.outages where location_id = l.id and kind = 'no_webhooks' and closed_at is null) then
      perform private.close_outage(l.id, 'no_webhooks', '', 'OpenPhone tells us of texts and calls again', p_now);
    end if;
  end loop;
end $$;

create table private.refusal_marks (
  at timestamptz primary key,
  total bigint not null
);
comment on table private.refusal_marks is 'How many webhooks with a bad signature there had been when; kept for an hour, to know how many came within it.';
alter table private.refusal_marks enable row level security;

create function private.unsigned_lately(p_now timestamptz) returns bigint language plpgsql set search_path = '' as $$
declare
  v_total bigint := (select coalesce(sum(count), 0) from private.webhook_refusals where reason in ('wrong', 'no_key'));
  v_before bigint;
begin
  insert into private.refusal_marks (at, total) select p_now, v_total
    where v_total is distinct from (select total from private.refusal_marks order by at desc limit 1) on conflict do nothing;
  delete from private.refusal_marks where at < (select max(at) from private.refusal_marks where at <= p_now - interval '1 hour');
  select total into v_before from private.refusal_marks order by at limit 1;
  return v_total - v_before;
end $$;

create function private.watch_signatures(p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare
  v_count bigint := private.unsigned_lately(p_now);
  v_location uuid;
begin
  for v_location in select distinct location_id from public.phone_numbers where is_active and not is_health order by 1 loop
    if v_count >= 5 then
      perform private.open_outage(v_location, 'webhooks_unsigned', '', 'Webhooks are refused: their signature does not fit',
        format('%s within an hour. Compare OPENPHONE_SIGNING_KEY and OPENPHONE_WEBHOOK_SECRET with OpenPhone.', v_count), p_now);
    elsif v_count = 0 then
      perform private.close_outage(v_location, 'webhooks_unsigned', '', 'No webhook was refused for an hour', p_now);
    end if;
  end loop;
end $$;

create function public.watch_messaging(p_health_number text default null, p_now timestamptz default null) returns int
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_placed int;
begin
  -- Two who watch at once see one after the other.
  perform pg_advisory_xact_lock(hashtextextended('watch_messaging', 0));
  perform private.settle_checks(v_now);
  v_placed := private.begin_checks(private.set_health_number(p_health_number), v_now);
  perform private.watch_silence(v_now);
  perform private.watch_signatures(v_now);
  return v_placed;
end $$;
comment on function public.watch_messaging is 'To be called each minute, with the second number or null. How many texts now wait for the send machine.';

create function private.check_health(p_location uuid) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('is_set_up', n.id is not null, 'number', n.e164, 'paused_at', n.paused_at, 'last', (
      select jsonb_build_object('id', h.id, 'phone_number_id', h.phone_number_id, 'status', h.status, 'reason', h.reason, 'sent_at', h.sent_at,
        'heard_at', h.heard_at) from public.health_checks h where h.location_id = p_location order by h.sent_at desc, h.id limit 1))
    from (select 1) one left join public.phone_numbers n on n.location_id = p_location and n.is_health and n.is_active);
end $$;

create function public.messaging_health(p_location uuid) returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare v_outages jsonb;
begin
  perform private.require_role(p_location, 'owner', 'admin');
  v_outages := (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'title', title, 'detail', detail, 'since', opened_at)
    order by opened_at, id), '[]') from private.outages where location_id = p_location and closed_at is null);
  return jsonb_build_object('check', private.check_health(p_location), 'outages', v_outages,
    'last_webhook_at', (select received_at from private.webhook_events order by id desc limit 1),
    'waiting_webhooks', (select count(*) from private.webhook_events where status in ('received', 'parked')),
    'dead_webhooks', (select count(*) from private.webhook_events where status = 'dead'),
    'unconfirmed_texts', (select count(*) from public.outbound where state = 'unconfirmed' and location_id = p_location and kind <> 'health'),
    'paused_numbers', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'e164', e164, 'paused_at', paused_at, 'reason', pause_reason) order by e164), '[]')
      from public.phone_numbers where location_id = p_location and is_active and paused_at is not null),
    'failed_media', (select count(*) from public.media where location_id = p_location and status = 'failed'));
end $$;
comment on function public.messaging_health is 'How messaging stands, for a banner: {check: {is_set_up, number, paused_at, last}, outages: [{kind, title, detail, since}], '
  'last_webhook_at, waiting_webhooks, dead_webhooks, unconfirmed_texts, paused_numbers, failed_media}. Webhooks are counted for the whole business.';

revoke execute on function public.watch_messaging(text, timestamptz), public.messaging_health(uuid) from public;
grant execute on function public.watch_messaging(text, timestamptz) to service_role;
grant execute on function public.messaging_health(uuid) to authenticated;
insert into public.api_scope_functions (scope, function) values ('messages:read', 'messaging_health'), ('messages:write', 'messaging_health');
