-- Live messages: who may listen where, and what is told.
begin;
select plan(110);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select is(tests.answer(a, format('select private.may_join(%L)', k || tests.id(t))), (a = any (may))::text,
    format('%s %s %s', a, case when a = any (may) then 'listens to' else 'does not listen to' end, k || t))
  from (values ('location:', 'here', '{owner,admin,marketer,technician,both}'::text[]), ('location:', 'there', '{other_owner,both}'),
      ('import:', 'here import', '{owner,admin,both}'), ('user:', 'owner', '{owner}'), ('user:', 'dormant', '{dormant}'), ('user:', 'dismissed', '{}')) x (k, t, may),
    unnest('{owner,admin,marketer,technician,both,other_owner,dormant,dismissed,stranger}'::text[]) a;
select is(tests.answer('owner', format('select private.may_join(%L)', topic)), 'false', 'a topic that is none is refused: ' || coalesce(quote_literal(topic), 'null')) from unnest(array[
  null, '', ':', 'location', 'location:', 'location:here', 'location:' || tests.id('here') || ':', 'location:' || tests.id('here') || E'\n', ' location:' || tests.id('here'),
  'location:' || upper(tests.id('here')::text), 'location:{' || tests.id('here') || '}', 'location:*', 'realtime:location:' || tests.id('here'), 'LOCATION:' || tests.id('here'),
  'campaign:' || tests.id('here'), 'location:' || tests.id('nowhere'), 'import:' || tests.id('nowhere'), 'user:' || tests.id('nowhere'),
  'location:'' or true --', 'location:%', 'location:' || tests.id('there') || ',location:' || tests.id('here')]) topic;
select is(tests.probe('anon', $$ select private.may_join('x') $$), '42501', 'anon may not even ask');

-- the policy on realtime.messages, as Realtime asks it when somebody joins
create function tests.joins(p_actor text, p_topic text, p_extension text default 'broadcast') returns text language plpgsql as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  delete from realtime.messages;
  insert into realtime.messages (topic, extension, private) values (p_topic, p_extension, true);
  return tests.probe(p_actor, 'select 1 from realtime.messages');
end $$;
select is(tests.joins(a, 'location:' || tests.id('here')), e, a || ' joining location:here gets ' || e) from (values ('owner', '1 rows'), ('marketer', '1 rows'), ('technician', '1 rows'),
  ('other_owner', '0 rows'), ('dormant', '0 rows'), ('dismissed', '0 rows'), ('stranger', '0 rows'), ('anon', '0 rows')) x (a, e);
select is(tests.joins('marketer', 'import:' || tests.id('here import')), '0 rows', 'a marketer does not join an import');
select is(tests.joins('owner', 'location:' || tests.id('here'), 'presence'), '1 rows', 'presence of the own location is allowed');
select is(tests.joins('owner', 'location:' || tests.id('here'), 'postgres_changes'), '0 rows', 'row changes are not');
select is(tests.joins('owner', ''), '0 rows', 'without a topic nothing is read');
select is(tests.probe(a, format('insert into realtime.messages (topic, extension, event, payload) values (%L, ''broadcast'', ''contact.updated'', ''{}'')', 'location:' || tests.id('here'))), '42501',
  a || ' sends no message himself') from unnest('{owner,marketer,other_owner,anon}'::text[]) a;

-- what is told
create function tests.told(p_sql text, p_actor text default 'service_role') returns text language plpgsql as $$
declare v text;
begin
  delete from realtime.messages;
  v := tests.act(p_actor, p_sql);
  if v not like '% rows' then return v; end if;
  return (select string_agg(concat_ws(' ', split_part(topic, ':', 1), case split_part(topic, ':', 2) when tests.id('here')::text then 'here' when tests.id('there')::text then 'there'
      else 'of here' end, event, payload ->> 'count', jsonb_array_length(payload -> 'ids') || ' ids', payload ->> 'status', payload ->> 'processed_rows', case when not private then 'public' end), '; ' order by topic, inserted_at)
    from realtime.messages where extension = 'broadcast');
end $$;
create function tests.people_made(p_count int, p_at text default 'here') returns text language sql as $$
  select format('insert into contacts (location_id, display_name) select tests.id(%L), ''Crowd'' from generate_series(1, %s)', p_at, p_count)
$$;
select is(tests.told(tests.people_made(1), 'owner'), 'location here contact.updated 1 1 ids',
  'a new person is told to his location');
select is(tests.told(tests.people_made(50)), 'location here contact.updated 50 50 ids',
  'up to fifty people are told by id, in one message');
select is(tests.told(tests.people_made(51)), 'location here contact.updated 51 0 ids', 'more than fifty are told by count alone');
select is(tests.told($$ update contacts set last_name = 'X' where id in (tests.id('here ann'), tests.id('there ann')) $$),
  (select string_agg(x, '; ' order by topic) from (values ('location:' || tests.id('here'), 'location here contact.updated 1 1 ids'), ('location:' || tests.id('there'), 'location there contact.updated 1 1 ids')) v (topic, x)),
  'a change at two locations is told to each of its own');
select is(tests.told($$ update contacts set last_name = 'Y' where id = tests.id('here ann') $$, 'owner'), 'location here contact.updated 1 1 ids',
  'a change is told');
select is((select payload - 'id' from realtime.messages), jsonb_build_object('count', 1, 'ids', jsonb_build_array(tests.id('here ann'))),
  'the message holds a count and ids, nothing of the person');
select is(tests.told($$ update contacts set last_name = 'Y' where id = tests.id('here ann') $$, 'owner'), null,
  'nothing is told when nothing changed');
select is(tests.told($$ update contacts set last_name = 'Z' where false $$), null, 'nothing is told when no row was met');
select is(tests.told(tests.people_made(0)), null, 'nothing is told when nobody was added');
select is(tests.told($$ update contacts set last_name = 'Y' where last_name = 'Y' or id = tests.id('here bob') $$), 'location here contact.updated 1 1 ids',
  'of many rows met, those that changed are told');
select is(tests.told($$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('here bob'), '+16175550170') $$, 'owner'),
  'location here contact.updated 1 1 ids', 'a first number changes the person, which is told');
select is(tests.told($$ update contacts set deleted_at = now() where id = tests.id('here bob') $$, 'owner'), 'location here contact.updated 1 1 ids',
  'marking deleted is told');
select is(tests.told($$ delete from contacts where id = tests.id('here bob') $$), 'location here contact.updated 1 1 ids',
  'deleting is told');
select is(tests.told($$ update imports set total_rows = 100, processed_rows = 40, status = 'importing' where id = tests.id('here import') $$, 'postgres'), 'import of here import.progress importing 40',
  'progress of an import is told to those who watch it');
select is((select jsonb_object_agg(key, value) from realtime.messages, jsonb_each(payload)), jsonb_build_object('id', tests.id('here import'), 'status', 'importing', 'total_rows', 100, 'processed_rows', 40, 'rejected_rows', 0),
  'with its state and counts');
select is(tests.told($$ update imports set lease_id = tests.id('x'), attempts = 3 where id = tests.id('here import') $$, 'postgres'), null,
  'a lease is nobody''s news');
select is(tests.told($$ update imports set status = 'done' where id = tests.id('here import') $$, 'postgres'), 'import of here import.progress done 40',
  'the end is told');
select is((select count(*) from realtime.messages where not private), 0::bigint, 'every message is private');

select * from finish();
rollback;
