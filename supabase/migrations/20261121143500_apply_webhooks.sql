-- The webhook inbox's back: a job claims rows, reads them and hands the facts in; all of a batch is one transaction, each row a savepoint.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- By its number; where both sides are told alike, the one of them that is ours; then by the vendor's id.
create function private.number_of(f jsonb) returns public.phone_numbers language plpgsql set search_path = '' as $$
declare
  v_row public.phone_numbers;
  v_e164 text := f ->> 'number';
begin
  if v_e164 is null then
    select e164 into v_e164 from public.phone_numbers where e164 = any (private.texts(f -> 'participants'))
      order by openphone_id is not distinct from f ->> 'number_id' desc, e164 limit 1;
  end if;
  select * into v_row from private.our_number(v_e164, f ->> 'number_id');
  return v_row;
end $$;

create function private.apply_fact(p_fact jsonb, p_source text, p_location uuid default null, p_now timestamptz default null) returns private.outcome
language plpgsql set search_path = '' as $$
declare
  f jsonb := p_fact;
  v_now timestamptz := private.clock(p_now);
  v_quiet boolean := p_source <> 'webhook';
  v_ours public.phone_numbers;
begin
  if f ->> 'kind' = 'ignored' then return ('ignored', f ->> 'reason')::private.outcome; end if;
  if f ->> 'kind' = 'contact' then return private.apply_contact(f, v_now); end if;
  if f ->> 'kind' in ('transcript', 'summary') then return private.apply_words(f); end if;
  if f ->> 'kind' = 'recording' then return private.apply_recording(f); end if;
  v_ours := private.number_of(f);
  -- From one of our own numbers only: what a customer writes is a text, whatever it looks like. Of one that went out a report counts
  -- like any, if its number is ours.
  if f ->> 'kind' = 'message' and f ->> 'text' ~ '^AAC-HEALTH-[A-Za-z0-9-]+$'
    and (v_ours.id is null or f ->> 'direction' = 'incoming')
    and (f ->> 'direction' <> 'incoming' or exists (select 1 from public.phone_numbers where e164 = f ->> 'from')) then
    return private.hear_health(f, v_quiet);
  end if;
  if v_ours.id is null and coalesce(f ->> 'number', f ->> 'number_id') is not null then
    return ('dead', 'unknown_number ' || coalesce(f ->> 'number', f ->> 'number_id') || ' is none of our numbers. Add it, and it is taken up again.')::private.outcome;
  end if;
  if p_location is distinct from coalesce(v_ours.location_id, p_location) and p_location is not null then
    return ('dead', 'other_location The number belongs to another location.')::private.outcome;
  end if;
  case f ->> 'kind'
    when 'message' then return private.apply_message(f, v_ours, v_quiet, v_now);
    when 'call' then return private.apply_call(f, v_ours, v_quiet, v_now);
    when 'voicemail' then return private.apply_voicemail(f, v_ours, v_quiet, v_now);
    else return ('dead', 'unknown_kind This kind of fact is not known.')::private.outcome;
  end case;
end $$;

-- Only a webhook shows that webhooks come; what a list of the vendor's tells does not.
create function private.hear_health(f jsonb, p_quiet boolean) returns private.outcome language plpgsql set search_path = '' as $$
begin
  if f ->> 'direction' = 'incoming' and not p_quiet then
    insert into private.health_texts (text) values (f ->> 'text') on conflict do nothing;
  end if;
  return ('ignored', 'health')::private.outcome;
end $$;

create function private.apply_contact(f jsonb, p_now timestamptz) returns private.outcome language plpgsql set search_path = '' as $$
declare
  v_old private.vendor_contacts;
  v_new private.vendor_contacts := row(f ->> 'id', coalesce((f ->> 'reported_at')::timestamptz, (f ->> 'occurred_at')::timestamptz, p_now),
    coalesce((f ->> 'deleted')::boolean, false), f ->> 'first_name', f ->> 'last_name', private.texts(f -> 'phones'));
