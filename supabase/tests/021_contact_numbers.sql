-- contacts.phone and contact_phones tell the same story, whichever of the two is written.
begin;
select plan(67);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

-- 'number*' is the primary one; then what contacts.phone says.
create function tests.numbers(p_name text) returns text language sql as $$
  select concat_ws(' ', (select string_agg(right(phone, 3) || case when is_primary then '*' else '' end, ' ' order by phone)
    from contact_phones where contact_id = tests.id(p_name)), '=', (select right(phone, 3) from contacts where id = tests.id(p_name)))
$$;
create function tests.step(p_sql text, p_numbers text, p_what text, p_name text default 'here ann') returns setof text language plpgsql as $$
begin
  return next is(tests.act('owner', p_sql), '1 rows', p_what || ': accepted');
  return next is(tests.numbers(p_name), p_numbers, p_what);
end $$;

select is(tests.numbers('here ann'), '101* = 101', 'the number of a new person is his primary one');
select is(tests.numbers('here bob'), '=', 'a person without a number has none');

-- written on contacts
select tests.step($$ update contacts set phone = '+16175550111' where id = tests.id('here ann') $$, '101 111* = 111',
  'a new number becomes primary and the old one is kept');
select tests.step($$ update contacts set phone = '+16175550101' where id = tests.id('here ann') $$, '101* 111 = 101',
  'going back to an own number makes it primary again');
select tests.step($$ update contacts set phone = null where id = tests.id('here ann') $$, '111* = 111',
  'clearing the number promotes the second one');
select tests.step($$ update contacts set phone = null where id = tests.id('here ann') $$, '=',
  'clearing the last number leaves none');
select tests.step($$ update contacts set phone = '+16175550101' where id = tests.id('here ann') $$, '101* = 101',
  'a person without a number is given one');
select tests.step($$ update contacts set last_name = 'Other' where id = tests.id('here ann') $$, '101* = 101',
  'another column leaves the numbers alone');

-- written on contact_phones
select tests.step($$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550121') $$,
  '121* = 121', 'the first number added to a person is the one he is known by', 'here bob');
select tests.step($$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550120') $$,
  '120 121* = 121', 'a second number does not take the place of the first', 'here bob');
select tests.step($$ update contact_phones set phone = '+16175550122' where phone = '+16175550121' $$, '120 122* = 122',
  'correcting the primary number corrects the copy', 'here bob');
select tests.step($$ update contact_phones set label = 'home' where phone = '+16175550120' $$, '120 122* = 122', 'a label changes no number',
  'here bob');
select tests.step($$ delete from contact_phones where phone = '+16175550122' $$, '120* = 120', 'deleting the primary number promotes the second',
  'here bob');
select tests.step($$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550129') $$,
  '120* 129 = 120', 'another second number', 'here bob');
select tests.step($$ delete from contact_phones where phone = '+16175550129' $$, '120* = 120', 'deleting a second number leaves the primary',
  'here bob');
select tests.step($$ delete from contact_phones where phone = '+16175550120' $$, '=', 'deleting the only number leaves the person without',
  'here bob');

