-- What the audit log says of a change: who, by which key, in which request, and only what changed. Profiles follow their account.
begin;
select plan(53);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

-- The last line, as far as a test asks for it.
create function tests.line(p_table text) returns public.audit_log language sql volatile as $$
  select a from public.audit_log a where table_name = p_table order by id desc limit 1
$$;
create function tests.lines() returns bigint language sql volatile as $$ select count(*) from public.audit_log $$;

-- who
select tests.act('owner', $$ update locations set name = 'Renamed' where id = tests.id('here') $$);
select is((tests.line('locations')).actor_id, tests.id('owner'), 'the person is named');
select is((tests.line('locations')).actor_role, 'authenticated', 'and as what he came');
select is((tests.line('locations')).location_id, tests.id('here'), 'and the location');
select is(((tests.line('locations')).action, (tests.line('locations')).row_id, (tests.line('locations')).before, (tests.line('locations')).after)::text,
  ('update', tests.id('here')::text, '{"name": "Here"}'::jsonb, '{"name": "Renamed"}'::jsonb)::text, 'with the columns that changed, before and after');
select tests.act('service_role', $$ update locations set name = 'Again' where id = tests.id('here') $$);
select is(((tests.line('locations')).actor_id, (tests.line('locations')).actor_role)::text, '(,service_role)', 'the service is told apart');
update locations set name = 'By hand' where id = tests.id('here');
select is(((tests.line('locations')).actor_id, (tests.line('locations')).actor_role)::text, '(,postgres)', 'and an operator');
create table tests.seen as select tests.lines() as lines;
update locations set name = name where id = tests.id('here');
select is(tests.lines(), (select lines from tests.seen), 'a change that changes nothing is no line');

-- by which key
create table tests.made as select tests.answer('owner', $$ select create_api_key(tests.id('here'), 'Sync', '{contacts:write,imports:read}') $$)::jsonb as key;
insert into tests.people select 'key', door.claims_of_key(key ->> 'key', '/rpc/use_api_key') from tests.made;
select set_config('request.method', 'PATCH', true);
select tests.act('key', $$ update contacts set last_name = 'Changed' where id = tests.id('here ann') $$);
select is(((tests.line('contacts')).actor_id, (tests.line('contacts')).api_key_id)::text, (tests.id('owner'), (select key ->> 'id' from tests.made))::text,
  'what a program does is its maker''s, with the key that did it');
select tests.act('key', $$ select begin_export('import_rows', tests.id('here import')) $$);
select is((tests.line('exports')).api_key_id::text, (select key ->> 'id' from tests.made), 'through functions too');
select tests.act('owner', $$ update contacts set last_name = 'Sample' where id = tests.id('here ann') $$);
select is((tests.line('contacts')).api_key_id, null, 'a person has none');

-- in which request
create function tests.request(p_headers text) returns text language plpgsql as $$
begin
  perform set_config('request.headers', p_headers, true), tests.act('owner', format('update locations set city = %L where id = tests.id(''here'')', clock_timestamp()));
  return (tests.line('locations')).request_id;
end $$;
select is(tests.request(headers), said, format('the request of %s is %s', left(headers, 30), coalesce(left(said, 10), 'nothing'))) from (values
  ('{"x-request-id": "req-1.a_B"}', 'req-1.a_B'), ('{"x-request-id": "<script>"}', null), ('{"x-request-id": "a b"}', null), ('{"x-request-id": ""}', null), ('{}', null), ('', null),
  (jsonb_build_object('x-request-id', repeat('a', 64))::text, repeat('a', 64)), (jsonb_build_object('x-request-id', repeat('a', 65))::text, null),
  (jsonb_build_object('x-request-id', E'a\nb')::text, null)) x (headers, said);

