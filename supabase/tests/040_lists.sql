-- Lists: the office writes them, the marketer reads their names; who may not be texted is in them as suppressed.
begin;
select plan(99);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin,marketer}', 'read lists', $$ select 1 from lists where location_id = tests.id('here') $$);
select tests.only('{owner,admin,marketer}', 'read the summaries of lists', $$ select 1 from list_summaries where location_id = tests.id('here') $$);
select tests.only('{owner,admin}', 'read members of lists', $$ select 1 from list_members where location_id = tests.id('here') $$);
select tests.only('{owner,admin}', 'make a list', $$ insert into lists (location_id, name) values (tests.id('here'), 'Autumn') $$,
  '42501');
select tests.only('{owner,admin}', 'rename a list', $$ update lists set name = 'Winter' where id = tests.id('here list') $$);
select tests.only('{owner,admin}', 'put a person in a list', $$ insert into list_members (list_id, location_id, contact_id)
  values (tests.id('here list'), tests.id('here'), tests.id('here bob')) $$, '42501');
select tests.only('{owner,admin}', 'take a person out of a list', $$ update list_members set status = 'removed' where list_id = tests.id('here list') $$);
select is(tests.answer('owner', $$ select active || ' ' || suppressed || ' ' || removed || ' ' || members from list_summaries where id = tests.id('here list') $$), '1 0 0 1',
  'a summary counts the members');
select is(tests.answer('other_owner', 'select count(*) filter (where location_id <> tests.id(''there'')) from ' || t), '0', 'the owner of another location reads no row of ' || t)
  from unnest('{lists,list_members,list_summaries}'::text[]) t;
select is(tests.probe(a, format('delete from %I', t)), '42501', a || ' deletes nothing from ' || t)
  from unnest('{owner,marketer,anon}'::text[]) a, unnest('{lists,list_members}'::text[]) t;
select is(tests.probe('both', s), e, 'an owner of both locations gets ' || e || ': ' || s) from (values
  ('42501', $$update lists set location_id = tests.id('there') where id = tests.id('here list')$$), ('42501', $$update lists set created_by = tests.id('admin')$$),
  ('42501', $$update list_members set list_id = tests.id('there list')$$), ('42501', $$update list_members set contact_id = tests.id('here bob')$$),
  ('42501', $$update list_members set import_id = null$$), ('55000', $$update list_summaries set name = 'x'$$),
  ('23503', $$insert into list_members (list_id, location_id, contact_id) values (tests.id('here list'), tests.id('here'), tests.id('there ann'))$$),
  ('23503', $$insert into list_members (list_id, location_id, contact_id) values (tests.id('there list'), tests.id('here'), tests.id('here bob'))$$),
  ('23503', $$update list_members set property_id = tests.id('there house') where list_id = tests.id('here list')$$),
  ('23505', $$insert into lists (location_id, name) values (tests.id('here'), 'SPRING')$$), ('23514', $$insert into lists (location_id, name) values (tests.id('here'), ' ')$$),
  ('1 rows', $$insert into lists (location_id, name) values (tests.id('there'), 'Autumn')$$)) x (e, s);
select is(tests.act('owner', $$ insert into lists (id, location_id, name) values (tests.id('mine'), tests.id('here'), 'Mine') $$), '1 rows',
  'an owner makes a list');
select is((select created_by from lists where id = tests.id('mine')), tests.id('owner'), 'a list says who made it');

-- who may not be texted
create function tests.status(p_list text, p_name text) returns text language sql as $$
  select status from list_members where list_id = tests.id(p_list) and contact_id = tests.id(p_name)
$$;
insert into opt_outs (location_id, phone) values (tests.id('here'), '+16175550101');
select is(tests.status('here list', 'here ann'), 'suppressed', 'who opts out is suppressed in the lists he is in');
select is(tests.act('owner', $$ update list_members set status = 'active' where list_id = tests.id('here list') $$) || tests.status('here list', 'here ann'), '1 rowssuppressed',
  'and is not made active by hand');
select is(tests.act('owner', $$ insert into list_members (list_id, location_id, contact_id, status) values (tests.id('mine'), tests.id('here'), tests.id('here ann'), 'active') $$)
  || tests.status('mine', 'here ann'), '1 rowssuppressed', 'who opted out joins a list as suppressed');
select is(tests.act('owner', $$ update list_members set status = 'removed' where list_id = tests.id('mine') $$) || tests.status('mine', 'here ann'), '1 rowsremoved',
  'and may be taken out of it');
select is(tests.act('owner', $$ insert into list_members (list_id, location_id, contact_id) values (tests.id('mine'), tests.id('here'), tests.id('here bob')) $$) || tests.status('mine', 'here bob'),
  '1 rowssuppressed', 'a flagged person joins as suppressed, too');
insert into contacts (id, location_id, phone) select tests.id('p' || n), tests.id('here'), '+1617555020' || n from generate_series(1, 5) n;
insert into list_members (list_id, location_id, contact_id) select tests.id('mine'), tests.id('here'), tests.id('p' || n) from generate_series(1, 5) n;
insert into contact_flags (location_id, contact_id, phone, flag, applies_to, expires_at) values (tests.id('here'), tests.id('p1'), null, 'do_not_contact', 'both', null),
  (tests.id('here'), null, '+16175550202', 'wrong_number', 'sms', null), (tests.id('here'), tests.id('p3'), null, 'do_not_contact', 'email', null),
  (tests.id('here'), tests.id('p4'), null, 'recently_texted', 'sms', null), (tests.id('here'), tests.id('p5'), null, 'office_number', 'sms', now() - interval '1 day');
select is(tests.status('mine', p), s, what) from (values ('p1', 'suppressed', 'a person flagged do_not_contact is suppressed at once'),
  ('p2', 'suppressed', 'so is the person whose number is flagged'), ('p3', 'active', 'a flag for e-mail suppresses no text'), ('p4', 'active', 'recently_texted is no reason to suppress'),
  ('p5', 'active', 'a flag that has expired suppresses nobody')) x (p, s, what);
insert into opt_outs (location_id, phone) values (tests.id('there'), '+16175550203');
select is(tests.status('mine', 'p3'), 'suppressed', 'an opt-out at one location suppresses the number at every location');
delete from lists where id = tests.id('here list');
select is((select count(*) from contacts where id = tests.id('here ann')) + (select count(*) from properties where id = tests.id('here house'))
  + (select count(*) from imports where id = tests.id('here import')), 3::bigint,
  'deleting a list touches no person, house or import');

select * from finish();
rollback;
