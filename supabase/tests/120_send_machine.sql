-- The way of a text: placed, claimed, started, finished; put back, cancelled, in doubt, settled. And what it costs its day.
begin;
select plan(110);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches (name, turned_on) values ('given_time', true) on conflict (name) do update set turned_on = true;
insert into public.phone_numbers (id, location_id, e164, daily_cold_cap) values (tests.id('our number'), tests.id('here'), '+16175550190', 2);
insert into public.settings (location_id, key, value) values (tests.id('here'), 'require_number_check', 'false');
update public.phone_numbers set resumed_at = '2026-01-01';

create function tests.place(p_name text, p_kind text default 'conversation', p_phone text default '+16175550101', p_at text default '2026-11-20 10:00-05') returns text language sql as $$
  select (private.place_text(tests.id('here'), tests.id('our number'), p_kind, array[p_phone], 'Text ' || p_name, p_now => p_at::timestamptz, p_id => tests.id(p_name))).state
$$;
create function tests.at(p_time text) returns timestamptz language sql immutable as $$ select ('2026-11-' || case when p_time like '% %' then '' else '20 ' end || p_time || '-05')::timestamptz $$;
create function tests.claim(p_at text default '10:00', p_limit int default 5) returns text language sql as $$
  select coalesce(string_agg(o.body, ', ' order by o.body), 'nothing') from jsonb_array_elements(public.claim_outbound(p_limit, 120, tests.at(p_at)) -> 'claimed') c
    join public.outbound o on o.id = (c ->> 'id')::uuid
$$;
create function tests.lease(p_name text) returns uuid language sql as $$ select lease from public.outbound where id = tests.id(p_name) $$;
create function tests.start(p_name text, p_at text default '10:00') returns text language sql as $$
  select coalesce(public.start_send(tests.id(p_name), tests.lease(p_name), 45, tests.at(p_at)) ->> 'body', 'no')
$$;
create function tests.finish(p_name text, p_outcome text, p_external text default null, p_status int default null, p_text text default null, p_at text default '10:01') returns text language sql as $$
  select public.finish_send(tests.id(p_name), tests.lease(p_name), p_outcome, p_external, p_status, null, p_text, 30, tests.at(p_at))
$$;
create function tests.stands(p_name text) returns text language sql as $$
  select concat_ws(' ', o.state, m.status, coalesce(o.rule, '-'), case when o.quota_day is null then 'free' else 'paid' end)
    from public.outbound o join public.messages m on m.id = o.message_id where o.id = tests.id(p_name)
$$;
create function tests.used(p_kind text default 'conversation') returns text language sql as $$
  select coalesce(string_agg(used || case when cap is null then '' else '/' || cap end, ' ' order by day), '0') from public.number_days where phone_number_id = tests.id('our number') and kind = p_kind
$$;

-- from line to vendor
select is(tests.place('a'), 'queued', 'a text waits');
select is(tests.stands('a'), 'queued queued - paid', 'and has its message, and is paid for');
select is((select format('%s %s %s %s %s', m.direction, m.source, m.to_phone, m.segments, m.body) from messages m join outbound o on o.message_id = m.id where o.id = tests.id('a')), 'outgoing app +16175550101 1 Text a', 'which says what leaves');
select is(tests.used(), '1', 'the day counts it');
select is(tests.claim(), 'Text a', 'a worker claims it');
select is(tests.claim(), 'nothing', 'once');
select is(tests.stands('a'), 'reserved queued - paid', 'it is his');
select is((public.start_send(tests.id('a'), gen_random_uuid(), 45, tests.at('10:00'))), null, 'nobody starts it with another lease');
select is(tests.start('a'), 'Text a', 'he starts it');
select is(tests.start('a'), 'no', 'once');
select is(tests.stands('a'), 'dispatching queued - paid', 'the vendor is called');
select is(public.finish_send(tests.id('a'), gen_random_uuid(), 'refused'), 'dispatching', 'nobody finishes it with another lease');
select is(tests.finish('a', 'accepted', 'AC1'), 'accepted', 'he finishes it');
select is(tests.stands('a'), 'accepted sent - paid', 'it is sent');
select is((select m.external_id || ' ' || m.sent_at from messages m where external_id = 'AC1'), 'AC1 2026-11-20 15:00:00+00', 'and its message bears the vendor''s id');
select is(tests.finish('a', 'unknown'), 'accepted', 'to say it again changes nothing');
select private.outbound_reported((select message_id from outbound where id = tests.id('a')), 'delivered', now(), null, null);
select is((select state from outbound where id = tests.id('a')), 'delivered', 'a report moves it on');
select private.outbound_reported((select message_id from outbound where id = tests.id('a')), 'sent', now(), null, null);
select is((select state from outbound where id = tests.id('a')), 'delivered', 'never back');