-- one primary only; nobody else's number
select tests.act('owner', $$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here ann'), '+16175550119') $$);
select is(tests.probe('owner', $$ insert into contact_phones (location_id, contact_id, phone, is_primary)
  values (tests.id('here'), tests.id('here ann'), '+16175550118', true) $$), '23505', 'a person has one primary number');
select is(tests.probe('owner', $$ update contact_phones set is_primary = true where phone = '+16175550119' $$), '23505',
  'a second number is not made primary beside the first (write contacts.phone)');
select is(tests.act('owner', s), '23505 phone_taken', 'refused as phone_taken: ' || what) from (values
  ('a new person with a number somebody is known by', $$insert into contacts (location_id, display_name, phone) values (tests.id('here'), 'Eve', '+16175550101')$$),
  ('a new person with a second number of somebody', $$insert into contacts (location_id, display_name, phone) values (tests.id('here'), 'Eve', '+16175550119')$$),
  ('a change to a number somebody is known by', $$update contacts set phone = '+16175550101', last_name = 'Half' where id = tests.id('here bob')$$),
  ('a change to a second number of somebody', $$update contacts set phone = '+16175550119', last_name = 'Half' where id = tests.id('here bob')$$)) x (what, s);
select is(tests.act('service_role', $$ insert into contacts (location_id, display_name, phone) values (tests.id('here'), 'Eve', '+16175550119') $$),
  '23505 phone_taken', 'the service is refused a second number of somebody, too');
select is(tests.act('service_role', $$ insert into contacts (location_id, display_name, phone) values (tests.id('here'), 'Eve', '+16175550101') $$),
  '23505', 'and a number somebody is known by');
select is(tests.act('owner', $$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550101') $$),
  '23505', 'a number is not added to a second person');
select is(tests.numbers('here bob') || ' ' || (select last_name from contacts where id = tests.id('here bob')), '= Sample',
  'a refused change leaves nothing half-done');
select is((select count(*) from contacts where location_id = tests.id('here')), 2::bigint, 'a refused person is not there');
select is(tests.numbers('here ann'), '101* 119 = 101', 'and the one who has the number keeps it');
select is(tests.probe('owner', $$ update contacts set phone = '+16175550119' where location_id = tests.id('here') $$), '23505 phone_taken',
  'one number is not given to two people in one statement');
select is(tests.probe('other_owner', $$ insert into contacts (location_id, phone) values (tests.id('there'), '+16175550101') $$), '1 rows',
  'the same number may be known at another location');
select is(tests.probe('owner', format('insert into contacts (location_id, phone) values (tests.id(''here''), %L)', p)), '23514', 'no E.164 number: ' || p)
  from unnest(array['6175550101', '+0123456789', '+1617555', '(617) 555-0101', '', '+1617555010a']) p;

-- moved by the service (a merge of two people)
select is(tests.act('service_role', $$ update contact_phones set contact_id = tests.id('here bob') where phone = '+16175550101' $$), '1 rows',
  'the service moves a number');
select is(tests.numbers('here ann') || '; ' || tests.numbers('here bob'), '119* = 119; 101* = 101',
  'a number moved to another person leaves the first and becomes the second one''s');
select is(tests.act('service_role', $$ delete from contacts where id = tests.id('here bob') $$), '1 rows',
  'a person is deleted for good');
select is((select count(*) from contact_phones where phone = '+16175550101' and location_id = tests.id('here')), 0::bigint,
  'his numbers go with him');
select is(tests.act('owner', $$ update contacts set deleted_at = now() where id = tests.id('here ann') $$), '1 rows',
  'a person is marked deleted');
select is(tests.numbers('here ann'), '119* = 119', 'a person marked deleted keeps his numbers, so that an import knows him');
select is(tests.answer('service_role', $$ select private.contact_by_phone(tests.id('here'), '+16175550119') $$), tests.id('here ann')::text,
  'a person is found by any of his numbers');
select is(tests.answer('service_role', $$ select private.contact_by_phone(tests.id('there'), '+16175550119') $$), null,
  'and only at his own location');

-- many at once
select is(tests.act('owner', $$ insert into contacts (location_id, display_name, phone)
  select tests.id('here'), 'Many ' || n, '+1617555' || (1000 + n) from generate_series(1, 200) n $$), '200 rows', 'two hundred people in one statement');
select is((select count(*) from contact_phones where location_id = tests.id('here') and is_primary and phone like '+16175551%'), 200::bigint,
  'each has his primary number');
select is(tests.act('owner', $$ update contacts set phone = '+1617556' || right(phone, 4) where display_name like 'Many %' $$), '200 rows',
  'all change their number at once');
select is((select count(*) from contacts c join contact_phones n on n.contact_id = c.id and n.is_primary and n.phone = c.phone
  where c.display_name like 'Many %'), 200::bigint, 'each is known by the new one');

-- e-mails
select is(tests.act('owner', $$ update contacts set email = 'household@example.com' where id = tests.id('here ann') $$)
  || tests.act('owner', $$ insert into contacts (id, location_id, display_name, email) values (tests.id('spouse'), tests.id('here'), 'Abe', 'Household@Example.com') $$),
  '1 rows1 rows', 'a couple shares an e-mail');
select is((select count(*) from contact_emails where location_id = tests.id('here') and email = 'household@example.com'), 2::bigint,
  'each of them has it, in lower case');
select is(tests.act('owner', $$ update contacts set email = 'abe@example.com' where id = tests.id('spouse') $$), '1 rows',
  'a new e-mail is accepted');
select is((select string_agg(email, ' ' order by email) from contact_emails where contact_id = tests.id('spouse')), 'abe@example.com household@example.com',
  'a new e-mail is added to the ones he had');
select is(tests.probe('owner', $$ insert into contacts (location_id, email) values (tests.id('here'), 'no at sign') $$), '23514',
  'what is no e-mail is refused');

select * from finish();
rollback;
