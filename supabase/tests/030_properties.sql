-- Houses and who belongs to them; how addresses, towns and names are compared.
begin;
select plan(126);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin}', 'read ' || t, format('select 1 from %I where location_id = tests.id(''here'')', t))
  from unnest('{properties,property_contacts}'::text[]) t;
select tests.only('{owner,admin}', 'add a house', $$ insert into properties (location_id, address, city) values (tests.id('here'), '5 New Rd', 'Fairpond') $$,
  '42501');
select tests.only('{owner,admin}', 'change a house', $$ update properties set est_value = 1 where id = tests.id('here house') $$);
select tests.only('{owner,admin}', 'link a person', $$ insert into property_contacts (location_id, property_id, contact_id, relationship)
  values (tests.id('here'), tests.id('here house'), tests.id('here bob'), 'tenant') $$, '42501');
select tests.only('{owner,admin}', 'end a link', $$ update property_contacts set end_date = '2026-01-01' where location_id = tests.id('here') $$);
select is(tests.answer('other_owner', format('select count(*) filter (where location_id <> tests.id(''there'')) || '' of '' || count(*) from %I', t)), '0 of 1',
  'the owner of another location reads his own rows of ' || t || ' and no other') from unnest('{properties,property_contacts}'::text[]) t;
select is(tests.probe(a, format('delete from %I', t)), '42501', a || ' deletes nothing from ' || t)
  from unnest('{owner,marketer,anon}'::text[]) a, unnest('{properties,property_contacts}'::text[]) t;
select is(tests.probe('both', s), e, 'an owner of both locations gets ' || e || ': ' || s) from (values
  ('42501', $$update properties set location_id = tests.id('there') where id = tests.id('here house')$$),
  ('42501', $$update property_contacts set contact_id = tests.id('here bob') where location_id = tests.id('here')$$),
  ('42501', $$update property_contacts set property_id = tests.id('there house')$$),
  ('42501', $$update properties set source_list_id = tests.id('there list')$$), ('42501', $$update properties set edited_fields = '{}'$$),
  ('42501', $$update properties set high_equity = true$$), ('42501', $$update properties set last_enriched_at = now()$$),
  ('42501', $$insert into property_contacts (location_id, property_id, contact_id, slot) values (tests.id('here'), tests.id('here house'), tests.id('here bob'), 'primary')$$),
  ('23503', $$insert into property_contacts (location_id, property_id, contact_id) values (tests.id('here'), tests.id('here house'), tests.id('there ann'))$$),
  ('23503', $$insert into property_contacts (location_id, property_id, contact_id) values (tests.id('there'), tests.id('here house'), tests.id('there ann'))$$)) x (e, s);
select is(tests.probe('other_owner', $$ insert into properties (id, location_id, address) values (tests.id('here house'), tests.id('there'), 'X')
  on conflict (id) do update set address = 'Stolen' $$), '42501', 'nobody takes over another location''s house by an upsert');
select throws_ok($$ update properties set source_list_id = tests.id('there list') where id = tests.id('here house') $$, '23503', null,
  'a house comes from a list of its own location');

-- identity of a house
select is(tests.probe('owner', s), e, what) from (values
  ('23505', 'one APN is one house', $$insert into properties (location_id, apn) values (tests.id('here'), 'APN-1')$$),
  ('1 rows', 'two parcels may share an address', $$insert into properties (location_id, apn, address, city, zip) values (tests.id('here'), 'APN-2', '1 Example Street', 'Fairpond', '02728')$$),
  ('23514', 'a house has an address or an APN', $$insert into properties (location_id, city) values (tests.id('here'), 'Fairpond')$$),
  ('23514', 'an address of dots is none', $$insert into properties (location_id, address) values (tests.id('here'), ' . - ')$$),
  ('23514', 'an APN has no spaces around it', $$insert into properties (location_id, apn) values (tests.id('here'), ' 7 ')$$),
  ('23514', 'a ZIP is five digits', $$insert into properties (location_id, apn, zip) values (tests.id('here'), '7', '2728')$$),
  ('23514', 'a state is two capitals', $$insert into properties (location_id, apn, state) values (tests.id('here'), '7', 'ma')$$),
  ('1 rows', 'equity may be negative', $$insert into properties (location_id, apn, est_equity_amount, est_equity_percent) values (tests.id('here'), '7', -50000, -12.5)$$),
  ('1 rows', 'a bath may be half', $$insert into properties (location_id, apn, bathrooms) values (tests.id('here'), '7', 2.5)$$),
  ('23505', 'a house has one primary person', $$insert into property_contacts (location_id, property_id, contact_id, is_primary) values (tests.id('here'), tests.id('here house'), tests.id('here bob'), true)$$),
  ('23505', 'a pair is linked once', $$insert into property_contacts (location_id, property_id, contact_id) values (tests.id('here'), tests.id('here house'), tests.id('here ann'))$$)) x (e, what, s);