-- who comes first, and what is not due
select tests.place('cold', 'cold', '+16175550103'), tests.place('warm', 'warm', '+16175550104'), tests.place('late'), tests.place('stop', 'confirmation', '+16175550105');
select is(tests.claim(p_limit => 1), 'Text stop', 'a confirmation comes first');
select is(tests.claim(p_limit => 1), 'Text late', 'an answer comes before campaigns');
select is(tests.claim(p_limit => 1), 'Text warm', 'warm before cold');
select is(tests.used('cold') || ', ' || tests.used('conversation'), '1/2, 2', 'an answer spends nothing of the cold budget');
update outbound set state = 'cancelled', lease = null where id in (tests.id('stop'), tests.id('late'), tests.id('warm'));
select is(tests.claim('18:00'), 'nothing', 'cold waits when the hours are over');
select is(tests.stands('cold'), 'queued queued outside_hours free', 'until the next opening, and today is not charged');
select is((select not_before from outbound where id = tests.id('cold')), '2026-11-23 14:00:00+00'::timestamptz, 'on Monday at nine');
select is(tests.used('cold'), '0/2', 'it got its money back');
select is(tests.claim('23 08:59:59'), 'nothing', 'not a second early');
select is(tests.claim('23 09:00'), 'Text cold', 'then it leaves');
select is(tests.used('cold'), '0/2 1/2', 'and that day pays');

-- between claim and start
select tests.start('cold', '23 09:00'), tests.finish('cold', 'accepted', 'AC-cold', p_at => '23 09:00');
select tests.place('b1'), tests.place('b2', p_phone => '+16175550106'), tests.claim();
insert into opt_outs (location_id, phone) values (tests.id('there'), '+16175550101');
select is(tests.start('b1'), 'no', 'STOP between claim and start: nothing is sent');
select matches(tests.stands('b1'), '^cancelled cancelled opted_out free$', 'it is cancelled and refunded');
update phone_numbers set paused_at = '2026-11-20' where id = tests.id('our number');
select is(tests.start('b2'), 'no', 'a pause between claim and start: nothing is sent');
select is(tests.stands('b2'), 'queued queued number_paused free', 'it waits');
select is(tests.claim('12:00'), 'nothing', 'for as long as the pause');
update phone_numbers set paused_at = null where id = tests.id('our number');
select is(tests.claim('12:00'), 'Text b2', 'and leaves after it');
update outbound set lease_until = clock_timestamp() - interval '1 second' where id = tests.id('b2');
select is(tests.start('b2'), 'no', 'a lease that is over starts nothing');
select is(public.reap_outbound(), '{"freed": 1, "doubted": 0}', 'what was never started is freed');
select is(tests.stands('b2'), 'queued queued - free', 'with its money');
insert into settings (location_id, key, value) values (tests.id('here'), 'sending_paused', 'true');
select is(tests.claim('12:00'), 'nothing', 'the stop switch holds all of the location');
select tests.place('stop 2', 'confirmation', '+16175550101');
select is(tests.claim('12:00'), 'Text stop 2', 'but the answer to STOP');
select is(tests.start('stop 2'), 'Text stop 2', 'which goes to who opted out');
delete from settings where key = 'sending_paused';
update outbound set queued_at = '2026-11-19 09:00-05', requested_by = tests.id('owner') where id = tests.id('b2');
select is(tests.claim('12:00'), 'nothing', 'an answer of yesterday is not sent');
select is(tests.stands('b2'), 'cancelled cancelled too_old free', 'it is cancelled');
select is((select string_agg(title, ', ') from notifications where dedupe_key = 'send_cancelled:' || tests.id('b2')), 'Your text to +16175550106 was not sent', 'and he who wrote it is told, alone');
select is((select count(*) from notifications where user_id = tests.id('owner') and kind = 'send_cancelled'), 1::bigint, 'once');
delete from opt_outs where phone = '+16175550101';

-- cancelled by number
select tests.place('c1'), tests.place('c2'), tests.place('c3', 'confirmation');
select is(private.cancel_sends('+16175550101', 'opted_out', now()), 2, 'an opt-out cancels what waits for the number');
select is(tests.stands('c1') || ', ' || tests.stands('c3'), 'cancelled cancelled opted_out free, queued queued - paid', 'but its confirmation');
update outbound set state = 'cancelled' where id = tests.id('c3');

-- how calls end
create function tests.called(p_name text, p_kind text default 'conversation', p_phone text default '+16175550101', p_at text default '10:00') returns text language plpgsql as $$
begin
  perform tests.place(p_name, p_kind, p_phone, tests.at(p_at)::text);
  perform tests.claim(p_at);
  return tests.start(p_name, p_at);
