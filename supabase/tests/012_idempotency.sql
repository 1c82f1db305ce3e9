-- A request sent twice is done once: by whom it may be begun, taken up, finished and forgotten. And what a person is told of himself.
begin;
select plan(47);
\i supabase/tests/support/actors.sql

create function tests.begin_it(p_key text, p_route text default 'POST /x', p_body text default 'body') returns text language sql as $$
  select format('select begin_request(%L, %L, %L)', encode(sha256(p_key::bytea), 'hex'), p_route, encode(sha256(p_body::bytea), 'hex'))
$$;
create function tests.the_row(p_actor text, p_key text) returns private.idempotency_keys language sql as $$
  select k from private.idempotency_keys k where user_id = tests.id(p_actor) and key_hash = encode(sha256(p_key::bytea), 'hex')
$$;
create function tests.finish_it(p_key text, p_attempt int, p_answer text) returns text language sql as $$
  select format('select finish_request(%L, %s, 201, %L, %L)', encode(sha256(p_key::bytea), 'hex'), p_attempt, p_answer, tests.id('here'))
$$;
create function tests.abandon_it(p_key text, p_attempt int, p_refused boolean) returns text language sql as $$
  select format('select abandon_request(%L, %s, %L)', encode(sha256(p_key::bytea), 'hex'), p_attempt, p_refused)
$$;

select is(tests.probe(a, tests.begin_it('each')), '1 rows', a || ' may begin a request') from unnest('{owner,admin,marketer,technician,other_owner}'::text[]) a;
select is(tests.probe(a, tests.begin_it('each')), 'PT403 not_permitted', a || ' has nothing to request') from unnest('{dormant,stranger}'::text[]) a;
select is(tests.probe('dismissed', tests.begin_it('each')), 'PT401 invalid_token', 'a closed account is signed out');
select is(tests.probe('anon', tests.begin_it('each')), '42501', 'nobody begins nothing');
select is(tests.probe('service_role', tests.begin_it('each')), '42501', 'the service has no requests');

select is(tests.answer('owner', format('select r ->> ''attempt'' from (%s) x (r)', tests.begin_it('a'))), '1', 'the first attempt');
select is(tests.probe('owner', tests.begin_it('a')), 'PT409 request_in_progress', 'while it is at work, a second one waits');
select is(tests.probe('owner', tests.begin_it('a', 'POST /y')), 'PT422 idempotency_key_reused', 'the key goes for one route');
select is(tests.probe('owner', tests.begin_it('a', p_body => 'another')), 'PT422 idempotency_key_reused', 'and for one body');
select is(tests.probe('admin', tests.begin_it('a', 'POST /y')), '1 rows', 'a colleague''s key is another key');

create table tests.first as select (tests.the_row('owner', 'a')).resource_id;
update private.idempotency_keys set leased_until = clock_timestamp() - interval '1 second' where user_id = tests.id('owner');
select is(tests.answer('owner', format('select (r ->> ''attempt'') || '' '' || ((r ->> ''resource_id'')::uuid = (select resource_id from tests.first)) from (%s) x (r)',
  tests.begin_it('a'))), '42501', 'nobody from outside reads what tests keep');
select is(tests.answer('owner', format('select r ->> ''attempt'' from (%s) x (r)', tests.begin_it('a'))), '2', 'a request whose worker died is taken up');
select is((tests.the_row('owner', 'a')).resource_id, (select resource_id from tests.first), 'under the id it had');
select is(tests.act('owner', tests.finish_it('a', 1, 'late')), '1 rows', 'the first attempt comes back to life');
select is((tests.the_row('owner', 'a')).status, null, 'and has nothing to say any more');
select is(tests.act('admin', tests.finish_it('a', 2, 'mine')), '1 rows', 'a colleague finishes it');
select is((tests.the_row('owner', 'a')).status, null, 'which changes nothing');
select is(tests.act('owner', tests.finish_it('a', 2, 'made')), '1 rows', 'the second attempt finishes');
select is(tests.answer('owner', tests.begin_it('a')), '{"answer": "made"}', 'from then on the answer is given');
select is(tests.probe('owner', tests.begin_it('a', p_body => 'another')), 'PT422 idempotency_key_reused', 'to the same body only');
select is(tests.act('owner', tests.finish_it('a', 2, 'again')), '1 rows', 'finishing again');
select is((tests.the_row('owner', 'a')).answer, 'made', 'changes no answer');
update public.location_members set role = 'technician' where user_id = tests.id('owner');
select is(tests.probe('owner', tests.begin_it('a')), 'PT403 not_permitted', 'who is less than he was gets it no more');
update public.location_members set role = 'owner' where user_id = tests.id('owner');

select is(tests.act('owner', tests.begin_it('b')), '1 rows', 'another request');
select is(tests.act('owner', tests.abandon_it('b', 1, true)), '1 rows', 'is refused');
select is(tests.the_row('owner', 'b'), null, 'and forgotten');
select is(tests.act('owner', tests.begin_it('c')), '1 rows', 'a third');
select is(tests.act('owner', tests.abandon_it('c', 1, false)), '1 rows', 'fails');
select is((tests.the_row('owner', 'c')).leased_until, null, 'and may be taken up at once');
select is(tests.act('owner', tests.begin_it('c')), '1 rows', 'it is');
select is(tests.act('owner', tests.abandon_it('c', 2, true)), '1 rows', 'a second attempt that is refused');
select is((tests.the_row('owner', 'c')).attempt, 2, 'keeps its id: the first may have made something');

update private.idempotency_keys set created_at = now() - interval '25 hours' where user_id = tests.id('owner') and status is null;
select is(tests.answer('owner', format('select r ->> ''attempt'' from (%s) x (r)', tests.begin_it('c', 'POST /y'))), '1', 'after a day a key is new');
update private.idempotency_keys set created_at = now() - interval '25 hours' where user_id = tests.id('owner');
select is(tests.answer('service_role', 'select forget_requests()'), '2', 'the sweep forgets what is old');

insert into private.idempotency_keys (user_id, key_hash, route, fingerprint)
  select tests.id('admin'), encode(sha256(n::text::bytea), 'hex'), 'POST /x', repeat('a', 64) from generate_series(1, 2000) n;
select is(tests.probe('admin', tests.begin_it('one more')), 'PT429 too_many_requests', 'nobody fills the table');
select is(tests.probe('marketer', tests.begin_it('one more')), '1 rows', 'or stops another');

select is(tests.answer('owner', 'select who_am_i() ->> ''email'''), 'owner@tests.example.com', 'a person is told who he is');
select is(tests.answer('both', 'select jsonb_array_length(who_am_i() -> ''locations'')'), '2', 'and where he works');
select is(tests.answer('stranger', 'select who_am_i() ->> ''locations'''), '[]', 'a stranger works nowhere');
select is(tests.answer('dormant', 'select who_am_i() ->> ''locations'''), '[]', 'nor does who has left');
select is(tests.answer('dismissed', 'select who_am_i()'), 'PT401 invalid_token', 'a closed account is signed out');
select is(tests.probe('anon', 'select who_am_i()'), '42501', 'nobody is nobody');

select * from finish();
rollback;
