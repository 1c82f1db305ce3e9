-- Long runs through the vendor's records: history, the nightly reconciliation, the scan of old texts for STOP. A step is one page: its facts
-- and where the run then stands are written in one transaction, so a run that is killed anywhere goes on where it was.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create function private.held_sync(p_run uuid, p_lease uuid) returns public.sync_runs
language plpgsql security definer set search_path = '' as $$
declare v_row public.sync_runs;
begin
  select * into v_row from public.sync_runs where id = p_run and lease = p_lease for update;
  if not found then
    perform private.refuse(409, 'lease_lost', 'Another worker has taken this up, or it is done.', 'Leave it alone.');
  end if;
  return v_row;
end $$;

create function private.new_sync(p_location uuid, p_kind text, p_since timestamptz, p_by uuid, p_now timestamptz,
  p_id uuid default gen_random_uuid()) returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.sync_runs (id, location_id, kind, cursor, created_by, created_at, next_try_at)
    values (p_id, p_location, p_kind, jsonb_strip_nulls(jsonb_build_object('since', p_since)), p_by, p_now, p_now)
    on conflict (location_id, kind) where status in ('waiting', 'running', 'paused') do nothing returning id into v_id;
  return v_id;
end $$;

create function public.start_sync(p_location uuid, p_kind text, p_since timestamptz default null, p_id uuid default gen_random_uuid())
returns uuid language plpgsql security definer set search_path = '' as $$
declare v_id uuid;
begin
  perform private.require_role(p_location, 'owner', 'admin');
  -- The same request once more: its first try was cut off.
  if exists (select 1 from public.sync_runs where id = p_id and location_id = p_location and created_by = auth.uid()) then return p_id; end if;
  if p_kind is null or p_kind not in ('history', 'reconciliation', 'stop_scan') then
    perform private.refuse(422, 'invalid_value', 'p_kind: one of history, reconciliation and stop_scan.', 'Name one of them.');
  end if;
  v_id := private.new_sync(p_location, p_kind, coalesce(p_since, case p_kind when 'reconciliation' then now() - interval '48 hours' end), auth.uid(), now(), p_id);
  if v_id is null then
    perform private.refuse(409, 'already_running', 'Such a run is going on at this location, or is paused.', 'Wait for it, resume it or cancel it.');
  end if;
  return v_id;
end $$;
comment on function public.start_sync is 'Begins a run; p_since: only what happened after it (reconciliation: 48 hours). One of a kind at a time.';