select is(tests.act('owner', $$ insert into properties (location_id, address, city, zip) values (tests.id('here'), '3 Oak Street', 'Fairpond', '02728') $$), '1 rows',
  'a house without APN');
select is(tests.probe('owner', $$ insert into properties (location_id, address, city, zip) values (tests.id('here'), '3 oak st.', 'FAIRPOND', '02728') $$), '23505',
  'the same address written otherwise is the same house');
select is(tests.probe('owner', $$ insert into properties (location_id, address, city, zip) values (tests.id('here'), '3 Oak Street', 'Oakham', '02729') $$), '1 rows',
  'the same street and number in another town is another house');
select is(tests.probe('other_owner', $$ insert into properties (location_id, address, city, zip) values (tests.id('there'), '3 Oak Street', 'Fairpond', '02728') $$), '1 rows',
  'another location may know the same house');

-- comparing
select is(private.normalize_address(given), wanted, format('address %s', coalesce(quote_literal(given), 'null'))) from (values
  ('1 Example Street', '1 EXAMPLE ST'), ('1 example st.', '1 EXAMPLE ST'), ('12 North Main Avenue', '12 N MAIN AVE'), ('12 N. Main Av', '12 N MAIN AVE'),
  ('7 Southwest Terrace', '7 SW TER'), ('7 Terr Boulevard', '7 TER BLVD'), ('5 Elm Rd #4', '5 ELM RD UNIT 4'), ('5 Elm Road Apt. 4', '5 ELM RD UNIT 4'),
  ('5 Elm Road, Apartment #4', '5 ELM RD UNIT 4'), ('5 Elm Road Unit 4', '5 ELM RD UNIT 4'), ('5 Elm Rd Ste 4', '5 ELM RD UNIT 4'), ('5 Elm Rd - Apt 4', '5 ELM RD UNIT 4'),
  ('12-14 Oak Circle', '12-14 OAK CIR'), ('3 1/2 Oak Court', '3 1/2 OAK CT'), ('9 O''Brien Lane', '9 OBRIEN LN'), ('9 O’Brien Lane', '9 OBRIEN LN'),
  ('  9   O`Brien	Ln ', '9 OBRIEN LN'), ('2 Rue de l’Église', '2 RUE DE LÉGLISE'), ('8 Sunit Unit 4', '8 SUNIT UNIT 4'), ('-', ''), ('', ''), (null, '')) x (given, wanted);
select is(private.normalize_city(given), wanted, format('town %s', coalesce(quote_literal(given), 'null'))) from (values
  ('Fairpond', 'FAIRPOND'), (' north  FAIRPOND ', 'NORTH FAIRPOND'), ('Manchester-by-the-Sea', 'MANCHESTER BY THE SEA'), ('Land O’Lakes', 'LAND OLAKES'),
  ('Land O''Lakes', 'LAND OLAKES'), ('Sainte-Thérèse', 'SAINTE THÉRÈSE'), ('', ''), (null, '')) x (given, wanted);
select is(private.name_key(given), wanted, format('name %s', coalesce(quote_literal(given), 'null'))) from (values
  ('Ann Sample', 'ANN SAMPLE'), (' ann   SAMPLE, jr. ', 'ANN SAMPLE JR'), ('José Núñez', 'JOSÉ NÚÑEZ'), ('Smith-Jones', 'SMITH JONES'), ('...', null), ('', null), (null, null)) x (given, wanted);

select * from finish();
rollback;
