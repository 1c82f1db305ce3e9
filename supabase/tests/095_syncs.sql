-- Runs through the vendor's records: one of a kind at a time, steered by the office, one worker each, begun nightly by themselves.
begin;
select plan(70);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;
delete from sync_runs;
create function tests.run_id() returns uuid language sql as $$ select id from sync_runs where location_id = tests.id('here') order by created_at desc, id limit 1 $$;
create function tests.state() returns text language sql as $$ select status || ' ' || error_count from sync_runs where id = tests.run_id() $$;
grant execute on function tests.run_id(), tests.state() to public;

select tests.only('{owner,admin}', 'start a run', $$ select start_sync(tests.id('here'), 'history') $$, 'PT403 not_permitted');
select is(tests.probe('owner', $$ select start_sync(tests.id('here'), 'contact_push') $$), 'PT422 invalid_value', 'only what there is can be started');
select is(tests.act('owner', $$ select start_sync(tests.id('here'), 'history') $$), '1 rows', 'a run is started');
select is(tests.probe('admin', $$ select start_sync(tests.id('here'), 'history') $$), 'PT409 already_running', 'one of a kind at a time');
select is(tests.answer('owner', format('select start_sync(tests.id(''here''), ''history'', null, %L)', tests.run_id())), tests.run_id()::text,
  'the same request again finds its run');
select is(tests.probe('admin', format('select start_sync(tests.id(''here''), ''history'', null, %L)', tests.run_id())), 'PT409 already_running', 'another person''s does not');
select is(tests.probe('admin', $$ select start_sync(tests.id('here'), 'stop_scan') $$), '1 rows', 'another kind may go beside it');
select tests.only('{owner,admin}', 'see the run', $$ select 1 from sync_runs where id = tests.run_id() $$);
select tests.only('{owner,admin}', 'pause it', $$ select pause_sync(tests.run_id()) $$, 'PT404 not_found');
select is(tests.probe('owner', $$ select resume_sync(tests.run_id()) $$), 'PT409 wrong_state', 'what is not paused is not resumed');

-- one worker
select is(tests.answer('service_role', $$ select vendor_work() -> 'runs' $$), (select jsonb_build_array(tests.run_id())::text), 'it waits for a worker');
select is(tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('a')::uuid) ->> 'kind' $$), 'history', 'a worker takes it');
select is(tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('b')::uuid) is null $$), 'true', 'another does not');
select is(tests.answer('service_role', $$ select vendor_work() -> 'runs' $$), '[]', 'nor is it rung for meanwhile');
select is(tests.probe('service_role', $$ select sync_step(tests.run_id(), md5('b')::uuid, '[]', '{}') $$), 'PT409 lease_lost', 'who has no lease writes nothing');
select is(tests.answer('service_role', $$ select sync_step(tests.run_id(), md5('a')::uuid, '[]', '{"phase": "messages", "cursor": {"after": "x"}, "counted": "messages", "seen": 50,
  "warnings": [{"code": "limit", "what": "Only 1 page was read."}]}') $$), 'running', 'a step is written');
select is((select phase || ' ' || cursor || ' ' || (counts -> 'messages' ->> 'seen') from sync_runs where id = tests.run_id()), 'messages {"after": "x"} 50', 'with where it stands');
select is(tests.act('owner', $$ select pause_sync(tests.run_id()) $$), '1 rows', 'it is paused');
select is(tests.answer('service_role', $$ select sync_step(tests.run_id(), md5('a')::uuid, '[]', '{"phase": "calls", "cursor": {}, "counted": "calls"}') $$), 'paused', 'its worker hears it');
select is((select phase from sync_runs where id = tests.run_id()), 'messages', 'and writes nothing any more');
select is(tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('c')::uuid) is null $$), 'true', 'nobody takes a paused run');
select is(tests.act('owner', $$ select resume_sync(tests.run_id()) $$), '1 rows', 'it is resumed');
select is(tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('c')::uuid) -> 'cursor' ->> 'after' $$), 'x', 'and goes on where it was');
select is(tests.act('service_role', $$ select finish_sync(tests.run_id(), md5('c')::uuid) $$), '1 rows', 'it ends');
select is(tests.state(), 'done 0', 'and is done');
select is((select string_agg(distinct kind || ': ' || body, ',') from notifications where location_id = tests.id('here')), 'sync_cut: Only 1 page was read.', 'a limit that was hit is told');
select is(tests.probe('owner', $$ select cancel_sync(tests.run_id()) $$), 'PT409 wrong_state', 'what is done is not cancelled');

