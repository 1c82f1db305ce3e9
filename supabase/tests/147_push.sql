-- Of whom the vendor's address book is told, in what words, and what of it is kept.
begin;
select plan(45);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
-- As in production: the time is the database's own.
insert into private.switches values ('given_time', false) on conflict (name) do update set turned_on = false;
delete from sync_runs;
delete from settings where key = 'push_contacts';
insert into phone_numbers (id, location_id, e164) values (tests.id('line'), tests.id('here'), '+16175550990');
create function tests.waiting() returns text language sql as $$
  select coalesce(string_agg(c.first_name, ',' order by c.first_name), '') from jsonb_array_elements(private.next_to_push(tests.id('here'), null, 50)) x
    join contacts c on c.id = (x ->> 'id')::uuid $$;
create function tests.talk(p_contact uuid, p_phone text, p_at timestamptz default now()) returns void language sql as $$
  insert into conversations (location_id, phone_number_id, participants, contact_id, last_at) values (tests.id('here'), tests.id('line'), array[p_phone], p_contact, p_at) $$;
create function tests.run_id() returns uuid language sql as $$ select id from sync_runs where location_id = tests.id('here') and status in ('waiting', 'running', 'paused') $$;
create function tests.begin() returns text language sql as $$ select tests.answer('service_role', 'select begin_contact_pushes()') $$;
grant execute on function tests.run_id() to public;

-- who
select tests.talk(tests.id('here ann'), '+16175550101');
select is(tests.waiting() || tests.begin(), '0', 'nobody, unless the owner says so');
select is(tests.act('admin', $$ select save_setting(tests.id('here'), 'push_contacts', 'true') $$), '1 rows', 'the office says so');
select is(tests.waiting(), 'Ann', 'people with a conversation');
select tests.talk(tests.id('here bob'), '+16175550109', null);
select is(tests.waiting(), 'Ann', 'in which something was said');
update conversations set last_at = now() where contact_id = tests.id('here bob');
select is(tests.waiting(), 'Ann,Bob', 'when something is, they too');
update contacts set deleted_at = now() where id = tests.id('here bob');
select is(tests.waiting(), 'Ann', 'not who was deleted');
update contacts set deleted_at = null, first_name = null, last_name = null, display_name = null where id = tests.id('here bob');
select is(tests.waiting(), 'Ann', 'nor who has no name');

-- in what words
select is(private.push_form(c) - 'phones' - 'emails', '{"first_name": "Ann", "last_name": "Sample", "company": null}', 'first and last name') from contacts c where id = tests.id('here ann');
select is(private.push_form(c) -> 'phones', '["+16175550101"]', 'numbers') from contacts c where id = tests.id('here ann');
select is(private.push_form(c) -> 'emails', '["household@example.com"]', 'addresses') from contacts c where id = tests.id('here ann');
update contacts set company_id = tests.id('here company') where id = tests.id('here ann');
select is(private.push_form(c) ->> 'company', 'Stone Builders', 'where they work') from contacts c where id = tests.id('here ann');
update contacts set display_name = '  ' where id = tests.id('here bob');
select is(private.push_form(c), null, 'spaces are no name') from contacts c where id = tests.id('here bob');
update contacts set last_name = 'Oak Trust', is_entity = true where id = tests.id('here bob');
select is(private.push_form(c) - 'phones' - 'emails', '{"first_name": "Oak Trust", "last_name": null, "company": "Oak Trust"}', 'an entity is a company') from contacts c where id = tests.id('here bob');
update contacts set last_name = 'Sample', display_name = null, is_entity = false where id = tests.id('here bob');
select is(private.push_form(c) ->> 'first_name', 'Sample', 'one name is the name the vendor asks for') from contacts c where id = tests.id('here bob');
update conversations set last_at = null where contact_id = tests.id('here bob');

-- a run
select is(tests.begin(), '1', 'a run begins by itself');
select is(tests.begin(), '0', 'one at a time');
select is(tests.answer('service_role', $$ select vendor_work() -> 'runs' @> to_jsonb(array[tests.run_id()]) $$), 'true', 'the vendor''s worker is rung for it');
select is(tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('a')::uuid) ->> 'kind' $$), 'contact_push', 'who takes it');
select is(tests.probe('service_role', $$ select contacts_to_push(tests.run_id(), md5('b')::uuid) $$), 'PT409 lease_lost', 'nobody else asks');
select is(tests.answer('service_role', $$ select jsonb_array_length(contacts_to_push(tests.run_id(), md5('a')::uuid) -> 'contacts') $$), '1', 'he is told whom');
select is(tests.answer('service_role', $$ select record_push(tests.run_id(), md5('a')::uuid, tests.id('here ann'), 'created', contacts_to_push(tests.run_id(), md5('a')::uuid) -> 'contacts' -> 0 -> 'form', 'CT1') $$),
  'running', 'and says what became of it');
