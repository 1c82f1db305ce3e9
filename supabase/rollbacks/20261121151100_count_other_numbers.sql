set lock_timeout = '4s';
drop trigger number_unknown on private.webhook_events;
drop function private.number_unknown();
create or replace function public.business_counts() returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'imports', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from public.imports group by status) s),
    'oldest_open_import_seconds', (select coalesce(extract(epoch from now() - min(created_at))::int, 0) from public.imports
      where status in ('uploaded', 'reading', 'importing')),
    'opt_outs', (select count(*) from public.opt_outs where revoked_at is null),
    'contacts_estimate', (select greatest(reltuples, 0)::bigint from pg_catalog.pg_class where oid = 'public.contacts'::regclass),
    'open_invites', (select count(*) from public.invites where accepted_at is null and revoked_at is null and expires_at > now()),
    'live_api_keys', (select count(*) from public.api_keys where revoked_at is null and (expires_at is null or expires_at > now())),
    'texts_open', (select coalesce(jsonb_object_agg(state, n), '{}') from (select state, count(*) as n from public.outbound
      where state in ('queued', 'reserved', 'dispatching', 'unconfirmed') group by state) s),
    'oldest_due_text_seconds', (select coalesce(extract(epoch from now() - min(coalesce(not_before, queued_at)))::int, 0) from public.outbound
      where state = 'queued' and coalesce(not_before, queued_at) <= now()),
    'cold_texts_today', (select coalesce(sum(d.used), 0) from public.number_days d join public.locations l on l.id = d.location_id
      where d.kind = 'cold' and d.day = (now() at time zone l.timezone)::date),
    'numbers_paused', (select count(*) from public.phone_numbers where is_active and paused_at is not null),
    'open_holds', (select count(*) from public.send_holds where resolved_at is null),
    'webhooks_open', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from private.webhook_events
      where status in ('received', 'parked') group by status) s),
    'oldest_waiting_webhook_seconds', (select coalesce(extract(epoch from now() - min(received_at))::int, 0) from private.webhook_events
      where status = 'received'),
    'webhooks_dead', (select count(*) from private.webhook_events where status = 'dead'),
    'media_open', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from public.media
      where status in ('waiting', 'failed') group by status) s))
$$;
create or replace function public.messaging_health(p_location uuid) returns jsonb language plpgsql stable security definer set search_path = '' as $$
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
drop function private.webhook_health(timestamptz, timestamptz);
create function private.webhook_health(p_from timestamptz, p_to timestamptz, out received bigint, out dead bigint, out exhausted bigint,
  out waiting bigint, out refused bigint)
language sql stable set search_path = '' as $$
  select (select count(*) from private.webhook_events where received_at >= p_from and received_at < p_to),
    count(*), count(*) filter (where attempts >= 5),
    (select count(*) from private.webhook_events where status in ('received', 'parked') and received_at < p_to - interval '5 minutes'),
    (select coalesce(sum(count), 0) from private.webhook_refusals where day between (p_from at time zone 'utc')::date and (p_to at time zone 'utc')::date)
  from private.webhook_events where status = 'dead' and processed_at >= p_from and processed_at < p_to
$$;
create or replace function public.watch_webhooks(p_now timestamptz default null) returns int language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  h record;
  l record;
  v_count int := 0;
begin
  select * into h from private.webhook_health(v_now - interval '24 hours', v_now);
  for l in select distinct o.id, o.timezone, v_now at time zone o.timezone as local from public.locations o
      join public.phone_numbers n on n.location_id = o.id and n.is_active loop
    if l.local::time >= '08:00' then
      perform private.notify(l.id, 'webhook_report', 'webhooks:' || l.local::date,
        format('Webhooks: %s received, %s dead, %s refused', h.received, h.dead, h.refused),
        format('In the last 24 hours; %s wait for more than five minutes, %s were given up after five tries.', h.waiting, h.exhausted));
      v_count := v_count + 1;
      if h.dead > 0 then
        perform private.add_todo_once(l.id, 'dead_webhooks:' || l.local::date, format('%s webhooks could not be taken in', h.dead),
          'Look at the reasons and replay them.', null, null, 2);
      end if;
    end if;
    if h.exhausted >= 10 or (h.received >= 10 and h.dead * 5 >= h.received) then
      perform private.notify(l.id, 'webhook_alarm', 'webhook_alarm:' || l.local::date, 'Webhooks fail',
        format('Of %s in 24 hours %s are dead, %s of them after five tries.', h.received, h.dead, h.exhausted));
      perform private.add_todo_once(l.id, 'webhook_alarm:' || l.local::date, 'Webhooks fail',
        format('Of %s in 24 hours %s are dead.', h.received, h.dead), null, null, 1);
    end if;
  end loop;
  return v_count;
end $$;
