-- Row level security must not cost the indexes: the hot lists of a screen, on some thousand rows.
begin;
select plan(22);
\i supabase/tests/support/actors.sql

insert into contacts (location_id, first_name, last_name, display_name)
  select tests.id(case when n % 4 = 0 then 'there' else 'here' end), 'Ann', 'Name ' || n, 'Ann Name ' || n from generate_series(1, 6000) n;
insert into properties (location_id, address, city, zip)
  select tests.id(case when n % 4 = 0 then 'there' else 'here' end), n || ' Oak St', 'Town ' || n % 50, '02728' from generate_series(1, 6000) n;
analyze contacts, contact_cards, properties, locations, location_members, profiles;

create function tests.plan_of(p_actor text, p_sql text) returns text language plpgsql as $$
declare v_line text; v_plan text := '';
begin
  perform tests.become(p_actor);
  for v_line in execute 'explain (analyze, costs off, timing off, summary off) ' || p_sql loop v_plan := v_plan || v_line || E'\n'; end loop;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return v_plan;
end $$;
create table tests.plans as select actor, what, index_name, tests.plan_of(actor, sql) as plan from (values
  ('owner', 'the newest people', 'contacts_location_created', $$select * from contacts where location_id = tests.id('here') and deleted_at is null order by created_at desc, id limit 50$$),
  ('owner', 'people by name', 'contacts_location_name', $$select * from contacts where location_id = tests.id('here') and deleted_at is null order by last_name, first_name, id limit 50$$),
  ('owner', 'the next page of people by name', 'contacts_location_name', $$select * from contacts where location_id = tests.id('here') and deleted_at is null
      and last_name >= 'Name 5' and (last_name > 'Name 5' or id > tests.id('x')) order by last_name, first_name, id limit 50$$),
  ('owner', 'houses by town', 'properties_location_city', $$select * from properties where location_id = tests.id('here') order by city, zip, id limit 50$$),
  ('marketer', 'cards by town', 'contact_cards_location', $$select * from contact_cards where location_id = tests.id('here') order by city, first_name, contact_id limit 50$$)) x (actor, what, index_name, sql);
select matches(plan, '(Index|Index Only) Scan using ' || index_name, format('%s: read from %s', what, index_name)) from tests.plans;
select doesnt_match(plan, 'Sort|Seq Scan on (contacts|properties|contact_cards)', format('%s: neither scanned nor sorted', what)) from tests.plans;
select matches(plan, 'InitPlan.*ProjectSet \(actual rows=1 loops=1\)', format('%s: the caller''s locations are asked for once', what)) from tests.plans;
select doesnt_match(plan, '(Filter|Cond):[^\n]*my_locations', format('%s: and not for every row', what)) from tests.plans;
select matches(tests.plan_of('owner', 'select count(*) from contacts'), 'loops=1\).*InitPlan.*ProjectSet \(actual rows=1 loops=1\)',
  'also without a location named they are asked for once');
select is((select count(*) from tests.plans where plan ~ 'Rows Removed by Filter: [1-9]\d{2,}'), 0::bigint,
  'no plan reads rows by the hundred to throw them away');

select * from finish();
rollback;
