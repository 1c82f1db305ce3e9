-- Numbers checked: asked for by the office, paid for once, believed for 30 days, copied beside the number, counted by list.
begin;
select plan(51);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;

create function tests.checks(p_phone text) returns text language sql as $$
  select concat_ws(' ', status, is_valid, line_type, attempts) from phone_validations where phone = p_phone and location_id = tests.id('here')
$$;
create function tests.beside(p_phone text) returns text language sql as $$
  select concat_ws(' ', sendable::text, is_valid, line_type) from contact_phones where phone = p_phone and location_id = tests.id('here')
$$;
create function tests.told(p_phone text, p_type text, p_valid boolean default true) returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('phone', p_phone, 'is_valid', p_valid, 'line_type', p_type, 'carrier', 'Fictional', 'raw', '{}'::jsonb))
$$;

-- asking
select tests.only('{owner,admin}', 'have numbers checked', $$ select request_number_checks(tests.id('here'), null, '{+16175550999}') $$, 'PT403 not_permitted');
select is(tests.probe('other_owner', $$ select request_number_checks(tests.id('there'), tests.id('here list')) $$), 'PT404 not_found', 'a list of another location is not found');
select is(tests.probe('owner', q), 'PT422 invalid_value', 'refused: ' || q) from unnest(array[
  $$ select request_number_checks(tests.id('here')) $$, $$ select request_number_checks(tests.id('here'), tests.id('here list'), '{+16175550999}') $$,
  $$ select request_number_checks(tests.id('here'), null, '{617 555 0999}') $$,
  $$ select request_number_checks(tests.id('here'), null, (select array_agg('+1617555' || lpad(n::text, 4, '0')) from generate_series(1, 201) n)) $$]) q;
select is(tests.act('owner', $$ select request_number_checks(tests.id('here'), tests.id('here list'), null, '2026-11-20 15:00Z') $$), '1 rows', 'a list is asked for');
select is((select string_agg(phone || ' ' || status, ',') from phone_validations), '+16175550101 waiting', 'its active members'' numbers wait');

-- claiming
create table tests.claims (n int, phone text);
grant all on tests.claims to public;
select tests.act('service_role', $$ insert into tests.claims select 1, * from numbers_to_check(md5('a')::uuid, 100, 300, '2026-11-20 15:00Z') $$);
select tests.act('service_role', $$ insert into tests.claims select 2, * from numbers_to_check(md5('b')::uuid, 100, 300, '2026-11-20 15:00Z') $$);
select is((select string_agg(n || ' ' || phone, ',') from tests.claims), '1 +16175550101', 'a number is given to one worker');
select is(tests.answer('service_role', $$ select record_number_checks(md5('b')::uuid, '[{"phone": "+16175550101", "error": "late"}]') $$) || ' ' || tests.checks('+16175550101'),
  '0 waiting 1', 'another''s failure changes nothing');
select is(tests.answer('service_role', $$ select record_number_checks(md5('a')::uuid, '[{"phone": "+16175550101", "error": "status 503"}]', '2026-11-20 15:00Z') $$)
  || ' ' || tests.checks('+16175550101'), '0 unknown 1', 'no answer is unknown');
select is(tests.beside('+16175550101'), 'false', 'unknown is not sendable');
select is((select next_try_at from phone_validations), '2026-11-20 15:05Z'::timestamptz, 'and is asked again in five minutes');
select is(tests.answer('service_role', $$ select numbers_to_check(md5('c')::uuid, 100, 300, '2026-11-20 15:04Z') $$), null, 'not before');
select is(tests.answer('service_role', $$ select numbers_to_check(md5('c')::uuid, 100, 300, '2026-11-20 15:05Z') $$), '+16175550101', 'but then');
select tests.act('service_role', $$ select record_number_checks(md5('c')::uuid, '[{"phone": "+16175550101", "error": "busy", "retry_after_s": 3600}]', '2026-11-20 15:05Z') $$);
select is((select next_try_at from phone_validations), '2026-11-20 16:05Z'::timestamptz, 'the service''s own wait is kept when it is longer');

-- knowing
select is(tests.answer('service_role', format('select record_number_checks(md5(''x'')::uuid, %L, ''2026-11-20 15:10Z'')', tests.told('+16175550101', 'mobile'))), '1',
  'an answer is welcome even after the lease');
select is(tests.checks('+16175550101') || ' | ' || tests.beside('+16175550101'), 'checked t mobile 0 | true t mobile', 'it is kept, and copied beside the number');
select is((select valid_until from phone_validations), '2026-12-20 15:10Z'::timestamptz, 'it is believed for 30 days');
select tests.act('owner', $$ select request_number_checks(tests.id('here'), null, '{+16175550101}', '2026-12-20 15:09Z') $$);
select is(tests.checks('+16175550101'), 'checked t mobile 0', 'who asks meanwhile pays nothing');
select is(tests.answer('owner', $$ select request_number_checks(tests.id('here'), null, '{+16175550101}', '2026-12-20 15:10Z') ->> 'waiting' $$), '1', 'afterwards it waits again');
select is(tests.checks('+16175550101'), 'waiting t mobile 0', 'and what was known is kept meanwhile');
select tests.act('service_role', format('select record_number_checks(md5(''x'')::uuid, %L)', tests.told('+16175550101', 'landline')));
select is(tests.beside('+16175550101'), 'false t landline', 'a landline is not sendable, whatever the file said');
select tests.act('service_role', format('select record_number_checks(md5(''x'')::uuid, %L)', tests.told('+16175550101', 'mobile')));
select is(tests.checks('+16175550101'), 'checked t landline 0', 'a repeated answer changes nothing');
insert into phone_validations (location_id, phone, status, is_valid, line_type, checked_at, valid_until) values
  (tests.id('here'), '+16175550301', 'checked', true, 'mobile', now(), now() + interval '1 day'), (tests.id('here'), '+16175550302', 'checked', false, null, now(), now() + interval '1 day');
