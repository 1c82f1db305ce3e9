-- Rights end with the session, and wait for a second factor where a location asks for one.
begin;
select plan(89);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

create function tests.claim(p_actor text, p_claims jsonb) returns void language sql as $$
  update tests.people set claims = jsonb_strip_nulls(claims || p_claims) where name = p_actor
$$;
create function tests.places(p_actor text) returns text language sql as $$ select tests.answer(p_actor, 'select count(*) from private.my_locations()') $$;
create function tests.places_with(p_actor text, p_claims jsonb) returns text language plpgsql as $$
begin
  perform tests.claim(p_actor, p_claims);
  return tests.places(p_actor);
end $$;
create function tests.switch(p_to boolean) returns text language sql as $$
  select format('update locations set second_factor_required = %L where id = tests.id(''here'')', p_to)
$$;

-- sessions
insert into auth.sessions (id, user_id) select tests.id(name || '''s session'), tests.id(name) from tests.people;
select is(tests.places('owner'), '1', 'a token that names no session is judged without one');
select tests.claim('owner', jsonb_build_object('session_id', tests.id('owner''s session')));
select is(tests.places('owner'), '1', 'one that names a session opens what it opens while the session stands');
update auth.sessions set not_after = now() + interval '1 s' where user_id = tests.id('owner');
select is(tests.places('owner'), '1', 'until the session''s own end');
update auth.sessions set not_after = now() where user_id = tests.id('owner');
select is(tests.places('owner'), '0', 'and not beyond');
update auth.sessions set not_after = null where user_id = tests.id('owner');
select is(tests.places_with('owner', jsonb_build_object('session_id', s)), '0', 'no session: ' || s)
  from unnest(array['', 'x', tests.id('owner')::text, tests.id('admin''s session')::text, upper(tests.id('owner''s session')::text), tests.id('owner''s session') || E'\n', '{}']) s;
select tests.claim('owner', jsonb_build_object('session_id', tests.id('owner''s session')));
delete from auth.sessions where user_id = tests.id('owner');
select is(tests.places('owner'), '0', 'a session that was ended opens nothing');
select is(tests.probe('owner', s), said, format('%s: %s', said, s)) from (values ('select * from contacts', '0 rows'), ('select * from profiles', '0 rows'), ('select * from locations', '0 rows'),
  ('select * from location_members', '0 rows'), ('select * from audit_log', '0 rows'), ('select * from role_grants', '0 rows'), ('select * from my_access()', '0 rows'),
  ('select * from preferences', '0 rows'), ('update profiles set name = ''x'' where id = auth.uid()', '0 rows'),
  ('select my_settings(tests.id(''here''))', 'PT403 not_permitted'), ('select set_member(tests.id(''here''), tests.id(''admin''), ''owner'')', 'PT403 not_permitted'),
  ('select create_invite(tests.id(''here''), ''x@example.com'', ''owner'')', 'PT403 not_permitted'), ('select create_api_key(tests.id(''here''), ''x'', ''{contacts:read}'')', 'PT403 not_permitted'),
  ('select import_location()', 'PT403 not_permitted'), ('select accept_invite(''x'')', 'PT401 invalid_token')) x (s, said);
select is(tests.answer('owner', format('select private.may_join(%L)', t || tests.id(w))), 'false', 'nor the topic ' || t)
  from (values ('location:', 'here'), ('import:', 'here import'), ('user:', 'owner')) x (t, w);
select tests.claim('owner', '{"session_id": null}');

-- who switches
select is(tests.probe(a, tests.switch(true)), said, format('%s at aal1 asks for a second factor: %s', a, said)) from (values ('owner', 'PT403 second_factor_required'), ('admin', 'PT403 not_permitted'),
  ('marketer', '0 rows'), ('other_owner', '0 rows'), ('stranger', '0 rows'), ('anon', '42501')) x (a, said);
select tests.claim(a, '{"aal": "aal2"}') from unnest('{owner,admin,marketer}'::text[]) a;
select is(tests.probe(a, tests.switch(true)), said, format('%s at aal2 asks for a second factor: %s', a, said)) from (values ('owner', '1 rows'), ('admin', 'PT403 not_permitted'), ('marketer', '0 rows')) x (a, said);
select is(tests.probe('admin', $$ update locations set name = 'x', second_factor_required = false where id = tests.id('here') $$), '1 rows', 'an admin who changes nothing about it may name it');
select is(tests.act('owner', tests.switch(true)), '1 rows', 'an owner with the second factor switches it on');
select is((select (actor_id, before, after)::text from audit_log where table_name = 'locations' and action = 'update' and location_id = tests.id('here')),
  (tests.id('owner'), '{"second_factor_required": false}'::jsonb, '{"second_factor_required": true}'::jsonb)::text, 'which is in the audit log');

-- where it is asked for
select is(tests.answer(a, 'select count(*) from contacts'), n, format('%s reads %s contacts', a, n)) from (values ('owner', '2'), ('admin', '2'), ('both', '2')) x (a, n);
select is(tests.answer('both', 'select location_id from contacts group by 1'), tests.id('there')::text, 'who gave none has the other location, and not this one');
select is(tests.places_with('owner', jsonb_build_object('aal', aal)), n, format('%s: %s', coalesce(aal, 'none'), n))
  from (values ('aal1', '0'), ('aal2', '1'), ('aal3', '1'), ('AAL2', '0'), ('', '0'), (null, '0')) x (aal, n);
select tests.claim(a, '{"aal": "aal1"}') from unnest('{owner,admin,marketer}'::text[]) a;
select is(tests.places(a), n, format('%s with a password alone has %s locations', a, n)) from (values ('owner', '0'), ('admin', '0'), ('marketer', '1'), ('technician', '1'), ('dormant', '0'), ('other_owner', '1')) x (a, n);
select is(tests.answer(a, 'select (role, second_factor_needed) from my_access() where location_id = tests.id(''here'')'), said, a || ' learns why') from (values
  ('owner', '(owner,t)'), ('admin', '(admin,t)'), ('marketer', '(marketer,f)'), ('dormant', null), ('dismissed', null), ('other_owner', null), ('stranger', null)) x (a, said);
select is(tests.answer('other_owner', 'select (location_name, role, second_factor_needed) from my_access()'), '(There,owner,f)', 'elsewhere nothing is asked for');
select is(tests.probe('anon', 'select * from my_access()'), '42501', 'anon has no access to ask for');
select is(tests.probe('owner', s), said, format('%s: %s', said, s)) from (values ('select my_settings(tests.id(''here''))', 'PT403 second_factor_required'),
  ('select set_member(tests.id(''here''), tests.id(''admin''), ''owner'')', 'PT403 second_factor_required'), ('select create_invite(tests.id(''here''), ''x@example.com'', ''owner'')', 'PT403 second_factor_required'),
  ('select create_api_key(tests.id(''here''), ''x'', ''{contacts:read}'')', 'PT403 second_factor_required'), ('select import_location()', 'PT403 second_factor_required'),
  ('select set_member(tests.id(''there''), tests.id(''other_owner''), ''admin'')', 'PT403 not_permitted'), (tests.switch(false), '0 rows')) x (s, said);
select is(tests.probe('admin', $$ select private.require_role(tests.id('here'), 'owner') $$), 'PT403 not_permitted', 'who had not the right with it either is told so');
select is(tests.probe(a, $$ select my_settings(tests.id('here')) $$), said, format('%s: %s', a, said)) from (values ('dormant', 'PT403 not_permitted'), ('dismissed', 'PT403 not_permitted'), ('stranger', 'PT403 not_permitted')) x (a, said);
select is(tests.answer('owner', format('select private.may_join(%L)', t || tests.id(w))), said, format('topic %s %s', t, said))
  from (values ('location:', 'here', 'false'), ('import:', 'here import', 'false'), ('user:', 'owner', 'true')) x (t, w, said);

-- a key asks for none: its maker gave it
select tests.claim('owner', '{"aal": "aal2"}');
create table tests.made as select tests.answer('owner', $$ select create_api_key(tests.id('here'), 'Sync', '{contacts:read}') ->> 'key' $$) as key;
insert into tests.people select 'key', door.claims_of_key(key, '/rpc/use_api_key') from tests.made;
select set_config('request.method', 'GET', true);
select is(tests.answer('key', 'select count(*) from contacts'), '2', 'a key works where a second factor is asked for');

-- a token that is stronger than what became of its session
insert into auth.sessions (id, user_id, aal) values (tests.id('owner''s session'), tests.id('owner'), 'aal1');
select is(tests.places_with('owner', jsonb_build_object('session_id', tests.id('owner''s session'))), '0', 'a second factor that was taken from the session is none');
update auth.sessions set aal = 'aal2' where user_id = tests.id('owner');
select is(tests.places('owner'), '1', 'one the session has is');
select is(tests.places_with('owner', '{"aal": "aal1"}'), '0', 'though not for a token from before');
select tests.claim('owner', '{"aal": "aal2"}');

-- off
select is(tests.probe('admin', tests.switch(false)), '0 rows', 'an admin without it does not switch it off');
select is(tests.probe('owner', tests.switch(false)), '1 rows', 'an owner with it does');
select tests.claim('owner', '{"aal": "aal1"}');
select is(tests.probe('service_role', tests.switch(false)), '1 rows', 'and the service, for who has lost it');
select tests.act('service_role', tests.switch(false));
select is(tests.places('owner'), '1', 'after which a password is enough again');

select * from finish();
rollback;
