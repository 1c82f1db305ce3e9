-- The second number texts the first: how often, what becomes of it, who is told; and the silence of webhooks.
begin;
select plan(78);
\i supabase/tests/support/actors.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;
update public.phone_numbers set is_active = false;
delete from private.outages;
delete from private.refusal_marks;
delete from private.webhook_refusals;
update public.locations set timezone = 'America/New_York' where id = tests.id('here');
insert into public.phone_numbers (id, location_id, e164, created_at) values (tests.id('main'), tests.id('here'), '+16175550990', '2026-11-01');

create function tests.watch(p_at text, p_number text default '+16175550991') returns text language sql as $$
  select tests.answer('service_role', format('select watch_messaging(%L, %L::timestamp at time zone ''America/New_York'')', p_number, p_at)) $$;
create function tests.checks() returns bigint language sql as $$ select count(*) from health_checks where location_id = tests.id('here') $$;
create function tests.last() returns health_checks language sql as $$ select h from health_checks h where location_id = tests.id('here') order by sent_at desc limit 1 $$;
create function tests.told(p_kind text) returns bigint language sql as $$ select count(*) from notifications where user_id = tests.id('owner') and kind = p_kind $$;
-- What the workers and the vendor would do: the text leaves, and a webhook brings it back.
create function tests.leave(p_at text) returns void language sql as $$
  update outbound set state = 'accepted', lease = null, call_started_at = p_at::timestamp at time zone 'America/New_York', external_id = 'AC' || id
    where id = (tests.last()).outbound_id $$;
create function tests.hear(p_at text) returns void language sql as $$
  insert into private.health_texts values ('AAC-HEALTH-' || (tests.last()).word, p_at::timestamp at time zone 'America/New_York') $$;

-- Without a second number.
select is(tests.watch('2026-11-20 10:00', null), '0', 'without a second number nothing is sent');
select is(tests.answer('owner', $$ select messaging_health(tests.id('here')) -> 'check' ->> 'is_set_up' $$), 'false', 'and the office sees so');
select is(tests.watch('2026-11-20 10:00', '+16175550990'), '0', 'a number that serves customers is not taken for it');
select ok(not (select is_health from phone_numbers where id = tests.id('main')), 'and goes on serving them');

-- A check.
select is(tests.watch('2026-11-20 10:00'), '1', 'with one, a text is placed');
select is((select location_id || ' ' || label from phone_numbers where is_health and e164 = '+16175550991'), tests.id('here') || ' Health check', 'the second number is known as such');
select is((select o.kind || ' ' || o.to_phones[1] || ' ' || o.state from outbound o where o.id = (tests.last()).outbound_id), 'health +16175550990 queued', 'it is in the ledger like any text');
select matches((select body from outbound where id = (tests.last()).outbound_id), '^AAC-HEALTH-[a-f0-9]{32}$', 'with a word of its own');
select is(tests.watch('2026-11-20 10:00'), '0', 'asked again, nothing more is sent');
select is(tests.watch('2026-11-20 10:09'), '0', 'nor later in the hour');
select is((tests.last()).status, 'waiting', 'it waits for its webhook');
select is((select count(*) from conversations where location_id = tests.id('here') and last_at is not null), 0::bigint, 'its conversation has nothing said in it');
select is(tests.answer('owner', $$ select count(*) from list_inbox(tests.id('here')) $$), '0', 'and is not in the inbox');
select is((private.number_for(tests.id('here'), '{+16175550123}')), tests.id('main'), 'nobody is written to from the second number');
select tests.leave('2026-11-20 10:10');
select tests.hear('2026-11-20 10:11');
select is(tests.watch('2026-11-20 10:12'), '0', 'its webhook came');
select is((tests.last()).status || ' ' || coalesce((tests.last()).reason, '-'), 'heard -', 'it is heard');
select is(tests.told('texts_not_heard') + tests.told('texts_not_heard_over'), 0::bigint, 'and nobody is told');

-- How often.
create function tests.sent_at(p_at text) returns text language sql as $$
  with w as (select tests.watch(p_at) as placed) select placed from w $$;
create function tests.quiet() returns void language sql as $$
  update health_checks set status = 'heard', heard_at = sent_at where status = 'waiting' $$;
select is(array_agg(tests.sent_at(x) order by x), '{1,1,1,0,0,1,0,1,1}', 'Friday hourly until six, then at six and midnight, Saturday every six hours')
  from unnest('{2026-11-20 11:00,2026-11-20 16:59,2026-11-20 17:01,2026-11-20 17:59,2026-11-20 17:59:59,2026-11-20 18:00,2026-11-20 23:59,2026-11-21 00:00,2026-11-21 06:30}'::text[]) x;