begin
  select * into v_old from private.vendor_contacts where external_id = v_new.external_id for update;
  -- Both systems tell of one change at nearly one time: a deletion of the same moment is the later word.
  if (v_old.reported_at, v_old.is_deleted) >= (v_new.reported_at, v_new.is_deleted) then return ('same', null)::private.outcome; end if;
  insert into private.vendor_contacts select v_new.*
    on conflict (external_id) do update set reported_at = excluded.reported_at, is_deleted = excluded.is_deleted,
      first_name = excluded.first_name, last_name = excluded.last_name, phones = excluded.phones;
  return (case when private.link_vendor_contact(v_new, v_old.first_name, v_old.last_name) > 0 then 'changed' else 'same' end, null)::private.outcome;
end $$;

-- What a batch touches, in one order for all jobs: two that meet wait for one another and never in a circle. A follow-up and its
-- call, and all that concerns a number, come one after the other.
create function private.lock_facts(p_facts jsonb) returns void language plpgsql set search_path = '' as $$
declare v_key bigint;
begin
  for v_key in
    select distinct hashtextextended('fact:' || k, 0) from jsonb_array_elements(p_facts) f,
      unnest(private.texts(f -> 'participants') || private.texts(f -> 'phones') || array[f ->> 'from', f ->> 'id', f ->> 'call_id']) k
      where k is not null order by 1
  loop
    perform pg_advisory_xact_lock(v_key);
  end loop;
end $$;

create function public.claim_webhook_events(p_limit int default 50, p_lease_s int default 30) returns jsonb
language sql security definer set search_path = '' as $$
  with due as (
    select id from private.webhook_events where status in ('received', 'parked') and next_try_at <= clock_timestamp()
      order by next_try_at, id limit least(p_limit, 200) for update skip locked
  ), lease as (select gen_random_uuid() as id), taken as (
    -- Taken rows are due again when the lease is over: nobody need look at them before.
    update private.webhook_events e set lease = lease.id, lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
      next_try_at = clock_timestamp() + make_interval(secs => p_lease_s) from due, lease where e.id = due.id returning e.id, e.body
  )
  select jsonb_build_object('lease', (select id from lease),
    'numbers', (select coalesce(jsonb_object_agg(openphone_id, e164), '{}') from public.phone_numbers where openphone_id is not null),
    'events', (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'body', body) order by id), '[]') from taken))
$$;
comment on function public.claim_webhook_events is '{lease, numbers: {PN id: E.164}, events: [{id, body}]}; without events nothing waits.';

-- What became of one event, all its facts together.
create function private.apply_event(p_event jsonb, p_now timestamptz) returns private.outcome language plpgsql set search_path = '' as $$
declare
  v_fact jsonb;
  v_one private.outcome;
  v_all private.outcome := ('ignored', null)::private.outcome;
begin
  if p_event ? 'malformed' then return ('dead', 'malformed The body is no event: ' || (p_event ->> 'malformed') || '.')::private.outcome; end if;
  if p_event ? 'failed' then raise exception 'The whole call failed: %.', p_event ->> 'failed'; end if;
  for v_fact in select * from jsonb_array_elements(p_event -> 'facts') loop
    v_one := private.apply_fact(v_fact, 'webhook', null, p_now);
    if array_position('{ignored,same,changed,new,waits,dead}'::text[], v_one.outcome)
        >= array_position('{ignored,same,changed,new,waits,dead}'::text[], v_all.outcome) then v_all := v_one; end if;
  end loop;
  return v_all;
end $$;