insert into contacts (id, location_id, phone) values (tests.id('q1'), tests.id('here'), '+16175550301');
select is(tests.beside('+16175550301'), 'true t mobile', 'a person made later finds what is known of the number');
select is(tests.act('owner', $$ update contact_phones set phone = '+16175550302' where phone = '+16175550301' $$) || ' ' || tests.beside('+16175550302'), '1 rows false f',
  'a corrected number has its own answer');
select is(tests.act('owner', $$ update contact_phones set phone = '+16175550303' where phone = '+16175550302' $$) || ' ' || tests.beside('+16175550303'), '1 rows false',
  'or none');
select is(tests.answer('other_owner', $$ select request_number_checks(tests.id('there'), null, '{+16175550301}') ->> 'waiting' $$), '0', 'what one location knows costs the other nothing');
select is((select count(*) from phone_validations where phone = '+16175550301' and status = 'checked'), 2::bigint, 'and is known there');

-- counting
delete from phone_validations;
insert into lists (id, location_id, name) values (tests.id('big'), tests.id('here'), 'Big');
insert into contacts (id, location_id, phone) select tests.id('s' || n), tests.id('here'), '+1617555040' || n from generate_series(1, 9) n;
insert into contacts (id, location_id, first_name) values (tests.id('s0'), tests.id('here'), 'Nobody');
insert into list_members (list_id, location_id, contact_id, status) select tests.id('big'), tests.id('here'), tests.id('s' || n), case n when 9 then 'removed' else 'active' end
  from generate_series(0, 9) n;
insert into phone_validations (location_id, phone, status, is_valid, line_type, checked_at, valid_until)
  select tests.id('here'), '+1617555040' || n, 'checked', n <> 4, k, '2026-11-01', case n when 5 then '2026-11-10'::date else '2026-12-01' end
  from unnest('{mobile,landline,voip,mobile,mobile,toll_free,mobile,mobile}'::text[]) with ordinality x (k, n);
insert into opt_outs (location_id, phone) values (tests.id('here'), '+16175550407');
insert into contact_flags (location_id, contact_id, flag, applies_to) values (tests.id('here'), tests.id('s8'), 'do_not_contact', 'both');
select is(tests.answer(a, $$ select concat_ws(' ', total, sendable, landline, voip, invalid, other, unknown, no_phone, opted_out, flagged)
  from list_sendability(tests.id('big'), '2026-11-20 15:00Z') $$), '9 1 1 1 1 1 1 1 1 1', a || ' is told who of a list may be texted, and why not the others')
  from unnest('{owner,marketer}'::text[]) a;
select is(tests.probe(a, $$ select * from list_sendability(tests.id('big')) $$), e, a || ' is not told') from (values ('technician', 'PT404 not_found'), ('other_owner', 'PT404 not_found'), ('anon', '42501')) x (a, e);
select is(tests.answer('marketer', $$ select active || ' ' || suppressed || ' ' || removed || ' ' || members from list_summaries where id = tests.id('big') $$), '7 2 1 9',
  'the marketer sees how many are in a list, though none of them');
select is(tests.answer('marketer', $$ select count(*) from list_members $$), '0', 'and reads no member');
select is(tests.answer('service_role', $$ select members from list_summaries where id = tests.id('big') $$), '9', 'a worker counts them too');

-- told once a day
insert into phone_validations (location_id, phone) values (tests.id('here'), '+16175550555');
select tests.act('service_role', $$ select number_checks_stopped('The key is wrong.', '2026-11-20 15:00Z') from generate_series(1, 2) $$);
select is((select count(*) from notifications where kind = 'number_checks_stopped' and user_id = tests.id('owner')), 1::bigint, 'the office is told once that checks stopped');
insert into phone_validations (location_id, phone, status, attempts, next_try_at) values (tests.id('here'), '+16175550177', 'unknown', 4, now() + interval '1 hour');
select is(private.want_number_checks(tests.id('here'), '{+16175550177}', null, now()), 0, 'a text that waits does not hurry the service');
select is(private.want_number_checks(tests.id('here'), '{+16175550177}', tests.id('owner'), now()), 1, 'a person does');
-- what the service never knows
insert into phone_validations (location_id, phone, status, attempts, next_try_at) values (tests.id('here'), '+16175550166', 'unknown', 8, '2027-01-01 15:00Z');
create function tests.not_known(p_now timestamptz) returns text language sql as $$
  select numbers_to_check(tests.id('lease'), 1, 60, p_now);
  select record_number_checks(tests.id('lease'), '[{"phone": "+16175550166", "error": "It does not say."}]', p_now);
  select status || ' ' || attempts || ' ' || next_try_at::text from phone_validations where phone = '+16175550166'
$$;
update phone_validations set next_try_at = 'infinity' where phone <> '+16175550166';
set local timezone = 'UTC';
select is(tests.not_known(t::timestamptz), e, 'try ' || t) from (values ('2027-01-01 15:00Z', 'unknown 9 2027-01-02 12:20:00+00'),
  ('2027-01-02 15:00Z', 'unknown 10 infinity')) x (t, e);
select tests.act('owner', $$ select request_number_checks(tests.id('here'), null, '{+16175550166}', '2027-01-05 15:00Z') $$);
select is((select status || ' ' || attempts from phone_validations where phone = '+16175550166'), 'waiting 0', 'a person''s asking begins anew');
select * from finish();
rollback;
