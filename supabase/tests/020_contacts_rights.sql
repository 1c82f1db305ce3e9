-- People: owners and admins of the location, nobody else; the marketer sees cards; nothing crosses to another location.
begin;
select plan(340);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin}', 'read ' || t, format('select 1 from %I where location_id = tests.id(''here'') limit 1', t))
  from unnest('{companies,contacts,contact_phones,contact_emails,contact_flags,tags,contact_tags,notes}'::text[]) t;
select tests.only('{owner,admin,marketer}', 'read cards', $$ select 1 from contact_cards where location_id = tests.id('here') and first_name = 'Ann' $$);
select is(tests.answer('other_owner', format('select count(*) filter (where location_id <> tests.id(''there'')) || '' of '' || sign(count(*)) from %I', t)),
  '0 of 1', 'the owner of another location reads his own rows of ' || t || ' and no other')
  from unnest('{companies,contacts,contact_phones,contact_emails,contact_flags,tags,contact_tags,notes,contact_cards}'::text[]) t;
select is(tests.answer('marketer', $$ select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns
    where table_name = 'contact_cards' $$), 'contact_id location_id first_name city', 'a card holds a first name and a city, no more');
select is(tests.answer('other_marketer', $$ select count(*) from contact_cards where location_id = tests.id('here') $$), '0',
  'a marketer reads no card of another location');
select is(tests.answer('both', $$ select count(distinct location_id) from contacts $$), '2',
  'who owns two locations reads the people of both');

select tests.only('{owner,admin}', 'add to ' || t, s, '42501') from (values
  ('companies', $$ insert into companies (location_id, name) values (tests.id('here'), 'Brick & Co') $$),
  ('contacts', $$ insert into contacts (location_id, display_name, phone) values (tests.id('here'), 'Eve', '+16175550150') $$),
  ('contact_phones', $$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550151') $$),
  ('contact_emails', $$ insert into contact_emails (location_id, contact_id, email) values (tests.id('here'), tests.id('here bob'), 'bob@example.com') $$),
  ('contact_flags', $$ insert into contact_flags (location_id, contact_id, flag) values (tests.id('here'), tests.id('here bob'), 'do_not_contact') $$),
  ('tags', $$ insert into tags (location_id, name) values (tests.id('here'), 'Cold') $$),
  ('contact_tags', $$ insert into contact_tags (location_id, contact_id, tag_id) values (tests.id('here'), tests.id('here ann'), tests.id('here tag')) $$),
  ('notes', $$ insert into notes (location_id, contact_id, body) values (tests.id('here'), tests.id('here bob'), 'Call back.') $$)) x (t, s);
select tests.only('{owner,admin}', 'change ' || t, format('update %I set %s where location_id = tests.id(''here'') and %s', t, s, w)) from (values
  ('companies', 'phone = ''+16175550152''', 'true'), ('contacts', 'last_name = ''Changed''', 'id = tests.id(''here ann'')'),
  ('contact_phones', 'label = ''cell''', 'true'), ('contact_emails', 'email = ''new@example.com''', 'true'),
  ('contact_flags', 'reason = ''rude''', 'true'), ('tags', 'color = ''red''', 'true'), ('notes', 'body = ''Dry.''', 'true')) x (t, s, w);
select tests.only('{owner,admin}', 'delete from ' || t, format('delete from %I where location_id = tests.id(''here'')', t))
  from unnest('{contact_phones,contact_emails,contact_flags,tags,contact_tags,notes}'::text[]) t;
select is(tests.probe(a, format('delete from %I where location_id = tests.id(''here'')', t)), '42501', a || ' deletes nothing for good from ' || t)
  from unnest('{owner,other_owner,anon}'::text[]) a, unnest('{companies,contacts,contact_cards}'::text[]) t;
select is(tests.probe(a, s), '42501', a || ' may not: ' || s) from unnest('{owner,marketer}'::text[]) a, (values
  ($$insert into contact_cards (contact_id, location_id) values (tests.id('here bob'), tests.id('here'))$$),
  ($$update contact_cards set first_name = 'X'$$)) x (s);
select is(tests.probe('service_role', $$ delete from contacts where id = tests.id('here bob') $$), '1 rows',
  'the service may delete a person');

-- Nobody moves a row, attaches one to a stranger, or writes what the system keeps.
select is(tests.probe('both', s), '42501', 'an owner of both locations may not: ' || s) from (values
  ($$update contacts set location_id = tests.id('there') where id = tests.id('here bob')$$),
  ($$update companies set location_id = tests.id('there') where id = tests.id('here company')$$),
  ($$update tags set location_id = tests.id('there') where id = tests.id('here tag')$$),
  ($$update contact_phones set contact_id = tests.id('here bob') where contact_id = tests.id('here ann')$$),
  ($$update contact_emails set contact_id = tests.id('here bob') where contact_id = tests.id('here ann')$$),
  ($$update contact_flags set contact_id = tests.id('here ann') where id = tests.id('here flag')$$),
  ($$update notes set contact_id = tests.id('there ann') where id = tests.id('here note')$$),
  ($$update contact_tags set contact_id = tests.id('here ann') where contact_id = tests.id('here bob')$$)) x (s);
select is(tests.probe('owner', s), '42501', 'the browser may not write: ' || s) from (values
  ($$update contacts set edited_fields = '{}'$$), ($$update contacts set lifetime_value = 1$$), ($$update contacts set outstanding_balance = 0$$),
  ($$update contacts set quickbooks_customer_id = 'x'$$), ($$update contacts set openphone_contact_id = 'x'$$), ($$update contacts set created_by = null$$),
  ($$update contacts set id = gen_random_uuid()$$), ($$update notes set created_by = tests.id('admin')$$), ($$update notes set created_at = now()$$),
  ($$insert into notes (location_id, contact_id, body, created_by) values (tests.id('here'), tests.id('here bob'), 'I quit', tests.id('admin'))$$),
  ($$insert into contacts (location_id, created_by) values (tests.id('here'), tests.id('admin'))$$),
  ($$insert into contact_flags (location_id, contact_id, flag, created_by) values (tests.id('here'), tests.id('here bob'), 'negative', null)$$),
  ($$insert into contact_emails (location_id, contact_id, email, source_status) values (tests.id('here'), tests.id('here bob'), 'b@example.com', 'ok')$$),
  ($$insert into contact_phones (location_id, contact_id, phone, source) values (tests.id('here'), tests.id('here bob'), '+16175550153', 'x')$$)) x (s);
select is(tests.probe(a, s), e, a || ' gets ' || e || ': ' || s) from (values
  ('both', '23503', $$insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('there bob'), '+16175550154')$$),
  ('both', '23503', $$insert into contact_emails (location_id, contact_id, email) values (tests.id('here'), tests.id('there bob'), 'b@example.com')$$),
  ('both', '23503', $$insert into contact_flags (location_id, contact_id, flag) values (tests.id('here'), tests.id('there bob'), 'negative')$$),
  ('both', '23503', $$insert into notes (location_id, contact_id, body) values (tests.id('here'), tests.id('there bob'), 'x')$$),
  ('both', '23503', $$insert into contact_tags (location_id, contact_id, tag_id) values (tests.id('here'), tests.id('here ann'), tests.id('there tag'))$$),
  ('both', '23503', $$insert into contact_tags (location_id, contact_id, tag_id) values (tests.id('here'), tests.id('there ann'), tests.id('here tag'))$$),
  ('both', '23503', $$update contacts set company_id = tests.id('there company') where id = tests.id('here bob')$$),
  ('other_owner', '42501', $$insert into contacts (id, location_id, display_name) values (tests.id('here ann'), tests.id('there'), 'X')
     on conflict (id) do update set display_name = 'Stolen'$$),
  ('other_owner', '42501', $$insert into contacts (location_id, phone) values (tests.id('here'), '+16175550101')$$),
  ('other_owner', '42501', $$insert into contacts (location_id, phone) values (tests.id('here'), '+16175550199')$$),
  ('other_owner', '1 rows', $$insert into contacts (location_id, phone) values (tests.id('there'), '+16175550101')$$)) x (a, e, s);