end $$;
select is(tests.called('busy'), 'Text busy', 'a text is on its way');
select is(tests.finish('busy', 'busy'), 'queued', 'the vendor is busy: proven unsent');
select is(tests.stands('busy'), 'queued queued vendor_busy free', 'it may be sent later');
select is(tests.claim('10:01:29'), 'nothing', 'not before the vendor said');
select is(tests.claim('10:01:30'), 'Text busy', 'then again');
select tests.start('busy', '10:02'), tests.finish('busy', 'refused', null, 400, 'Invalid number');
select is(tests.stands('busy'), 'rejected failed - free', 'refused is over, and refunded');
select is((select m.error_text from messages m join outbound o on o.message_id = m.id where o.id = tests.id('busy')), 'Invalid number', 'and says why');
select is(tests.called('doubt'), 'Text doubt', 'another is on its way');
select is(tests.finish('doubt', 'unknown'), 'unconfirmed', 'nobody knows how it ended');
select is(tests.stands('doubt'), 'unconfirmed unconfirmed - paid', 'it stays paid for');
select is(tests.claim('12:00'), 'nothing', 'and is not sent again');
select is(jsonb_array_length(public.outbound_to_reconcile(20, tests.at('10:01:29'))), 0, 'the vendor is not asked at once');
select is(public.outbound_to_reconcile(20, tests.at('10:01:30')) #>> '{0,body}', 'Text doubt', 'but soon');
select is(jsonb_array_length(public.outbound_to_reconcile(20, tests.at('10:01:31'))), 0, 'by one worker');
select is(public.reconcile_send(tests.id('doubt'), '{}', tests.at('10:02')), 'unconfirmed', 'it is not listed');
select is(tests.probe('owner', format($$ select settle_send(%L, 'sent') $$, tests.id('doubt'))), 'PT409 still_asking', 'nobody decides while the vendor is asked');
select is(public.reconcile_send(tests.id('doubt'), '{}', tests.at('10:06')), 'unconfirmed', 'still not');
select is(public.reconcile_send(tests.id('doubt'), '{}', tests.at('10:16')), 'unconfirmed', 'nor after a quarter of an hour');
select is((select polls || ' ' || (next_poll_at is null) from outbound where id = tests.id('doubt')), '3 true', 'then nobody asks again');
select is((select count(*)::int from todos where dedupe_key = 'send_in_doubt:' || tests.id('doubt') and status = 'open'), 1, 'a person is asked');
select ok((select count(*) >= 2 from notifications where dedupe_key = 'send_in_doubt:' || tests.id('doubt')), 'owner and admin are told');
select tests.only('{owner,admin}', 'say what became of a text in doubt', format($$ select settle_send(%L, 'not_sent') $$, tests.id('doubt')), 'PT404 not_found');
select is(tests.act('owner', format($$ select settle_send(%L, 'sent') $$, tests.id('doubt'))), '1 rows', 'the owner has looked');
select is(tests.stands('doubt'), 'accepted sent - paid', 'it was sent');
select is((select status from todos where dedupe_key = 'send_in_doubt:' || tests.id('doubt')), 'done', 'and nobody need look any more');
select is(tests.probe('owner', format($$ select settle_send(%L, 'sent') $$, tests.id('doubt'))), 'PT409 send_settled', 'he says so once');

-- asked and found, found twice, found late
select tests.called('told'), tests.finish('told', 'unknown');
insert into messages (location_id, conversation_id, phone_number_id, direction, body, from_phone, to_phone, to_phones, external_id, status, source, occurred_at, sent_at, delivered_at)
  select location_id, conversation_id, phone_number_id, 'outgoing', 'Text told!', from_phone, to_phone, to_phones, 'AC-told', 'delivered', 'vendor', occurred_at, occurred_at, occurred_at
    from messages where id = tests.id('told');
select is(public.reconcile_send(tests.id('told'), '{AC-told}', tests.at('10:02')), 'accepted', 'a report that made a message of its own is of this text');
select is(tests.stands('told'), 'delivered delivered - paid', 'which knows what that one knew');
select is((select external_id from messages where id = tests.id('told')), 'AC-told', 'under the id its writer was given');
select is((select count(*) from messages where body like 'Text told%' and status <> 'cancelled'), 1::bigint, 'and is seen once');
select tests.called('found'), tests.finish('found', 'unknown');
select is(public.reconcile_send(tests.id('found'), '{AC1,AC-found}', tests.at('10:02')), 'accepted', 'what the vendor lists beside a known text is this one');
select is((select m.external_id || ' ' || m.status from messages m join outbound o on o.message_id = m.id where o.id = tests.id('found')), 'AC-found sent', 'and is sent');
select tests.called('twice'), tests.finish('twice', 'unknown'), public.reconcile_send(tests.id('twice'), '{AC-x,AC-y}', tests.at('10:02'));
select is((select state || ' ' || (next_poll_at is null) from outbound where id = tests.id('twice')), 'unconfirmed true', 'two of them are left to a person');
select is((select count(*)::int from todos where dedupe_key = 'send_alarm:' || tests.id('twice')), 1, 'with an alarm');
select tests.called('dead');
update outbound set lease_until = clock_timestamp() - interval '1 second' where id = tests.id('dead');
select is(public.reap_outbound(5, tests.at('10:05')), '{"freed": 0, "doubted": 1}', 'what was started by a worker who died is in doubt');
select is(tests.finish('dead', 'accepted', 'AC-late'), 'accepted', 'and should he live, his word counts');
select tests.called('event'), tests.finish('event', 'unknown');
select private.settle_unconfirmed(tests.id('event'), 'AC-event', tests.at('10:03'));
select is(tests.stands('event'), 'accepted sent - paid', 'the vendor''s event settles it');
select is(tests.finish('event', 'accepted', 'AC-event'), 'accepted', 'before its own worker does');

-- an account that is refused, and a number that goes wrong
select tests.called('credit'), tests.finish('credit', 'refused', null, 402, 'Not enough credits');
select matches((select pause_reason from phone_numbers where id = tests.id('our number')), 'refuses our account', 'no credit: the number is paused');
select is((select count(*)::int from todos where dedupe_key = 'number_paused:' || tests.id('our number') and status = 'open'), 1, 'and somebody must act');
select is(tests.act('owner', format('update phone_numbers set paused_at = null where id = %L', tests.id('our number'))), '1 rows', 'one click lets it go on');
select is((select status from todos where dedupe_key = 'number_paused:' || tests.id('our number')), 'done', 'which ends the task');
update phone_numbers set resumed_at = '2026-11-29 10:20-05' where id = tests.id('our number');
select tests.called('bad ' || n, p_at => '30 10:30'), tests.finish('bad ' || n, 'refused', null, 400, 'No') from generate_series(1, 5) n;
select matches((select pause_reason from phone_numbers where id = tests.id('our number')), 'Five texts in a row', 'five in a row pause it, too');

-- the budget
update phone_numbers set paused_at = null where id = tests.id('our number');
select tests.place('d' || n, 'cold', '+1617555012' || n, '2026-12-01 09:30-05') from generate_series(1, 2) n;
create function tests.place_third(p_at text) returns text language plpgsql as $$
begin
  return tests.place('d3', 'cold', '+16175550123', p_at);
exception when others then return sqlstate || ' ' || sqlerrm;
end $$;
select matches(tests.place_third('2026-12-01 17:00-05'), 'number_days_cap', 'one more than the cap is impossible');
select is(tests.place_third('2026-12-02 09:29-05'), 'PT409 rolling_cap', 'also next morning, within 24 hours');
update phone_numbers set daily_cold_cap = 1 where id = tests.id('our number');
select is((select used || '/' || cap from number_days where day = '2026-12-01' and kind = 'cold'), '2/2', 'a cap lowered below what is spent becomes what is spent');
select matches(tests.place_third('2026-12-01 17:00-05'), 'number_days_cap', 'and nothing more leaves');
update phone_numbers set daily_cold_cap = 2 where id = tests.id('our number');
select is(tests.place_third('2026-12-02 09:31-05'), 'queued', 'a day later there is room again');
-- how long each kind may wait
create function tests.waited(p_kind text, p_for interval) returns text language plpgsql as $$
declare v_id uuid;
begin
  v_id := (private.place_text(tests.id('here'), tests.id('our number'), p_kind, '{+16175550199}', 'Late ' || p_kind, p_now => tests.at('17:00') - p_for)).id;
  perform private.pass_or_end(o, tests.at('17:00')) from public.outbound o where o.id = v_id;
  raise exception using errcode = 'UNDO1', message = (select coalesce(rule, 'may') from public.outbound where id = v_id);
exception when sqlstate 'UNDO1' then return sqlerrm;
end $$;
select is(tests.waited(k, f::interval), e, format('%s after %s: %s', k, f, e)) from (values ('transactional', '3 hours 59 minutes', 'may'), ('transactional', '4 hours 1 second', 'too_old'),
  ('urgent', '23 hours', 'may'), ('urgent', '25 hours', 'too_old'), ('conversation', '25 hours', 'too_old'), ('confirmation', '25 hours', 'too_old'), ('warm', '3 days', 'may')) x (k, f, e);

select * from finish();
rollback;