select is(array_agg(tests.sent_at(x) order by x), '{1,1,0,1,1}', 'Sunday evening, Monday at midnight, at six, not at eight, then hourly from nine')
  from unnest('{2026-11-22 18:00,2026-11-23 00:00,2026-11-23 05:59,2026-11-23 08:00,2026-11-23 09:00}'::text[]) x;
-- Each of these has its own slot: when clocks go back, one o'clock comes twice and is no slot at all.
select is(private.health_slot('America/New_York', '2026-11-01 05:30+00'), private.health_slot('America/New_York', '2026-11-01 06:30+00'), 'the hour that comes twice is one slot');
select is(private.health_slot('America/New_York', '2026-11-01 11:00+00'), '2026-11-01 11:00+00'::timestamptz, 'six o''clock is six o''clock after the clocks went back');
select is(private.health_slot('America/New_York', '2027-03-14 09:59+00'), '2027-03-14 05:00+00'::timestamptz, 'and when they go forward');

-- It fails.
update public.health_checks set status = 'heard', heard_at = sent_at, reason = null;
delete from private.outages; delete from notifications; delete from todos;
insert into private.webhook_events (provider, event_id, scheme, type, body, received_at) values ('openphone', 'health a', 'dated', 'x', '{}', '2026-11-24 10:00-05');
select tests.watch('2026-11-24 10:00');
select tests.leave('2026-11-24 10:00:30');
select tests.watch('2026-11-24 10:02');
select is((tests.last()).status, 'waiting', 'two minutes are not over');
select tests.watch('2026-11-24 10:03');
select is((tests.last()).status || ': ' || (tests.last()).reason, 'failed: No webhook brought it back within two minutes.', 'then it has failed');
select is(tests.told('texts_not_heard'), 1::bigint, 'the office is told');
select is((select count(*) from notifications where kind = 'texts_not_heard' and user_id = tests.id('marketer')), 0::bigint, 'and nobody else');
select is((select count(*) from todos where location_id = tests.id('here') and status = 'open'), 1::bigint, 'with a todo');
select is(tests.answer('owner', $$ select messaging_health(tests.id('here')) -> 'outages' -> 0 ->> 'kind' $$), 'texts_not_heard', 'the banner says so');
select is(tests.answer('owner', $$ select messaging_health(tests.id('here')) -> 'check' -> 'last' ->> 'status' $$), 'failed', 'with the check');
select tests.watch('2026-11-24 11:00');
select tests.watch('2026-11-24 11:11');
select is((tests.last()).reason, 'It did not leave within ten minutes: do the workers run?', 'a text that does not leave is a failure');
select is((select state || ' ' || rule from outbound where id = (tests.last()).outbound_id), 'cancelled too_late', 'and leaves no more');
select is(tests.told('texts_not_heard'), 1::bigint, 'one outage is told once');
select tests.watch('2026-11-24 12:00');
update outbound set state = 'unconfirmed', call_started_at = '2026-11-24 12:00:10-05', next_poll_at = '2026-11-24 12:01-05' where id = (tests.last()).outbound_id;
select tests.watch('2026-11-24 12:03');
select is((select state || ' ' || coalesce(next_poll_at::text, 'not asked for') from outbound where id = (tests.last()).outbound_id), 'unconfirmed not asked for', 'in doubt, nobody is asked');
select is(tests.answer('owner', $$ select messaging_health(tests.id('here')) ->> 'unconfirmed_texts' $$), '0', 'nor is it counted');
select tests.watch('2026-11-24 13:00');
update outbound set state = 'unconfirmed', call_started_at = '2026-11-24 13:00:10-05', next_poll_at = '2026-11-24 13:01-05' where id = (tests.last()).outbound_id;
select tests.hear('2026-11-24 13:01');
select tests.watch('2026-11-24 13:02');
select is((select (tests.last()).status || ' ' || state from outbound where id = (tests.last()).outbound_id), 'heard accepted', 'heard, it was sent');
select is(tests.told('texts_not_heard_over'), 1::bigint, 'that all is well again is told');
select is((select count(*) from todos where location_id = tests.id('here') and status = 'open'), 0::bigint, 'and the todo is done');
select tests.watch('2026-11-24 14:00');
select tests.leave('2026-11-24 14:00');
select tests.hear('2026-11-24 14:02:01');
select tests.watch('2026-11-24 14:03');
select is((tests.last()).reason, 'A webhook brought it back, but after more than two minutes.', 'late is not in time');
select is(tests.told('texts_not_heard'), 2::bigint, 'another outage is told anew');
insert into public.opt_outs (location_id, phone, method) values (tests.id('here'), '+16175550990', 'manual');
select is(tests.watch('2026-11-24 15:00'), '0', 'what may not be sent is not');
select is((tests.last()).reason, 'It may not be sent: +16175550990 has opted out.', 'and the check says why');
delete from public.opt_outs where phone = '+16175550990';
insert into public.settings (location_id, key, value) values (tests.id('here'), 'sending_paused', 'true');
select is(tests.watch('2026-11-24 16:00') || tests.checks(), '0' || tests.checks(), 'who stopped the sending gets no check');
delete from public.settings where location_id = tests.id('here');
select private.pause_number(id, 'Five texts in a row went wrong.', now()) from phone_numbers where is_health and is_active;
select is((select paused_at from phone_numbers where is_health and is_active), null, 'failures do not pause what looks for them');
select is(tests.watch('2026-11-24 16:00', '+16175550992'), '1', 'another second number takes over');
select is((select string_agg(e164 || is_active, ',' order by e164) from phone_numbers where location_id = tests.id('here') and is_health), '+16175550991false,+16175550992true', 'the old one rests');

