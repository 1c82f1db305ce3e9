-- Webhooks that could not be taken in: who may see them, how they are taken up again, and who is told.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table private.webhook_events add column asked_at timestamptz;
comment on column private.webhook_events.asked_at is 'When the vendor was last asked for what it waits for.';
create index webhook_events_ended on private.webhook_events (processed_at) where status = 'dead';

create function private.require_office() returns void language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_person();
  if not exists (select 1 from private.my_locations('owner', 'admin')) then
    perform private.refuse(403, 'not_permitted', 'Your role does not allow this.', 'Ask the owner of the location.');
  end if;
end $$;

create function public.dead_webhooks(p_reason text default null, p_before bigint default null, p_limit int default 50)
returns table (id bigint, provider text, scheme text, type text, event_id text, received_at timestamptz, ended_at timestamptz, attempts int,
  replays int, reason text, detail text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_office();
  return query select e.id, e.provider, e.scheme, e.type, e.event_id, e.received_at, e.processed_at, e.attempts, e.replays, e.error_code, e.error
    from private.webhook_events e
    where e.status = 'dead' and (p_reason is null or e.error_code = p_reason) and (p_before is null or e.id < p_before)
    order by e.id desc limit least(p_limit, 200);
end $$;
comment on function public.dead_webhooks is 'Newest first, without what was said in them. Page by p_before = the last id.';

create function private.revive(p_ids bigint[]) returns int language plpgsql set search_path = '' as $$
declare v_count int;
begin
  update private.webhook_events set status = 'received', attempts = 0, replays = replays + 1, next_try_at = clock_timestamp(),
      -- Its day begins anew: what it waits for may come now.
      received_at = case when error_code = 'never_came' then clock_timestamp() else received_at end,
      processed_at = null, error_code = null, error = null
    where id = any (p_ids) and status = 'dead';
  get diagnostics v_count = row_count;
  return v_count;
end $$;

create function public.replay_webhooks(p_ids bigint[] default null, p_reason text default null) returns int
language plpgsql security definer set search_path = '' as $$
begin
  perform private.require_office();
  if (p_ids is null) = (p_reason is null) then
    perform private.refuse(422, 'invalid_value', 'p_ids or p_reason: name either some or a reason.', 'dead_webhooks lists both.');
  end if;
  if cardinality(p_ids) > 200 then
    perform private.refuse(422, 'too_many_rows', 'p_ids: the most at once is 200.', 'Go in parts, or give p_reason.');
  end if;
  return private.revive(coalesce(p_ids, array(select id from private.webhook_events where status = 'dead' and error_code = p_reason limit 10000)));
end $$;
comment on function public.replay_webhooks is 'Takes dead webhooks up again, some by id or all of a reason; the next sweep works on them. How many.';

-- A number that was added or put right: what came for it meanwhile is taken up.
create function private.number_known() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.revive(array(select id from private.webhook_events where status = 'dead' and error_code = 'unknown_number'));
  return null;
end $$;
create trigger number_known after insert on public.phone_numbers for each statement execute function private.number_known();
create trigger number_changed after update of e164, openphone_id on public.phone_numbers for each row
  when (old.e164 <> new.e164 or old.openphone_id is distinct from new.openphone_id) execute function private.number_known();

-- Of whom to ask the vendor: a call or text of which too little was said, soon; one that a follow-up waits for, after ten minutes.
create function public.webhooks_to_ask(p_limit int default 20) returns setof text language sql security definer set search_path = '' as $$
  with due as (
    select id, waits_for from private.webhook_events
      where status = 'parked' and (waits_for like 'call:%' or waits_for like 'message:%')
        and received_at < clock_timestamp() - case when facts @? '$[*] ? (@.kind == "call" || @.kind == "message")' then interval '30 seconds'
          else interval '10 minutes' end
        and coalesce(asked_at, '-infinity') < clock_timestamp() - interval '30 minutes'
      order by asked_at nulls first, id limit p_limit
  ), asked as (
    update private.webhook_events e set asked_at = clock_timestamp() from due where e.id = due.id
  )
  select distinct waits_for from due
$$;
comment on function public.webhooks_to_ask is 'call:<id> and message:<id>; each is named again after half an hour.';

create function private.webhook_health(p_from timestamptz, p_to timestamptz, out received bigint, out dead bigint, out exhausted bigint,
  out waiting bigint, out refused bigint)
language sql stable set search_path = '' as $$
  select (select count(*) from private.webhook_events where received_at >= p_from and received_at < p_to),
    count(*), count(*) filter (where attempts >= 5),
    (select count(*) from private.webhook_events where status in ('received', 'parked') and received_at < p_to - interval '5 minutes'),
    (select coalesce(sum(count), 0) from private.webhook_refusals where day between (p_from at time zone 'utc')::date and (p_to at time zone 'utc')::date)
  from private.webhook_events where status = 'dead' and processed_at >= p_from and processed_at < p_to
$$;

-- Once a day at eight where the business is; at once when a fifth fails or ten were given up.
create function public.watch_webhooks(p_now timestamptz default null) returns int language plpgsql security definer set search_path = '' as $$
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
comment on function public.watch_webhooks is 'To be called each minute; dedupe keys make a day''s second report nothing.';

revoke execute on function public.dead_webhooks(text, bigint, int), public.replay_webhooks(bigint[], text), public.webhooks_to_ask(int),
  public.watch_webhooks(timestamptz) from public;
grant execute on function public.dead_webhooks(text, bigint, int), public.replay_webhooks(bigint[], text) to authenticated;
grant execute on function public.webhooks_to_ask(int), public.watch_webhooks(timestamptz) to service_role;