select is((select cursor ->> 'after' from sync_runs where id = tests.run_id()), tests.id('here ann')::text, 'the run stands behind them');
select is((select counts ->> 'contacts' from sync_runs where id = tests.run_id()), '{"seen": 1, "created": 1}', 'and counts');
select is(tests.waiting(), '', 'nobody waits');
select is(tests.answer('service_role', $$ select contacts_to_push(tests.run_id(), md5('a')::uuid) $$), '{"status": "running", "contacts": []}', 'that is the end');
select is(tests.act('service_role', $$ select finish_sync(tests.run_id(), md5('a')::uuid) $$), '1 rows', 'of the run');
select is((select count(*) from notifications where location_id = tests.id('here')), 0::bigint, 'nobody need be told');
select is(tests.begin(), '0', 'and none begins while nothing changes');
select is(tests.act('owner', $$ update contacts set first_name = 'Anna' where id = tests.id('here ann') $$), '1 rows', 'a name changes');
select is(tests.waiting(), 'Anna', 'and is to be told');
select is(tests.begin(), '1', 'by a new run');
select tests.answer('service_role', $$ select claim_sync(tests.run_id(), md5('a')::uuid) $$);
select tests.act('owner', $$ select pause_sync(tests.run_id()) $$);
select is(tests.answer('service_role', $$ select record_push(tests.run_id(), md5('a')::uuid, tests.id('here ann'), 'gone', '{}', 'CT1') $$), 'paused', 'what was done meanwhile is kept, and the worker hears of the pause');
select is(tests.answer('service_role', $$ select contacts_to_push(tests.run_id(), md5('a')::uuid) ->> 'status' $$), 'paused', 'who asks on hears it too');
select is((select lease from sync_runs where id = tests.run_id()), null, 'and lets go');
select is(tests.waiting(), '', 'who was deleted there is not told of again');
select tests.act('owner', $$ select cancel_sync(tests.run_id()) $$);
delete from private.pushed_contacts;
select is(tests.begin(), '0', 'what was stopped begins no more for six hours');
update sync_runs set created_at = now() - interval '7 hours';
select is(tests.begin(), '1', 'and then does');
select is(tests.answer('service_role', $$ select begin_contact_pushes(now()) $$), 'PT422 time_not_yours', 'the time is not anybody''s to say');

-- rights
select is(tests.probe(a, 'select begin_contact_pushes()'), '42501', a || ' begins none') from unnest('{owner,technician}'::text[]) a;
select is(tests.probe(a, 'select * from private.pushed_contacts'), '42501', a || ' reads not what was told') from unnest('{owner,service_role}'::text[]) a;
select is(tests.probe('marketer', $$ select save_setting(tests.id('here'), 'push_contacts', 'false') $$), 'PT403 not_permitted', 'the marketer does not switch');
-- a part of many at a time
delete from conversations where location_id = tests.id('here');
insert into contacts (id, location_id, first_name) select ('00000000-0000-4000-8000-00000000000' || n)::uuid, tests.id('here'), 'Person ' || n from generate_series(1, 5) n;
select tests.talk(('00000000-0000-4000-8000-00000000000' || n)::uuid, '+1617555088' || n) from generate_series(1, 5) n;
insert into private.pushed_contacts (contact_id, external_id, form, outcome) select c.id, 'CTpart' || c.first_name, private.push_form(c), 'created' from contacts c where first_name like 'Person %';
update contacts set first_name = 'Renamed' where first_name = 'Person 5';
select is(array(select private.waits_for_push(tests.id('here'), 2) from generate_series(1, 4)), '{f,f,t,t}', 'two at a time, until one is found');
update contacts set first_name = 'Person 5' where first_name = 'Renamed';
update contacts set first_name = 'Renamed' where first_name = 'Person 1';
select is(array(select private.waits_for_push(tests.id('here'), 2) from generate_series(1, 2)), '{f,t}', 'after the last comes the first');
select * from finish();
rollback;
