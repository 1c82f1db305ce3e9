-- Webhooks of a number that is not in the CRM: kept, told once, and no alarm; and each location hears of its own.
begin;
select plan(18);
\i supabase/tests/support/actors.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;
insert into public.phone_numbers (id, location_id, e164, openphone_id) values (tests.id('our number'), tests.id('here'), '+16175550190', 'PNhere'),
  (tests.id('theirs'), tests.id('there'), '+16175550191', 'PNthere');
delete from private.webhook_events;
create function tests.dies(p_facts jsonb, p_code text default '22007', p_count int default 1) returns void language sql as $$
  insert into private.webhook_events (provider, event_id, scheme, type, body, facts)
    select 'openphone', gen_random_uuid()::text, 'dated', 'call.completed', '{}', p_facts from generate_series(1, p_count);
  update private.webhook_events set status = 'dead', error_code = p_code, processed_at = received_at, attempts = 5 where status = 'received'
$$;
create function tests.heard(p_who text, p_kind text) returns text language sql as $$
  select coalesce(string_agg(title || ' ' || body, '; ' order by created_at), 'nothing') from public.notifications where user_id = tests.id(p_who) and kind = p_kind
$$;

select tests.dies('[{"number": "+16175550177"}]', 'unknown_number', 30);
select is((public.business_counts() ->> c)::int, n, c) from (values ('webhooks_dead', 0), ('webhooks_of_other_numbers', 30)) x (c, n);
select is(tests.answer('owner', format('select messaging_health(tests.id(''here'')) ->> %L', c)), n, 'the banner: ' || c)
  from (values ('dead_webhooks', '0'), ('webhooks_of_other_numbers', '30')) x (c, n);
select is(tests.heard(w, 'unknown_number'), h, w || ' is told once') from (values
  ('owner', 'A number that is not in the CRM got a text or call +16175550177: add it, and what came is taken in; or limit the webhook to the CRM''s numbers.'),
  ('other_owner', 'A number that is not in the CRM got a text or call +16175550177: add it, and what came is taken in; or limit the webhook to the CRM''s numbers.'),
  ('marketer', 'nothing')) x (w, h);
select tests.dies('[{"number": "+16175550178"}]', 'unknown_number');
select is((select count(*) from public.notifications where user_id = tests.id('owner') and kind = 'unknown_number'), 2::bigint, 'and of another number');
select lives_ok($$select tests.dies(jsonb_build_array(jsonb_build_object('number', (select string_agg(md5(n::text), '') from generate_series(1, 1000) n))), 'unknown_number')$$,
  'a number of 32,000 characters takes no batch with it');
delete from private.webhook_events where length(facts::text) > 1000;

-- From yesterday's noon, so that today at nine lies in the day after.
update private.webhook_events set received_at = '2026-03-02 12:00Z', processed_at = '2026-03-02 12:00Z';
select public.watch_webhooks('2026-03-02 15:00Z');
select is(tests.heard('owner', 'webhook_alarm'), 'nothing', 'thirty of another line are no alarm');
select is((select count(*) from public.todos where dedupe_key like 'dead_webhooks%'), 0::bigint, 'and nothing to do');
select is(tests.heard('owner', 'webhook_report'), 'Webhooks: 0 received, 0 dead, 0 refused In the last 24 hours; 0 wait for more than five minutes, 0 were given up after five tries.'
  || ' 31 are of numbers that are not in the CRM.', 'the report counts them apart');

select tests.dies('[{"number_id": "PNthere"}]', '22007', 12), tests.dies(null, '22007', 1);
update private.webhook_events set received_at = '2026-03-03 12:00Z', processed_at = '2026-03-03 12:00Z' where error_code = '22007';
select public.watch_webhooks('2026-03-03 15:00Z');
select is(tests.heard('owner', 'webhook_alarm'), 'nothing', 'what fails at the other location is not ours');
select is(tests.heard('other_owner', 'webhook_alarm') like 'Webhooks fail Of 13 in 24 hours 13 are dead%', true, 'but theirs');
select is((select title from public.notifications where user_id = tests.id('owner') and kind = 'webhook_report' order by created_at desc, title desc limit 1),
  'Webhooks: 1 received, 1 dead, 0 refused', 'what names nobody is everybody''s');

select is((select string_agg(title, '; ' order by title) from public.notifications where user_id = tests.id('both') and kind = 'webhook_report' and dedupe_key like '%2026-03-03'),
  'Webhooks: 1 received, 1 dead, 0 refused; Webhooks: 13 received, 13 dead, 0 refused', 'who works at two hears of both');
insert into public.phone_numbers (location_id, e164) values (tests.id('here'), '+16175550177');
select is((select count(*) from private.webhook_events where status = 'received'), 31::bigint, 'a number that is added: what came is taken up');
select is((public.business_counts() ->> 'webhooks_of_other_numbers')::int, 0, 'and none is left');
select * from finish();
rollback;
