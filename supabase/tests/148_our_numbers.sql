-- Our numbers come without SQL: an owner adds them, or the operator's command; what came for them before is taken up.
begin;
select plan(51);
\i supabase/tests/support/actors.sql

create function tests.add(p_e164 text, p_label text default null, p_at text default 'here') returns text language sql as $$
  select format('select add_number(tests.id(%L), %L, %L)', p_at, p_e164, p_label)
$$;
create function tests.number(p_e164 text) returns phone_numbers language sql as $$ select n from phone_numbers n where e164 = p_e164 $$;

-- who
select tests.only('{owner}', 'add a number', tests.add('+16175550190'), 'PT403 not_permitted');
select is(tests.probe('service_role', tests.add('+16175550190')), '42501', 'the service connects numbers by its own function');
select is(tests.probe(a, $$ select connect_number(tests.id('here'), '+16175550190', null, 'PN190') $$), '42501', a || ' is not the command') from unnest('{owner,anon}'::text[]) a;
update locations set second_factor_required = true where id = tests.id('here');
select is(tests.probe('owner', tests.add('+16175550190')), 'PT403 second_factor_required', 'where a second factor is asked for, this asks for it');
update locations set second_factor_required = false where id = tests.id('here');

-- what
select is(tests.probe('owner', tests.add(bad)), 'PT422 invalid_phone', format('no number of ours: %L', bad)) from unnest(array[null, '', '6175550190', '16175550190', '+1 617 555 0190',
  '+447700900123', '+11175550190', '+16170550190', '+161755501900', '+16175550190 ', E'+16175550190\n', '+1٦175550190']) bad;
select is(tests.probe('owner', tests.add('+16175550190', repeat('x', 101))), 'PT422 invalid_value', 'a label is a word or two');

-- added: what came for it before is taken up, much as it may be
select is((select proconfig @> '{statement_timeout=60s}' from pg_proc where oid = f::regproc), true, f || ' has a minute') from unnest('{add_number,connect_number}'::text[]) f;
insert into private.webhook_events (provider, event_id, scheme, type, body, status, error_code, error, processed_at)
  values ('openphone', 'early', 'dated', 'message.received', '{}', 'dead', 'unknown_number', 'x', now());
select is(tests.act('owner', tests.add('+16175550190', ' Office ')), '1 rows', 'an owner adds a number');
select is((select (location_id, label, is_active, openphone_id)::text from tests.number('+16175550190')), (tests.id('here'), 'Office', true, null::text)::text, 'with its label, in use');
select is((select status from private.webhook_events where event_id = 'early'), 'received', 'what came for it before is taken up again');
select is((select (action, actor_id, after ->> 'e164')::text from audit_log where table_name = 'phone_numbers' order by id desc limit 1),
  ('insert', tests.id('owner'), '+16175550190')::text, 'who added it is in the audit log');

-- again
select is(tests.probe('owner', tests.add('+16175550190')), 'PT409 number_exists', 'what is here is not added again');
select is(tests.probe('other_owner', tests.add('+16175550190', null, 'there')), 'PT409 number_elsewhere', 'nor what belongs to another location');
select is(tests.act('owner', $$ update phone_numbers set is_active = false where e164 = '+16175550190' $$), '1 rows', 'an owner retires it');
select is(tests.probe('other_owner', tests.add('+16175550190', null, 'there')), 'PT409 number_elsewhere', 'which leaves it where it is');
select is(tests.act('owner', tests.add('+16175550190')), '1 rows', 'added again it is in use again');
select is((select (is_active, label)::text from tests.number('+16175550190')), '(t,Office)', 'under its label');

-- the number of the health check
update phone_numbers set is_health = true, label = 'Health check' where e164 = '+16175550190';
select is(tests.probe('owner', tests.add('+16175550190')), 'PT409 health_number', 'the number that checks serves nobody');
update phone_numbers set is_active = false where e164 = '+16175550190';
select is(tests.act('owner', tests.add('+16175550190')), '1 rows', 'one that checks no more may serve');
select is((select (is_active, is_health, label)::text from tests.number('+16175550190')), '(t,f,)', 'and is like any other');

-- taken out
create function tests.remove(p_e164 text) returns text language sql as $$ select format('select remove_number(%L)', (tests.number(p_e164)).id) $$;
select is(tests.probe(a, tests.remove('+16175550190')), 'PT404 not_found', a || ' removes no number of this location') from unnest('{admin,other_owner,stranger}'::text[]) a;
insert into conversations (location_id, phone_number_id, participants) values (tests.id('here'), (tests.number('+16175550190')).id, '{+16175550142}');
select is(tests.act('owner', tests.remove('+16175550190')), 'PT409 number_in_use', 'what was said by a number stays, and the number with it');
delete from conversations where phone_number_id = (tests.number('+16175550190')).id;
select is(tests.act('owner', tests.remove('+16175550190')), '1 rows', 'one by which nothing was said is taken out');

-- the command
create function tests.connect(p_at text default 'here', p_id text default 'PNnumber1') returns text language sql as $$
  select tests.answer('service_role', format('select connect_number(tests.id(%L), %L, %L, %L)', p_at, '+16175550191', 'Main', p_id))
$$;
select is(tests.connect(), said, 'connected: ' || said) from unnest('{added,kept}'::text[]) said;
select is((select (label, openphone_id)::text from tests.number('+16175550191')), '(Main,PNnumber1)', 'with the vendor''s name and id');
select is(tests.connect('there'), 'PT409 number_elsewhere', 'it is at one location');
select is(tests.connect(p_id => 'PNnumber2') || (select openphone_id from tests.number('+16175550191')), 'keptPNnumber2', 'ported, it has a new id');

select * from finish();
rollback;
