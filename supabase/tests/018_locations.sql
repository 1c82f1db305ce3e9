-- What a location and a person may be called, and when business is done.
begin;
select plan(26);
\i supabase/tests/support/actors.sql

create function tests.hours(p_hours text) returns text language sql as $$
  select format('update locations set business_hours = %L where id = tests.id(''here'')', p_hours)
$$;
select is(tests.probe('owner', tests.hours(h)), '1 rows', 'hours of business: ' || h) from unnest(array['{"days":[1,2,3,4,5],"start":"09:00","end":"18:00"}',
  '{"days":[7],"start":"00:00","end":"23:59"}', '{"days":[],"start":"09:00","end":"18:00"}']) h;
select is(tests.probe('owner', tests.hours(h)), '23514', 'none: ' || h) from unnest(array['{}', 'null', '[]',
  '{"days":[1],"start":"09:00"}', '{"days":[1],"end":"18:00"}', '{"start":"09:00","end":"18:00"}', '{"days":null,"start":"09:00","end":"18:00"}',
  '{"days":[0],"start":"09:00","end":"18:00"}', '{"days":[8],"start":"09:00","end":"18:00"}', '{"days":["1"],"start":"09:00","end":"18:00"}', '{"days":[1,1,1,1,1,1,1,1],"start":"09:00","end":"18:00"}',
  '{"days":1,"start":"09:00","end":"18:00"}', '{"days":[1],"start":"9:00","end":"18:00"}', '{"days":[1],"start":"09:00","end":"24:00"}', '{"days":[1],"start":"18:00","end":"09:00"}',
  '{"days":[1],"start":"09:00","end":"09:00"}', '{"days":[1],"start":9,"end":"18:00"}', '{"days":[1],"start":"09:00","end":"18:00","more":1}', '{"days":[1],"start":"09:00\n","end":"18:00"}']) h;
select is(tests.probe('owner', tests.hours('"always"')), '23514', 'none: a word');
select is(tests.probe('owner', $$ update locations set city = repeat('x', 501) where id = tests.id('here') $$), '23514', 'a city is no novel');
select is(tests.probe('marketer', $$ update profiles set name = repeat('x', 201) where id = auth.uid() $$), '23514', 'nor is a name');
insert into auth.users (id, email, raw_user_meta_data) values (tests.id('long'), 'long@tests.example.com', jsonb_build_object('name', repeat('é', 300)));
select is((select length(name) from profiles where id = tests.id('long')), 200, 'a name that is one is cut when the account is made');

select * from finish();
rollback;
