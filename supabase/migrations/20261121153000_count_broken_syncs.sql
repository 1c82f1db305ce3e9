-- A worker that is killed, or breaks off by a defect of ours, tells nobody: its run was begun again every two minutes for ever.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create or replace function public.claim_sync(p_run uuid, p_lease uuid, p_lease_s int default 120, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.sync_runs;
  v_errors int;
begin
  select * into v_row from public.sync_runs
    where id = p_run and status in ('waiting', 'running') and next_try_at <= v_now and (lease_until is null or lease_until <= clock_timestamp())
    for update;
  if not found then return null; end if;
  -- Who makes way, and who fails and can still say so, gives the lease back.
  v_errors := v_row.error_count + case when v_row.lease is null then 0 else 1 end;
  if v_errors >= 5 then
    update public.sync_runs set status = 'failed', lease = null, lease_until = null, error_count = v_errors,
        error = 'Its worker broke off in the middle of it.', finished_at = clock_timestamp()
      where id = p_run returning * into v_row;
    perform private.tell_of_sync(v_row, 'sync_failed', format('A run through the phone records failed (%s)', v_row.kind), v_row.error);
    return null;
  end if;
  update public.sync_runs set status = 'running', lease = p_lease, lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
      started_at = coalesce(started_at, v_now), error_count = v_errors
    where id = p_run;
  return jsonb_build_object('id', v_row.id, 'location_id', v_row.location_id, 'kind', v_row.kind, 'phase', v_row.phase, 'cursor', v_row.cursor,
    'numbers', coalesce((select jsonb_object_agg(n.openphone_id, n.e164) from public.phone_numbers n
      where n.location_id = v_row.location_id and n.openphone_id is not null), '{}'));
end $$;
comment on function public.claim_sync is 'Gives a run to one worker for a while: where it stands, and our numbers by the vendor''s id. Null when there is nothing to do. A lease that ran out is a failure: the fifth in a row ends the run and is told.';

-- Each part of the scan is a step, too.
create or replace function public.scan_keywords(p_run uuid, p_lease uuid, p_limit int default 500, p_now timestamptz default null) returns text
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
      counts = private.count_step(counts, 'texts', v_seen, jsonb_build_object('new', v_found)), error = null, error_count = 0
    where id = p_run;
  return case when v_seen < p_limit then 'done' else 'running' end;
end $$;
