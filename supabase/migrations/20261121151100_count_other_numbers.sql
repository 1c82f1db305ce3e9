-- Another line of the workspace is no failure: what comes to a number that is not in the CRM is kept and told once a number, but the
-- alarm stays quiet. And each location is told of its own webhooks. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

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
    'webhooks_dead', (select count(*) from private.webhook_events where status = 'dead' and error_code is distinct from 'unknown_number'),
    'webhooks_of_other_numbers', (select count(*) from private.webhook_events where status = 'dead' and error_code = 'unknown_number'),
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
    'dead_webhooks', (select count(*) from private.webhook_events where status = 'dead' and error_code is distinct from 'unknown_number'),
    'webhooks_of_other_numbers', (select count(*) from private.webhook_events where status = 'dead' and error_code = 'unknown_number'),
    'unconfirmed_texts', (select count(*) from public.outbound where state = 'unconfirmed' and location_id = p_location and kind <> 'health'),
    'paused_numbers', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'e164', e164, 'paused_at', paused_at, 'reason', pause_reason) order by e164), '[]')
      from public.phone_numbers where location_id = p_location and is_active and paused_at is not null),
    'failed_media', (select count(*) from public.media where location_id = p_location and status = 'failed'));
end $$;
comment on function public.messaging_health is 'How messaging stands, for a banner: {check: {is_set_up, number, paused_at, last}, outages: [{kind, title, detail, since}], '
  'last_webhook_at, waiting_webhooks, dead_webhooks, webhooks_of_other_numbers, unconfirmed_texts, paused_numbers, failed_media}. Webhooks are counted for the whole business.';

-- To each location with a number: what names one of its own, and what names none (nobody could read it, or it has not been read yet: it
-- may be anybody's). Refused ones name nobody. Those of other numbers are counted apart, for all. Read once for all locations: a day's
-- 100,000 take 0.3 s, and this is asked each minute.
drop function private.webhook_health(timestamptz, timestamptz);
create function private.webhook_health(p_from timestamptz, p_to timestamptz) returns table (location_id uuid, received bigint, dead bigint,
  exhausted bigint, waiting bigint, refused bigint, of_other_numbers bigint)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
  return query with events as (
      select w.facts -> 0 ->> 'number' as number, w.facts -> 0 ->> 'number_id' as number_id, w.error_code is not distinct from 'unknown_number' as is_strange,
          w.received_at, w.status, w.attempts, w.status = 'dead' and w.processed_at >= p_from and w.processed_at < p_to as ended
        from private.webhook_events w
        where w.received_at >= p_from and w.received_at < p_to or w.status in ('received', 'parked')
          or w.status = 'dead' and w.processed_at >= p_from and w.processed_at < p_to),
    told as materialized (
      select number, number_id, is_strange, count(*) filter (where received_at >= p_from and received_at < p_to) as received,
          count(*) filter (where ended) as dead, count(*) filter (where ended and attempts >= 5) as exhausted,
          count(*) filter (where status in ('received', 'parked') and received_at < p_to - interval '5 minutes') as waiting
        from events group by 1, 2, 3),
    owned as (
      select t.*, a.location_id as by_number, b.location_id as by_id from told t
        left join public.phone_numbers a on a.e164 = t.number left join public.phone_numbers b on b.openphone_id = t.number_id)
    select l.location_id, coalesce(sum(o.received) filter (where not o.is_strange), 0)::bigint, coalesce(sum(o.dead) filter (where not o.is_strange), 0)::bigint,
        coalesce(sum(o.exhausted) filter (where not o.is_strange), 0)::bigint, coalesce(sum(o.waiting) filter (where not o.is_strange), 0)::bigint,
        (select coalesce(sum(r.count), 0)::bigint from private.webhook_refusals r
          where r.day between (p_from at time zone 'utc')::date and (p_to at time zone 'utc')::date),
        coalesce(sum(o.dead) filter (where o.is_strange), 0)::bigint
      from (select distinct n.location_id from public.phone_numbers n where n.is_active) l
      left join owned o on o.is_strange or (coalesce(o.by_number, l.location_id) = l.location_id and coalesce(o.by_id, l.location_id) = l.location_id)
      group by 1;
end $$;

create or replace function public.watch_webhooks(p_now timestamptz default null) returns int language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  h record;
  v_count int := 0;
begin
  for h in select w.*, v_now at time zone o.timezone as local from private.webhook_health(v_now - interval '24 hours', v_now) w
      join public.locations o on o.id = w.location_id order by o.id loop
    if h.local::time >= '08:00' then
      perform private.notify(h.location_id, 'webhook_report', 'webhooks:' || h.location_id || ':' || h.local::date,
        format('Webhooks: %s received, %s dead, %s refused', h.received, h.dead, h.refused),
        format('In the last 24 hours; %s wait for more than five minutes, %s were given up after five tries.', h.waiting, h.exhausted)
          || case when h.of_other_numbers > 0 then format(' %s are of numbers that are not in the CRM.', h.of_other_numbers) else '' end);
      v_count := v_count + 1;
      if h.dead > 0 then
        perform private.add_todo_once(h.location_id, 'dead_webhooks:' || h.local::date, format('%s webhooks could not be taken in', h.dead),
          'Look at the reasons and replay them.', null, null, 2);
      end if;
    end if;
    if h.exhausted >= 10 or (h.received >= 10 and h.dead * 5 >= h.received) then
      perform private.notify(h.location_id, 'webhook_alarm', 'webhook_alarm:' || h.location_id || ':' || h.local::date, 'Webhooks fail',
        format('Of %s in 24 hours %s are dead, %s of them after five tries.', h.received, h.dead, h.exhausted));
      perform private.add_todo_once(h.location_id, 'webhook_alarm:' || h.local::date, 'Webhooks fail',
        format('Of %s in 24 hours %s are dead.', h.received, h.dead), null, null, 1);
    end if;
  end loop;
  return v_count;
end $$;

-- Nobody knows whose it will be, so all who have a number hear it, once a number.
create function private.number_unknown() returns trigger language plpgsql set search_path = '' as $$
declare
  -- Cut, for the key is indexed: what is longer is no number.
  v_number text := coalesce(left((select coalesce(f ->> 'number', f ->> 'number_id') from jsonb_array_elements(new.facts) f
    where coalesce(f ->> 'number', f ->> 'number_id') is not null limit 1), 100), 'A number');
begin
  perform pg_advisory_xact_lock(hashtextextended('dead_webhooks', 0)); -- as text_died
  perform private.notify(o.location_id, 'unknown_number', 'unknown_number:' || v_number, 'A number that is not in the CRM got a text or call',
      format('%s: add it, and what came is taken in; or limit the webhook to the CRM''s numbers.', v_number))
    from (select distinct location_id from public.phone_numbers where is_active and not is_health) o;
  return null;
end $$;
create trigger number_unknown after update of status on private.webhook_events for each row
  when (new.status = 'dead' and old.status <> 'dead' and new.error_code = 'unknown_number') execute function private.number_unknown();
