-- Who sees and changes locations, profiles and memberships; what the token says.
begin;
select plan(85);
\i supabase/tests/support/actors.sql

-- locations
select tests.only('{owner,admin,marketer,technician}', 'read his location', $$ select 1 from locations where id = tests.id('here') $$);
select tests.only('{owner,admin}', 'rename his location', $$ update locations set name = 'Elsewhere' where id = tests.id('here') $$);
select is(tests.answer('both', 'select count(*) from locations'), '2', 'who works at two locations reads two');
select is(tests.answer('other_owner', 'select name from locations'), 'There', 'the owner of another location reads only his own');
select is(tests.probe('owner', $$ insert into locations (name) values ('Third') $$), '42501',
  'an owner opens no location from the browser');
select is(tests.probe('owner', $$ delete from locations where id = tests.id('here') $$), '42501',
  'an owner deletes no location from the browser');
select is(tests.probe('owner', $$ update locations set id = tests.id('x') where id = tests.id('here') $$), '42501',
  'an owner does not change what a location is known by');
select is(tests.probe('owner', $$ update locations set timezone = 'Mars/Olympus' where id = tests.id('here') $$), '22023',
  'a time zone nobody knows is refused');
select is(tests.probe('service_role', $$ select 1 from locations where id in (tests.id('here'), tests.id('there')) $$), '2 rows',
  'the service reads every location');

-- profiles
select tests.only('{owner,admin,marketer,technician}', 'read his colleagues', $$ select 1 from profiles where id = tests.id('owner') $$);
select is(tests.answer('stranger', 'select email from profiles'), 'stranger@tests.example.com',
  'a person without a location reads only himself');
select is(tests.answer('dismissed', 'select email from profiles'), null,
  'a dismissed person reads nobody, not even himself');
select is(tests.answer('dormant', 'select email from profiles'), 'dormant@tests.example.com',
  'a person whose membership ended reads only himself');
select is(tests.probe('marketer', $$ update profiles set name = 'Mia' where id = tests.id('marketer') $$), '1 rows',
  'a marketer changes his own name');
select is(tests.probe('owner', $$ update profiles set name = 'Mia' where id = tests.id('marketer') $$), '0 rows',
  'an owner does not rename a colleague');
select is(tests.probe('marketer', format('update profiles set %s where id = tests.id(''marketer'')', what)), '42501',
  'a person does not write this of himself: ' || what)
  from unnest(array['is_active = true', 'email = ''x@example.com''', 'id = tests.id(''x'')', 'last_login = now()', 'openphone_user_id = ''x''']) what;
select is(tests.probe('owner', $$ insert into profiles (id, email) values (tests.id('owner'), 'x@example.com') $$), '42501',
  'nobody makes a profile by hand');
select is(tests.probe('marketer', $$ delete from profiles where id = tests.id('marketer') $$), '42501',
  'nobody deletes a profile from the browser');
select is((select name from profiles where id = tests.id('technician')), 'Technician', 'a new user gets a profile with his name');
select is(tests.probe('anon', 'select 1 from profiles'), '42501', 'anon may not read profiles');

-- memberships: the way to more rights
select tests.only('{owner,admin,marketer,technician}', 'read who works here',
  $$ select 1 from location_members where location_id = tests.id('here') and user_id = tests.id('owner') $$);
select is(tests.answer('both', 'select count(distinct location_id) from location_members'), '2',
  'who works at two locations reads both memberships');
select is(tests.probe(a, $$ update location_members set role = 'owner' where user_id = auth.uid() $$), '42501', a || ' does not make himself an owner')
  from unnest('{admin,marketer,technician,dormant,stranger,anon}'::text[]) a;
select is(tests.probe(a, $$ insert into location_members (user_id, location_id, role) values (auth.uid(), tests.id('here'), 'owner') $$), '42501',
  a || ' does not join a location by himself') from unnest('{other_owner,stranger,anon}'::text[]) a;
select is(tests.probe('owner', $$ delete from location_members where user_id = tests.id('admin') $$), '42501',
  'an owner ends no membership from the browser (that goes through the API)');
select is(tests.probe('dormant', $$ update location_members set is_active = true where user_id = auth.uid() $$), '42501',
  'a person whose membership ended does not take it up again');
select is(tests.probe('service_role', $$ update location_members set is_active = true where user_id = tests.id('dormant') $$), '1 rows',
  'the service takes a membership up again');
select throws_ok($$ insert into location_members (user_id, location_id, role) values (tests.id('stranger'), tests.id('here'), 'boss') $$,
  '23514', null, 'a role that does not exist is refused');

-- helpers of the policies
select is(tests.answer('both', $$ select count(*) from private.my_locations('owner') $$), '2',
  'my_locations gives every location of the role asked for');
select is(tests.answer('marketer', $$ select count(*) from private.my_locations('owner', 'admin') $$), '0',
  'my_locations gives nothing for a role one has not');
select is(tests.answer('dormant', $$ select count(*) from private.my_locations() $$), '0',
  'my_locations gives nothing to an ended membership, whatever the token says');
select is(tests.answer('dismissed', $$ select count(*) from private.my_locations() $$), '0',
  'my_locations gives nothing to a dismissed person, whatever the token says');
select is(tests.probe('anon', 'select private.my_locations()'), '42501', 'anon may not ask for locations');

-- the token
select is(private.custom_access_token(jsonb_build_object('user_id', tests.id('marketer'), 'claims', '{"aal": "aal1", "app_metadata": {"provider": "email",
    "locations": [{"role": "owner"}]}}'::jsonb)) -> 'claims', jsonb_build_object('aal', 'aal1', 'app_metadata', jsonb_build_object('provider', 'email',
    'locations', jsonb_build_array(jsonb_build_object('id', tests.id('here'), 'role', 'marketer')))),
  'the token says where a person works and as what, in place of what it said, and keeps its other claims');
select is(jsonb_array_length(private.custom_access_token(jsonb_build_object('user_id', tests.id('both'), 'claims', '{"app_metadata": {}}'::jsonb))
    #> '{claims,app_metadata,locations}'), 2, 'the token of a person at two locations names both');
select is(private.custom_access_token(jsonb_build_object('user_id', tests.id(a), 'claims', jsonb_build_object('sub', tests.id(a))))
    #> '{claims,app_metadata,locations}', '[]', 'the token names no location for ' || a) from unnest('{dormant,dismissed,stranger}'::text[]) a;
select is(private.custom_access_token(jsonb_build_object('user_id', tests.id('admin'), 'claims', '{"app_metadata": null}'::jsonb))
    #>> '{claims,app_metadata,locations,0,role}', 'admin', 'a user without app_metadata gets it');
select is(tests.probe(a, $$ select private.custom_access_token('{}') $$), '42501', a || ' may not call the token hook')
  from unnest('{owner,anon,service_role}'::text[]) a;

select * from finish();
rollback;