-- no secrets
select is((tests.line('api_keys')).after ->> 'secret_hash', '…', 'that a key has a secret is said');
insert into invites (id, location_id, email, role, created_by) values (tests.id('invite'), tests.id('here'), 'x@example.com', 'marketer', tests.id('owner'));
select is((tests.line('invites')).after -> 'token_hash', 'null', 'that an invitation has no link yet, too');
select issue_invite(tests.id('invite'));
select is((tests.line('invites')).action, 'insert', 'mailing is no line');
select tests.act('owner', $$ select revoke_invite(tests.id('invite')) $$);
select is((tests.line('invites')).before ->> 'token_hash', '…', 'that a link was taken back is');
delete from invites where id = tests.id('invite');
select is(((tests.line('invites')).action, (tests.line('invites')).after)::text, '(delete,)', 'what is deleted has no after');
select is((tests.line('invites')).before ->> 'email', 'x@example.com', 'and all of its before');
select is((select count(*) from audit_log where concat(before, after) ~ '[0-9a-f]{64}' and table_name in ('api_keys', 'invites')), 0::bigint, 'no hash anywhere');

-- every table it watches
select is(array(select t.tgrelid::regclass::text from pg_trigger t where t.tgfoid = 'private.audit'::regproc and not t.tgisinternal group by 1 order by 1),
  '{api_keys,campaign_templates,contact_flags,contacts,exports,holidays,invites,location_members,locations,opt_outs,phone_numbers,profiles,properties,role_grants,send_holds,send_hours,settings,sync_runs,todos}', 'identity, opt-outs, exports and what the office edits are watched');
update tests.seen set lines = tests.lines();
update contacts set first_name = 'Imported' where id = tests.id('here ann');
update properties set city = 'Elsewhere' where id = tests.id('here house');
select is(tests.lines(), (select lines from tests.seen), 'what an import writes is in its own record, not here');
select is(tests.probe(a, s), '42501', format('%s may not: %s', a, s)) from unnest('{owner,service_role}'::text[]) a,
  unnest(array['delete from audit_log', 'update audit_log set after = null', 'insert into audit_log (action, table_name, row_id) values (''insert'', ''x'', ''x'')', 'truncate audit_log']) s;
select tests.only('{owner,admin}', 'read the audit log of his location', $$ select 1 from audit_log where location_id = tests.id('here') limit 1 $$);

-- profiles follow their account
update auth.users set email = 'new@tests.example.com', raw_user_meta_data = '{"name": "Boss"}' where id = tests.id('owner');
select is((select (email, name)::text from profiles where id = tests.id('owner')), '(new@tests.example.com,Owner)', 'a new address is the profile''s, the name is the person''s own');
select is(((tests.line('profiles')).before, (tests.line('profiles')).after)::text, ('{"email": "owner@tests.example.com"}'::jsonb, '{"email": "new@tests.example.com"}'::jsonb)::text, 'which is a line');
update tests.seen set lines = tests.lines();
update auth.users set last_sign_in_at = '2026-01-01 12:00+00' where id = tests.id('owner');
select is((select last_login from profiles where id = tests.id('owner')), '2026-01-01 12:00+00', 'when somebody signed in is the profile''s too');
select is(tests.lines(), (select lines from tests.seen), 'and no line');
update auth.users set email = null where id = tests.id('stranger');
select is((select email from profiles where id = tests.id('stranger')), '', 'an account without an address has an empty one');
select tests.act('marketer', $$ update profiles set phone = '+16175550199' where id = auth.uid() $$);
select is(((tests.line('profiles')).actor_id, (tests.line('profiles')).after)::text, (tests.id('marketer'), '{"phone": "+16175550199"}'::jsonb)::text, 'what a person changes of himself is a line');
delete from auth.users where id = tests.id('technician');
select is(((tests.line('profiles')).action, (tests.line('profiles')).row_id)::text, ('delete', tests.id('technician')::text)::text, 'and that he was deleted');
select is(((tests.line('location_members')).action, (tests.line('location_members')).row_id)::text, ('delete', tests.id('technician')::text)::text, 'with his membership');

select * from finish();
rollback;