create function private.event_after(e private.webhook_events, p_outcome private.outcome) returns private.webhook_events
language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_age interval := v_now - e.received_at;
begin
  e.lease := null; e.lease_until := null; e.waits_for := null; e.error_code := null; e.error := null; e.processed_at := v_now;
  if p_outcome.outcome = 'waits' and v_age < interval '24 hours' then
    e.status := 'parked'; e.waits_for := p_outcome.detail; e.processed_at := null;
    e.next_try_at := v_now + least(greatest(v_age, interval '1 minute'), interval '10 minutes');
  elsif p_outcome.outcome in ('dead', 'waits') then
    e.status := 'dead';
    e.error_code := case p_outcome.outcome when 'dead' then split_part(p_outcome.detail, ' ', 1) else 'never_came' end;
    e.error := case p_outcome.outcome when 'dead' then substr(p_outcome.detail, strpos(p_outcome.detail, ' ') + 1)
      else 'What it waits for did not come within 24 hours: ' || p_outcome.detail || '.' end;
  else
    e.status := case p_outcome.outcome when 'ignored' then 'ignored' else 'processed' end;
  end if;
  return e;
end $$;

create function private.event_failed(e private.webhook_events, p_sqlstate text, p_message text) returns private.webhook_events
language plpgsql set search_path = '' as $$
begin
  e.lease := null; e.lease_until := null; e.error_code := p_sqlstate; e.error := left(p_message, 500);
  if p_sqlstate in ('40001', '40P01', '55P03') then -- met somebody else at a bad moment; no fault of its own
    e.status := 'received'; e.next_try_at := clock_timestamp() + interval '1 second';
    return e;
  end if;
  e.attempts := e.attempts + 1;
  e.status := case when e.attempts >= 5 then 'dead' else 'received' end;
  e.processed_at := case when e.attempts >= 5 then clock_timestamp() end;
  e.next_try_at := clock_timestamp() + least(interval '1 minute' * 2 ^ (e.attempts - 1), interval '10 minutes');
  return e;
end $$;

create function private.begin_batch() returns void language plpgsql set search_path = '' as $$
begin
  perform set_config('crm.put_off', '[null', true);
end $$;

-- What was put off, each kind once. Conversations are locked before they are read: who waited for another sees what that one brought.
create function private.end_batch() returns void language plpgsql set search_path = '' as $$
declare
  v_list jsonb := (current_setting('crm.put_off') || ']')::jsonb;
  v_said uuid[] := array(select distinct x::uuid from jsonb_array_elements(v_list) l, jsonb_array_elements_text(l -> 1) x where l ->> 0 = 'said' order by 1);
begin
  perform set_config('crm.put_off', '', true);
  perform private.broadcast_said(l -> 1 ->> 'event', array_agg((l -> 1 -> 'locations' ->> n)::uuid), array_agg((l -> 1 -> 'ids' ->> n)::uuid),
      array_agg((l -> 1 -> 'conversations' ->> n)::uuid))
    from jsonb_array_elements(v_list) l, generate_series(0, jsonb_array_length(l -> 1 -> 'ids') - 1) n where l ->> 0 = 'live' group by l -> 1 ->> 'event';
  perform 1 from public.conversations where id = any (v_said) order by id for no key update;
  perform private.refresh_conversations(v_said);
  perform private.notify_all(jsonb_agg(l -> 1)) from jsonb_array_elements(v_list) l where l ->> 0 = 'notify' having count(*) > 0;
  perform private.release_parked(array_agg(distinct x)) from jsonb_array_elements(v_list) l, jsonb_array_elements_text(l -> 1) x
    where l ->> 0 = 'release' having count(*) > 0;
end $$;

-- Every statement under it looks rows up by a key: planned once, not once an event.
create function public.apply_webhook_events(p_lease uuid, p_events jsonb) returns jsonb
language plpgsql security definer set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_events jsonb := (select jsonb_object_agg(x ->> 'id', x) from jsonb_array_elements(p_events) x);
  e private.webhook_events;
  v_event jsonb;
  v_after private.webhook_events[];