-- From which states a person may bring a run to which.
create function private.steer_sync(p_run uuid, p_from text[], p_to text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update public.sync_runs set status = p_to, finished_at = case p_to when 'cancelled' then clock_timestamp() end,
      next_try_at = clock_timestamp(), error_count = 0
    where id = p_run and status = any (p_from) and location_id in (select private.my_locations('owner', 'admin'));
  if found then return; end if;
  if exists (select 1 from public.sync_runs where id = p_run and location_id in (select private.my_locations('owner', 'admin'))) then
    perform private.refuse(409, 'wrong_state', 'The run is not in a state in which this can be done.', 'Look at its status.');
  end if;
  perform private.refuse(404, 'not_found', 'There is no such run that you may see.');
end $$;
create function public.pause_sync(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform private.steer_sync(p_run, '{waiting,running}', 'paused');
end $$;
create function public.resume_sync(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform private.steer_sync(p_run, '{paused}', 'waiting');
end $$;
create function public.cancel_sync(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform private.steer_sync(p_run, '{waiting,running,paused}', 'cancelled');
end $$;

-- 48 hours; after nights that came to nothing as far as the last that did not, up to a month.
create function private.reconciled_to(p_location uuid, p_now timestamptz) returns timestamptz language plpgsql stable set search_path = '' as $$
begin
  return (select greatest(p_now - interval '30 days', least(p_now - interval '48 hours', max(r.started_at) - interval '1 hour'))
    from public.sync_runs r where r.location_id = p_location and r.kind = 'reconciliation' and r.status = 'done' and r.created_by is null);
end $$;

create function public.vendor_work(p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := private.clock(p_now);
begin
  -- Nightly at two, local time; whoever was down until six leaves it to the next night.
  perform private.new_sync(l.id, 'reconciliation', private.reconciled_to(l.id, v_now), null, v_now) from public.locations l
    where (v_now at time zone l.timezone)::time between '02:00' and '05:59'
      and exists (select 1 from public.phone_numbers n where n.location_id = l.id and n.is_active)
      and not exists (select 1 from public.sync_runs r where r.location_id = l.id and r.kind = 'reconciliation'
        and (r.created_at at time zone l.timezone)::date = (v_now at time zone l.timezone)::date);
  -- One that is paused keeps the next from beginning: the office hears so each day.
  perform private.notify(r.location_id, 'sync_paused', format('sync_paused:%s:%s', r.id, (v_now at time zone l.timezone)::date), 'The nightly check is paused',
      'What no webhook brought stays missing until it is resumed or cancelled.', jsonb_build_object('sync_run_id', r.id))
    from public.sync_runs r join public.locations l on l.id = r.location_id where r.kind = 'reconciliation' and r.status = 'paused'
      and r.updated_at < v_now - interval '1 day' and (v_now at time zone l.timezone)::time >= '08:00';
  return jsonb_build_object(
    'numbers', exists (select 1 from public.phone_validations v where v.status in ('waiting', 'unknown') and v.next_try_at <= v_now
      and (v.lease_until is null or v.lease_until <= clock_timestamp())),
    'runs', coalesce((select jsonb_agg(r.id) from public.sync_runs r where r.status in ('waiting', 'running') and r.next_try_at <= v_now
      and (r.lease_until is null or r.lease_until <= clock_timestamp())), '[]'));
end $$;
comment on function public.vendor_work is 'What the vendor queue is to be rung for: {numbers, runs: [ids]}. Begins the nightly reconciliations that are due.';

create function public.claim_sync(p_run uuid, p_lease uuid, p_lease_s int default 120, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.sync_runs;
begin
  update public.sync_runs set status = 'running', lease = p_lease, lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
      started_at = coalesce(started_at, v_now)
    where id = p_run and status in ('waiting', 'running') and next_try_at <= v_now and (lease_until is null or lease_until <= clock_timestamp())
    returning * into v_row;
  if not found then return null; end if;
  return jsonb_build_object('id', v_row.id, 'location_id', v_row.location_id, 'kind', v_row.kind, 'phase', v_row.phase, 'cursor', v_row.cursor,
    'numbers', coalesce((select jsonb_object_agg(n.openphone_id, n.e164) from public.phone_numbers n
      where n.location_id = v_row.location_id and n.openphone_id is not null), '{}'));
end $$;
comment on function public.claim_sync is 'Gives a run to one worker for a while: where it stands, and our numbers by the vendor''s id. Null when there is nothing to do.';

create function private.count_step(p_counts jsonb, p_phase text, p_seen int, p_outcome jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select p_counts || jsonb_build_object(p_phase, coalesce(p_counts -> p_phase, '{}') || jsonb_build_object(
    'seen', coalesce((p_counts -> p_phase ->> 'seen')::int, 0) + p_seen,
    'new', coalesce((p_counts -> p_phase ->> 'new')::int, 0) + coalesce((p_outcome ->> 'new')::int, 0),
    'changed', coalesce((p_counts -> p_phase ->> 'changed')::int, 0) + coalesce((p_outcome ->> 'changed')::int, 0),
    'failed', coalesce((p_counts -> p_phase ->> 'failed')::int, 0) + coalesce(jsonb_array_length(p_outcome -> 'failed'), 0)
      + coalesce((p_outcome ->> 'dead')::int, 0)))
$$;

-- The first hundred are enough to act on.
create function private.more_warnings(p_warnings jsonb, p_more jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select case when jsonb_array_length(p_warnings) >= 100 then p_warnings else p_warnings || p_more end
$$;

create function private.take_conversations(p_location uuid, p_conversations jsonb) returns int
language plpgsql security definer set search_path = '' as $$
declare v_before bigint := (select count(*) from public.conversations where location_id = p_location);
begin
  perform private.conversation_for(p_location, n.id, private.texts(x -> 'participants'), x ->> 'id')
    from jsonb_array_elements(p_conversations) x join public.phone_numbers n on n.openphone_id = x ->> 'number_id'
    where n.location_id = p_location and jsonb_array_length(x -> 'participants') > 0 order by x ->> 'id';
  return (select count(*) from public.conversations where location_id = p_location) - v_before;
end $$;

create function public.sync_step(p_run uuid, p_lease uuid, p_facts jsonb, p_state jsonb, p_lease_s int default 120) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_row public.sync_runs := private.held_sync(p_run, p_lease);
  v_outcome jsonb := '{}'::jsonb;
begin
  if v_row.status not in ('waiting', 'running') then
    update public.sync_runs set lease = null, lease_until = null where id = p_run;
    return v_row.status;
  end if;
  if jsonb_array_length(p_facts) > 0 then v_outcome := public.apply_facts(v_row.location_id, p_facts, v_row.kind); end if;
  if p_state ? 'conversations' then
    v_outcome := jsonb_build_object('new', private.take_conversations(v_row.location_id, p_state -> 'conversations'));
  end if;
  update public.sync_runs set status = 'running', phase = p_state ->> 'phase', cursor = p_state -> 'cursor', current_item = p_state ->> 'item',
      counts = private.count_step(counts, p_state ->> 'counted', coalesce((p_state ->> 'seen')::int, 0), v_outcome),
      warnings = private.more_warnings(warnings, coalesce(p_state -> 'warnings', '[]') || coalesce(v_outcome -> 'failed', '[]')),
      lease_until = clock_timestamp() + make_interval(secs => p_lease_s), error = null, error_count = 0
    where id = p_run;
  return 'running';
end $$;
comment on function public.sync_step is
  'Takes in one page and writes where the run then stands: {phase, cursor, item, counted, seen, warnings, conversations?}. Returns the status: the worker goes on with "running" alone.';

create function public.take_numbers(p_run uuid, p_lease uuid, p_numbers jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_row public.sync_runs := private.held_sync(p_run, p_lease);
begin
  perform private.our_number(x ->> 'e164', x ->> 'id') from jsonb_array_elements(p_numbers) x
    join public.phone_numbers n on n.e164 = x ->> 'e164' where n.location_id = v_row.location_id order by x ->> 'e164';
  update public.phone_numbers n set label = x ->> 'name' from jsonb_array_elements(p_numbers) x
    where n.e164 = x ->> 'e164' and n.location_id = v_row.location_id and n.label is null and x ->> 'name' is not null;
  return jsonb_build_object(
    'numbers', coalesce((select jsonb_object_agg(openphone_id, e164) from public.phone_numbers where location_id = v_row.location_id and openphone_id is not null), '{}'),
    'unknown', coalesce((select jsonb_agg(x ->> 'e164' order by x ->> 'e164') from jsonb_array_elements(p_numbers) x
      where not exists (select 1 from public.phone_numbers n where n.e164 = x ->> 'e164')), '[]'));
end $$;
comment on function public.take_numbers is 'Our numbers get the ids the vendor knows them by: [{id, e164, name}]. Says which of the vendor''s are none of ours.';

create function public.calls_to_complete(p_run uuid, p_lease uuid, p_after text, p_limit int default 10) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_row public.sync_runs := private.held_sync(p_run, p_lease);
begin
  return coalesce((select jsonb_agg(to_jsonb(c) order by c.id) from (
    select c.external_id as id, c.status, c.direction,
        not exists (select 1 from public.call_recordings r where r.call_id = c.id) as recordings,
        c.summary_status is distinct from 'completed' as summary, c.transcript_status is distinct from 'completed' as transcript,
        not exists (select 1 from public.voicemails v where v.call_id = c.id) as voicemail
      from public.calls c where c.location_id = v_row.location_id and c.external_id > coalesce(p_after, '')
        and c.occurred_at > coalesce((v_row.cursor ->> 'since')::timestamptz, '-infinity') and c.status in ('completed', 'answered', 'missed', 'forwarded', 'abandoned')
      order by c.external_id limit p_limit) c), '[]');
end $$;
comment on function public.calls_to_complete is 'The next calls in order of the vendor''s ids, and what of each we do not have.';

create function public.scan_keywords(p_run uuid, p_lease uuid, p_limit int default 500, p_now timestamptz default null) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_row public.sync_runs := private.held_sync(p_run, p_lease);
  v_message record;
  v_at timestamptz := coalesce(v_row.cursor ->> 'at', v_row.cursor ->> 'since', '-infinity')::timestamptz;
  v_id uuid := coalesce(v_row.cursor ->> 'id', '00000000-0000-0000-0000-000000000000')::uuid;
  v_seen int := 0;
  v_found int := 0;
begin
  if v_row.status not in ('waiting', 'running') then return v_row.status; end if;
  for v_message in select m.id, m.occurred_at from public.messages m
      where m.location_id = v_row.location_id and m.direction = 'incoming'
        and (m.occurred_at, m.id) > (v_at, v_id)
      order by m.occurred_at, m.id limit p_limit loop
    if private.take_keyword(v_message.id, true, p_now) <> 'none' then v_found := v_found + 1; end if;
    v_seen := v_seen + 1;
    v_at := v_message.occurred_at;
    v_id := v_message.id;
  end loop;
  update public.sync_runs set status = 'running', phase = 'stop_scan', lease_until = clock_timestamp() + interval '2 minutes',
      cursor = cursor || jsonb_build_object('at', v_at, 'id', v_id),
      counts = private.count_step(counts, 'texts', v_seen, jsonb_build_object('new', v_found))
    where id = p_run;
  return case when v_seen < p_limit then 'done' else 'running' end;
end $$;
comment on function public.scan_keywords is 'Looks through the next old texts for words like STOP, oldest first, without noise.';

create function private.tell_of_sync(p_row public.sync_runs, p_kind text, p_title text, p_body text) returns void
language sql security definer set search_path = '' as $$
  select private.notify(p_row.location_id, p_kind, p_kind || ':' || p_row.id, p_title, p_body, jsonb_build_object('sync_run_id', p_row.id))
$$;

create function public.finish_sync(p_run uuid, p_lease uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_row public.sync_runs := private.held_sync(p_run, p_lease);
  v_cut text := (select string_agg(w ->> 'what', ' ') from jsonb_array_elements(v_row.warnings) w where w ->> 'code' = 'limit');
  v_texts int := coalesce((v_row.counts -> 'messages' ->> 'new')::int, 0);
  v_calls int := coalesce((v_row.counts -> 'calls' ->> 'new')::int, 0);
  v_failed int := (select coalesce(sum((c.value ->> 'failed')::int), 0) from jsonb_each(v_row.counts) c);
begin
  if v_row.status not in ('waiting', 'running') then return; end if;
  update public.sync_runs set status = 'done', lease = null, lease_until = null, current_item = null, finished_at = clock_timestamp() where id = p_run;
  if v_cut is not null then
    perform private.tell_of_sync(v_row, 'sync_cut', 'The phone records are longer than was looked through', v_cut);
  end if;
  if v_failed > 0 then
    perform private.tell_of_sync(v_row, 'sync_incomplete', format('%s phone records could not be taken in', v_failed),
      'The run lists the first of them with the reason. Start another one once that is mended.');
  end if;
  if v_row.kind = 'reconciliation' and v_texts + v_calls > 0 then
    perform private.tell_of_sync(v_row, 'reconciliation_differences', 'The nightly check found what no webhook had brought',
      format('%s texts and %s calls were missing and are in the inbox now.', v_texts, v_calls));
  end if;
end $$;

create function public.let_sync_go(p_run uuid, p_lease uuid, p_error text default null, p_retry_after_s int default 0, p_final boolean default false,
  p_now timestamptz default null) returns text language plpgsql security definer set search_path = '' as $$
declare
  v_row public.sync_runs := private.held_sync(p_run, p_lease);
  v_now timestamptz := private.clock(p_now);
  v_errors int := case when p_error is null then 0 else v_row.error_count + 1 end;
  v_over boolean := p_final or v_errors >= 5;
begin
  update public.sync_runs set lease = null, lease_until = null, error = left(p_error, 500), error_count = v_errors,
      status = case when v_over and status in ('waiting', 'running') then 'failed' else status end,
      finished_at = case when v_over then clock_timestamp() else finished_at end,
      next_try_at = v_now + greatest(make_interval(secs => p_retry_after_s), case when v_errors > 0 then interval '15 seconds' * 2 ^ v_errors else interval '0' end)
    where id = p_run returning * into v_row;
  if v_row.status = 'failed' then
    perform private.tell_of_sync(v_row, 'sync_failed', format('A run through the phone records failed (%s)', v_row.kind), v_row.error);
  end if;
  return v_row.status;
end $$;
comment on function public.let_sync_go is 'The worker makes way, or could not go on. The fifth failure in a row, or a final one, ends the run and is told.';

create function private.sync_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('id', n.id, 'kind', n.kind, 'status', n.status, 'phase', n.phase, 'counts', n.counts, 'error', n.error),
    'sync.updated', 'location:' || n.location_id, true)
    from new_rows n join old_rows o using (id) where (n.status, n.phase, n.counts, n.error) is distinct from (o.status, o.phase, o.counts, o.error);
  return null;
end $$;
create trigger broadcast_changed after update on public.sync_runs referencing old table as old_rows new table as new_rows
  for each statement execute function private.sync_changed();

do $$
declare f text;
begin
  foreach f in array array['start_sync(uuid,text,timestamptz,uuid)', 'pause_sync(uuid)', 'resume_sync(uuid)', 'cancel_sync(uuid)'] loop
    execute format('revoke execute on function public.%s from public', f);
    execute format('grant execute on function public.%s to authenticated', f);
  end loop;
  foreach f in array array['vendor_work(timestamptz)', 'claim_sync(uuid,uuid,int,timestamptz)', 'sync_step(uuid,uuid,jsonb,jsonb,int)',
    'take_numbers(uuid,uuid,jsonb)', 'calls_to_complete(uuid,uuid,text,int)',
    'scan_keywords(uuid,uuid,int,timestamptz)', 'finish_sync(uuid,uuid)', 'let_sync_go(uuid,uuid,text,int,boolean,timestamptz)'] loop
    execute format('revoke execute on function public.%s from public', f);
    execute format('grant execute on function public.%s to service_role', f);
  end loop;
end $$;