-- Silence: business hours are counted, nights and weekends are not.
delete from private.outages; delete from notifications; delete from todos;
insert into private.webhook_events (provider, event_id, scheme, type, body, received_at) values ('openphone', 'health b', 'dated', 'x', '{}', '2026-11-27 16:00-05');
create function tests.at_work(p_from text, p_to text) returns interval language sql as $$
  select private.business_time('America/New_York', p_from::timestamp at time zone 'America/New_York', p_to::timestamp at time zone 'America/New_York') $$;
select is(tests.at_work('2026-11-27 16:00', '2026-11-30 13:00'), '6 hours'::interval, 'from Friday at four to Monday at one are six hours');
select is(tests.at_work('2026-10-30 17:00', '2026-11-02 10:00') + tests.at_work('2027-03-12 17:00', '2027-03-15 10:00'), '4 hours'::interval, 'though the clocks are changed between');
select is(tests.at_work('2026-11-28 10:00', '2026-11-29 23:00'), '0'::interval, 'a weekend has none');
select is(tests.at_work('2026-11-30 13:00', '2026-11-30 12:00'), '0'::interval, 'nor has what lies ahead');
select is(tests.at_work('2026-11-24 08:00', '2026-11-24 20:00'), '9 hours'::interval, 'a day has nine');
select tests.watch('2026-11-30 12:59', null);
select is(tests.told('no_webhooks'), 0::bigint, 'silence over a weekend is no alarm');
select tests.watch('2026-11-30 13:00', null), tests.watch('2026-11-30 14:00', null), tests.watch('2026-12-01 09:00', null);
select is(tests.told('no_webhooks'), 1::bigint, 'six business hours of it are, once');
select tests.watch('2026-12-01 20:00', null);
select is(tests.told('no_webhooks_over'), 0::bigint, 'evening does not end it');
insert into private.webhook_events (provider, event_id, scheme, type, body, received_at) values ('openphone', 'health c', 'dated', 'x', '{}', '2026-12-01 20:05-05');
select tests.watch('2026-12-01 20:06', null);
select is(tests.told('no_webhooks_over'), 1::bigint, 'a webhook does');

-- Signatures that do not fit.
create function tests.refuse(p_reason text, p_count int) returns void language sql as $$
  insert into private.webhook_refusals values ('2026-12-01', 'openphone', p_reason, p_count)
    on conflict (day, provider, reason) do update set count = webhook_refusals.count + excluded.count $$;
delete from private.refusal_marks;
select tests.refuse('wrong', 100);
select tests.watch('2026-12-01 21:00', null);
select is(tests.told('webhooks_unsigned'), 0::bigint, 'what was before we looked is no alarm');
select tests.refuse('unsigned', 50), tests.refuse('wrong', 4);
select tests.watch('2026-12-01 21:10', null);
select is(tests.told('webhooks_unsigned'), 0::bigint, 'nor are a few, nor who does not sign at all');
select tests.refuse('no_key', 1);
select tests.watch('2026-12-01 21:20', null), tests.watch('2026-12-01 21:21', null);
select is(tests.told('webhooks_unsigned'), 1::bigint, 'five in an hour are, once');
select tests.watch('2026-12-01 22:05', null);
select is(tests.told('webhooks_unsigned_over'), 0::bigint, 'while one was within the hour it is not over');
select tests.watch('2026-12-01 22:21', null);
select is(tests.told('webhooks_unsigned_over'), 1::bigint, 'after an hour without one it is');
select is((select count(*) from private.refusal_marks), 1::bigint, 'old marks are gone');
select tests.only('{owner,admin}', 'see how messaging stands', $$ select messaging_health(tests.id('here')) $$, 'PT403 not_permitted');
select tests.only('{owner,admin}', 'see the checks', $$ select 1 from health_checks limit 1 $$);
select * from finish();
rollback;