begin
  perform private.lock_facts(jsonb_path_query_array(p_events, '$[*].facts[*]'));
  perform private.begin_batch();
  for e in select * from private.webhook_events where id = any (array(select x::bigint from jsonb_object_keys(v_events) x))
      and lease = p_lease and status in ('received', 'parked') order by id for update loop
    v_event := v_events -> e.id::text;
    begin
      e := private.event_after(e, private.apply_event(v_event, null));
    exception when others then
      e := private.event_failed(e, sqlstate, sqlerrm);
    end;
    e.facts := v_event -> 'facts';
    v_after := v_after || e;
  end loop;
  update private.webhook_events w set status = a.status, attempts = a.attempts, next_try_at = a.next_try_at, lease = null, lease_until = null,
    waits_for = a.waits_for, facts = a.facts, error_code = a.error_code, error = a.error, processed_at = a.processed_at from unnest(v_after) a where w.id = a.id;
  perform private.end_batch();
  return (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from unnest(v_after) group by status) x);
end $$;
comment on function public.apply_webhook_events is 'Takes [{id, facts}, {id, malformed} or {id, failed}] of one lease; a bad row never takes others with it. How many by status.';

create function public.apply_facts(p_location uuid, p_facts jsonb, p_source text) returns jsonb
language plpgsql security definer set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_fact jsonb;
  v_one private.outcome;
  v_counts jsonb := jsonb '{"new": 0, "changed": 0, "same": 0, "ignored": 0, "waits": 0, "dead": 0, "failed": []}';
begin
  perform private.lock_facts(p_facts);
  perform private.begin_batch();
  for v_fact in select * from jsonb_array_elements(p_facts) loop
    begin
      v_one := private.apply_fact(v_fact, p_source, p_location, null);
      v_counts := jsonb_set(v_counts, array[v_one.outcome], to_jsonb((v_counts ->> v_one.outcome)::int + 1));
    exception when others then
      if sqlstate in ('40001', '40P01', '55P03') then raise; end if;
      v_counts := jsonb_set(v_counts, '{failed}', v_counts -> 'failed' || jsonb_build_object('id', v_fact ->> 'id', 'code', sqlstate, 'error', sqlerrm));
    end;
  end loop;
  perform private.end_batch();
  return v_counts;
end $$;
comment on function public.apply_facts is 'The same facts from the vendor''s lists. p_source webhook: as if it had come by itself; else quiet: no todo, no notification. Safe to repeat.';

-- What others wait for has come. Rows that a job has in hand are skipped: it will see for itself.
create function private.release_parked(p_keys text[]) returns void language plpgsql set search_path = '' as $$
begin
  if private.put_off('release', to_jsonb(p_keys)) then return; end if;
  update private.webhook_events set next_try_at = clock_timestamp() where id in (
    select id from private.webhook_events where status = 'parked' and waits_for = any (p_keys) and lease is null for update skip locked);
end $$;
create function private.call_came() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.voicemails v set call_id = n.id from new_rows n where v.call_external_id = n.external_id and v.location_id = n.location_id and v.call_id is null;
  perform private.release_parked(array(select 'call:' || external_id from new_rows));
  return null;
end $$;
create trigger "60_call_came" after insert on public.calls referencing new table as new_rows for each statement execute function private.call_came();
create function private.message_came() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.release_parked(array['message:' || new.external_id]);
  return null;
end $$;
create trigger "60_message_came" after insert on public.messages for each row when (new.external_id is not null) execute function private.message_came();
create trigger "60_message_named" after update of external_id on public.messages for each row
  when (old.external_id is distinct from new.external_id and new.external_id is not null) execute function private.message_came();
create function private.send_settled() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.release_parked(array['outbound:' || new.id]);
  return null;
end $$;
create trigger "60_send_settled" after update of state on public.outbound for each row when (old.state = 'dispatching' and new.state <> 'dispatching')
  execute function private.send_settled();

revoke execute on function public.claim_webhook_events(int, int), public.apply_webhook_events(uuid, jsonb), public.apply_facts(uuid, jsonb, text) from public;
grant execute on function public.claim_webhook_events(int, int), public.apply_webhook_events(uuid, jsonb), public.apply_facts(uuid, jsonb, text) to service_role;
create index voicemails_call_external on public.voicemails (call_external_id) where call_external_id is not null;
