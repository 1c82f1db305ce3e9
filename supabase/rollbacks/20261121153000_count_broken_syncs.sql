create or replace function public.claim_sync(p_run uuid, p_lease uuid, p_lease_s int default 120, p_now timestamptz default null) returns jsonb
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
      counts = private.count_step(counts, 'texts', v_seen, jsonb_build_object('new', v_found))
    where id = p_run;
  return case when v_seen < p_limit then 'done' else 'running' end;
end $$;