select is(tests.act('owner', $$ insert into notes (id, location_id, contact_id, body) values (tests.id('mine'), tests.id('here'), tests.id('here bob'), 'x') $$), '1 rows',
  'an owner writes a note');
select is((select created_by from notes where id = tests.id('mine')), tests.id('owner'), 'a note says who wrote it');
select is(tests.probe(a, format($$select private.contact_by_phone(tests.id('here'), '+16175550101')$$)), e, a || ' asking for a person by number gets ' || e)
  from (values ('service_role', '1 rows'), ('owner', '42501'), ('other_owner', '42501'), ('anon', '42501')) x (a, e);

-- An opted_out flag is a record; it is not taken away at the screen.
select is(tests.probe('service_role', $$ insert into contact_flags (location_id, contact_id, flag) values (tests.id('here'), tests.id('here ann'), 'opted_out') $$),
  '1 rows', 'the service records an opted_out flag');
insert into contact_flags (location_id, contact_id, flag) values (tests.id('here'), tests.id('here ann'), 'opted_out');
select is(tests.probe('owner', $$ select 1 from contact_flags where flag = 'opted_out' $$), '1 rows',
  'an owner reads an opted_out flag');
select is(tests.probe('owner', s), e, 'an owner gets ' || e || ': ' || s) from (values
  ('0 rows', $$delete from contact_flags where flag = 'opted_out'$$), ('0 rows', $$update contact_flags set expires_at = now() where flag = 'opted_out'$$),
  ('42501', $$insert into contact_flags (location_id, contact_id, flag) values (tests.id('here'), tests.id('here bob'), 'opted_out')$$)) x (e, s);

select * from finish();
rollback;