-- failing
select tests.act('owner', $$ select start_sync(tests.id('here'), 'reconciliation') $$);
select is((select (cursor ->> 'since')::timestamptz from sync_runs where kind = 'reconciliation'), now() - interval '48 hours', 'a reconciliation looks back 48 hours');
do $$ begin
  for n in 1..5 loop
    update public.sync_runs set next_try_at = now() - interval '1 day' where kind = 'reconciliation';
    perform public.claim_sync(id, md5('d')::uuid) from public.sync_runs where kind = 'reconciliation';
    perform public.let_sync_go(id, md5('d')::uuid, 'status 503') from public.sync_runs where kind = 'reconciliation';
  end loop;
end $$;
select is((select status || ' ' || error_count || ' ' || error from sync_runs where kind = 'reconciliation'), 'failed 5 status 503', 'five failures in a row end it');
select is((select count(*) from notifications where kind = 'sync_failed' and user_id = tests.id('owner')), 1::bigint, 'and are told');

-- broken off
create function tests.break_off(p_times int) returns text language plpgsql as $$
begin
  for n in 1..p_times loop
    update public.sync_runs set lease_until = clock_timestamp() where id = tests.run_id();
    perform tests.act('service_role', 'select claim_sync(tests.run_id(), md5(''e'')::uuid)');
  end loop;
  return tests.state();
end $$;
delete from sync_runs;
delete from notifications where kind = 'sync_failed';
select tests.act('owner', $$ select start_sync(tests.id('here'), 'stop_scan') $$);
select is(tests.break_off(5), 'running 4', 'a lease that ran out is a failure');
select tests.act('service_role', $$ select scan_keywords(tests.run_id(), md5('e')::uuid) $$);
select is(tests.state(), 'running 0', 'what goes on makes up for it');
select tests.act('service_role', $$ select let_sync_go(tests.run_id(), md5('e')::uuid) $$);
select is(tests.break_off(1), 'running 0', 'who makes way has not failed');
select is(tests.break_off(5), 'failed 5', 'the fifth in a row ends it');
select is((select lease is null and lease_until is null and finished_at is not null from sync_runs where id = tests.run_id()), true, 'and nobody has it any more');
select is((select count(*) from notifications where kind = 'sync_failed' and user_id = tests.id('owner')), 1::bigint, 'which is told');

-- nightly
create function tests.nightly(p_at timestamptz) returns bigint language plpgsql as $$
begin
  perform tests.act('service_role', format('select vendor_work(%L)', p_at));
  return (select count(*) from sync_runs where kind = 'reconciliation');
end $$;
delete from sync_runs;
update locations set timezone = 'America/New_York' where id in (tests.id('here'), tests.id('there'));
update phone_numbers set is_active = false;
insert into phone_numbers (location_id, e164) values (tests.id('here'), '+16175550190');
select is(tests.nightly(at::timestamptz), n::bigint, what)
  from (values ('2026-11-20 06:59Z', 0, 'before two at night nothing begins'), ('2026-11-20 07:00Z', 1, 'at two the nightly check does, where there is a number'),
    ('2026-11-20 07:15Z', 1, 'once')) x (at, n, what);
update sync_runs set status = 'done';
select is(tests.nightly(at::timestamptz), n::bigint, what)
  from (values ('2026-11-20 08:00Z', 1, 'not again in that night'), ('2026-11-20 20:00Z', 1, 'nor by day'), ('2026-11-21 07:00Z', 2, 'but in the next')) x (at, n, what);
create function tests.looks_back() returns interval language sql as $$
  select created_at - (cursor ->> 'since')::timestamptz from sync_runs where kind = 'reconciliation' order by created_at desc limit 1 $$;
select is(tests.looks_back(), '48 hours'::interval, 'it looks back 48 hours');
update sync_runs set status = case when created_at < '2026-11-21' then 'done' else 'failed' end, started_at = created_at;
select tests.nightly('2026-11-24 07:00Z');
select is(tests.looks_back(), '4 days 01:00:00'::interval, 'after nights that failed as far as the last that did not');
update sync_runs set status = 'failed' where status <> 'done';
select tests.nightly('2027-01-24 07:00Z');
select is(tests.looks_back(), '30 days'::interval, 'up to a month');
update sync_runs set status = 'paused' where status = 'waiting';
select tests.nightly('2027-02-01 15:00Z'), tests.nightly('2027-02-01 16:00Z');
select is((select max(n) from (select count(*) as n from notifications where kind = 'sync_paused' group by user_id) x), 1::bigint, 'a paused one is told of each day, once');
select * from finish();
rollback;
