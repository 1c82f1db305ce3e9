-- Search: who may, what is found by what, what the marketer cannot learn, and that no table is read whole.
begin;
select plan(124);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin}', 'search people', $$ select 1 from search_contacts(tests.id('here'), 'ann sample') $$, 'PT403 not_permitted');
select tests.only('{owner,admin,marketer}', 'search cards', $$ select 1 from search_cards(tests.id('here'), 'ann') $$, 'PT403 not_permitted');
select is(tests.answer('both', $$ select phone from search_contacts(tests.id('there'), 'ann') $$), '+16175550102',
  'who works at two locations finds the people of the one he asks for');
select is(tests.answer('owner', $$ select 1 from search_contacts(null, 'ann') $$), 'PT403 not_permitted', 'no location is nobody''s location');

-- Whom a search finds: names in their order, with what found them.
insert into contacts (id, location_id, first_name, last_name, display_name, phone, email, aliases) values
  (tests.id('jose'), tests.id('here'), 'José', 'Núñez-Ortiz', 'JOSÉ NÚÑEZ-ORTIZ', '+12015550143', 'jose_n@example.com', '{}'),
  (tests.id('brien'), tests.id('here'), 'Kate', 'O''Brien', 'Kate O’Brien', '+12125550143', 'kate@sample.example.com', '{Catherine Doyle}'),
  (tests.id('brienne'), tests.id('here'), 'Brienne', 'Katz', 'Brienne Katz', null, null, '{}'),
  (tests.id('lukasz'), tests.id('here'), null, null, 'Łukasz Ægir', null, null, '{}'),
  (tests.id('renamed'), tests.id('here'), 'Wanda', 'Newname', 'W OLDNAME', null, null, '{}'),
  (tests.id('trust'), tests.id('here'), null, null, 'HILLTOP REALTY TRUST', '+442071234567', null, '{}'),
  (tests.id('gone'), tests.id('here'), 'Gone', 'Sample', 'Gone Sample', '+12015559999', 'gone@example.com', '{}');
insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('jose'), '+13105550177');
insert into properties (id, location_id, address, city, zip) values
  (tests.id('hill'), tests.id('here'), '381 Hill Court', 'West Cliff', '02721'), (tests.id('moved'), tests.id('here'), '12 Elm Ave', 'Oakham', '02722'),
  (tests.id('north'), tests.id('here'), '9 North Main St', 'North Adams', '01247'), (tests.id('foreign'), tests.id('there'), '381 Hill Court', 'West Cliff', '02721');
insert into property_contacts (location_id, property_id, contact_id, end_date) values
  (tests.id('here'), tests.id('hill'), tests.id('brien'), null), (tests.id('here'), tests.id('hill'), tests.id('gone'), null),
  (tests.id('here'), tests.id('moved'), tests.id('jose'), '2026-01-01'), (tests.id('here'), tests.id('north'), tests.id('jose'), null),
  (tests.id('there'), tests.id('foreign'), tests.id('there bob'), null);
update contacts set deleted_at = now() where id = tests.id('gone');

create function tests.found(p_query text, p_actor text default 'owner') returns text language sql as $$
  select coalesce(tests.answer(p_actor, format(
    'select display_name || '' by '' || matched_by from search_contacts(tests.id(''here''), %L)', p_query)), 'nobody')
$$;
select is(tests.found(query), found, format('"%s" finds %s', query, found)) from (values
  ('jose', 'JOSÉ NÚÑEZ-ORTIZ by name'), ('ORTIZ, Jose', 'JOSÉ NÚÑEZ-ORTIZ by name'), ('nunez', 'JOSÉ NÚÑEZ-ORTIZ by name'),
  ('núñez ortiz josé', 'JOSÉ NÚÑEZ-ORTIZ by name'), ('rtiz', 'JOSÉ NÚÑEZ-ORTIZ by name'), ('obrien', 'Kate O’Brien by name'),
  ('O''Brien', 'Kate O’Brien by name'), ('O’BRIEN kate', 'Kate O’Brien by name'), ('doyle', 'Kate O’Brien by name'),
  ('kat', 'Brienne Katz by name, Kate O’Brien by name'), ('kate', 'Kate O’Brien by name'), ('brien', 'Brienne Katz by name, Kate O’Brien by name'),
  ('lukasz aegir', 'Łukasz Ægir by name'), ('newname', 'W OLDNAME by name'), ('oldname wanda', 'W OLDNAME by name'), ('top', 'HILLTOP REALTY TRUST by name'),
  ('sample bob', 'Bob Sample by name'), ('sample', 'Ann Sample by name, Bob Sample by name'), ('gone', 'nobody'), ('ann bob', 'nobody'),
  ('0143', 'JOSÉ NÚÑEZ-ORTIZ by phone, Kate O’Brien by phone'), ('201-555-0143', 'JOSÉ NÚÑEZ-ORTIZ by phone'),
  ('(201) 555.0143', 'JOSÉ NÚÑEZ-ORTIZ by phone'), ('+1 201 555 0143', 'JOSÉ NÚÑEZ-ORTIZ by phone'), ('12015550143', 'JOSÉ NÚÑEZ-ORTIZ by phone'),
  ('555 0177', 'JOSÉ NÚÑEZ-ORTIZ by phone'), ('2125', 'Kate O’Brien by phone'), ('+44 20', 'HILLTOP REALTY TRUST by phone'), ('5559999', 'nobody'),
  ('014', 'nobody'), ('jose_n@', 'JOSÉ NÚÑEZ-ORTIZ by email'), ('KATE@sample', 'Kate O’Brien by email'), ('jose%n@', 'nobody'), ('j_se', 'nobody'),
  ('jose_', 'JOSÉ NÚÑEZ-ORTIZ by name'), ('kate_', 'Kate O’Brien by name'), ('gone@example.com', 'nobody'),
  ('household@example.com', 'Ann Sample by email'),
  ('381 hill', 'Kate O’Brien by address'), ('381 Hill Ct.', 'Kate O’Brien by address'), ('381 hill court, west cliff', 'Kate O’Brien by address'),
  ('381 Hill Ct West Cliff MA 02721', 'Kate O’Brien by address'), ('381 hill ct oakham', 'nobody'), ('9 north main', 'JOSÉ NÚÑEZ-ORTIZ by address'),
  ('hill ct', 'Kate O’Brien by address'), ('12 elm', 'nobody'), ('west cl', 'Kate O’Brien by city'), ('cliff', 'Kate O’Brien by city'),
  ('oakham', 'nobody'), ('kate west cliff', 'Kate O’Brien by name'), ('west cliff o''brien', 'Kate O’Brien by name'), ('jose cliff', 'nobody'),
  ('', 'nobody'), ('  ', 'nobody'), ('a', 'nobody'), ('%', 'nobody'), ('%%%', 'nobody'), ('__', 'nobody'), ('\\\', 'nobody'), ('''; --', 'nobody'), ('(((', 'nobody')) q (query, found);
select is(tests.answer('owner', $$ select phone || ' ' || email || ' ' || address || ' ' || city from search_contacts(tests.id('here'), '5550177') $$),
  '+13105550177 jose_n@example.com 9 North Main St North Adams', 'the number that matched is the one shown, with the house he has today');
select is(tests.answer('owner', $$ select id from search_contacts(tests.id('here'), null) $$), null, 'nothing asked, nobody found');
select is(tests.answer('owner', $$ select display_name from search_contacts(tests.id('here'), 'sample', 1) $$), 'Ann Sample', 'no more than asked for');
select is(tests.probe('owner', format('select 1 from search_contacts(tests.id(''here''), %L, %s)', query, most)), answer, what) from (values
  (repeat('a', 201), '20', 'PT422 query_too_long', 'more than 200 characters are refused'), ('a b c d e f g h i j k', '20', 'PT422 query_too_long', 'more than ten words are refused'),
  (repeat('x', 200), '20', '0 rows', '200 characters are searched for'), ('ann', '0', 'PT422 invalid_limit', 'none is no limit'),
  ('ann', '101', 'PT422 invalid_limit', 'more than a hundred are refused'), ('ann', 'null', '1 rows', 'no limit is the usual one')) x (query, most, answer, what);

-- The marketer finds by what he sees.
create function tests.cards(p_query text) returns text language sql as $$
  select coalesce(tests.answer('marketer', format('select concat_ws('' of '', first_name, city) from search_cards(tests.id(''here''), %L)', p_query)), 'nobody')
$$;
select is(tests.cards(query), found, format('the marketer''s "%s" finds %s', query, found)) from (values
  ('ann', 'Ann of Fairpond'), ('JOSE', 'José of North Adams'), ('kate west', 'Kate of West Cliff'), ('cliff kate', 'Kate of West Cliff'), ('fairp', 'Ann of Fairpond'),
  ('sample', 'nobody'), ('obrien', 'nobody'), ('ann sample', 'nobody'), ('doyle', 'nobody'), ('6175550101', 'nobody'), ('household@example.com', 'nobody'),
  ('1 example', 'nobody'), ('gone', 'nobody'), ('%', 'nobody'), ('a_n', 'nobody'), ('an', 'Ann of Fairpond')) q (query, found);

-- A key sees houses only with a scope for them.
insert into api_keys (id, location_id, user_id, name, prefix, secret_hash, scopes, expires_at)
  values (tests.id('key'), tests.id('here'), tests.id('owner'), 'k', 'aac_00000000', repeat('0', 64), '{contacts:read}', now() + interval '1 day');
insert into tests.people select 'program ' || scope, jsonb_build_object('sub', tests.id('owner'), 'role', 'authenticated', 'api_key', tests.id('key'),
  'location_id', tests.id('here'), 'scopes', jsonb_build_array(scope, also)) from (values ('people', 'contacts:read'), ('all', 'properties:read')) x (scope, also);
update tests.people set claims = jsonb_set(claims, '{scopes}', '["contacts:read"]') where name = 'program people';
update tests.people set claims = jsonb_set(claims, '{scopes}', '["contacts:read", "properties:read"]') where name = 'program all';
insert into tests.people select 'program lists', jsonb_set(claims, '{scopes}', '["lists:read"]') from tests.people where name = 'program all';
select is(tests.found('381 hill', 'program people'), 'nobody', 'a key for people alone finds nobody by his house');
select is(tests.answer('program people', $$ select coalesce(address, city, 'no house') from search_contacts(tests.id('here'), 'obrien') $$), 'no house', 'nor is it told of one');
select is(tests.found('381 hill', 'program all'), 'Kate O’Brien by address', 'a key for people and houses finds both');
select is(tests.found('ann', 'program lists'), 'PT403 scope_missing', 'a key for lists searches nobody');
select is(tests.answer('program all', $$ select 1 from search_contacts(tests.id('there'), 'ann') $$), 'PT403 not_permitted', 'no key searches another location');

-- No search reads a table whole, though its author may plan anew each time.
insert into contacts (id, location_id, first_name, last_name, display_name, phone, email)
  select tests.id('person ' || n), tests.id(case when n % 4 = 0 then 'there' else 'here' end), 'Xavier', 'Name' || n, 'Xavier Name' || n,
    '+1305' || 2000000 + n, 'x' || n || '@example.com' from generate_series(1, 8000) n;
insert into properties (id, location_id, address, city, zip)
  select tests.id('house ' || n), tests.id(case when n % 4 = 0 then 'there' else 'here' end), n || ' Road' || n % 900 || ' St', 'Town ' || n % 50, '02728'
  from generate_series(1, 8000) n;
insert into property_contacts (location_id, property_id, contact_id)
  select tests.id(case when n % 4 = 0 then 'there' else 'here' end), tests.id('house ' || n), tests.id('person ' || n) from generate_series(1, 8000) n;
analyze contacts, contact_cards, contact_phones, contact_emails, properties, property_contacts;
create function tests.whole_reads(p_sql text) returns text language plpgsql as $$
declare v_before bigint[]; v_names text[] := '{contacts,contact_cards,contact_phones,contact_emails,properties,property_contacts}';
begin
  v_before := array(select seq_scan from pg_stat_xact_user_tables where relname = any (v_names) and schemaname = 'public' order by relname);
  perform tests.act('owner', p_sql);
  return (select string_agg(relname, ' ' order by relname) from (select relname, seq_scan, row_number() over (order by relname) n
    from pg_stat_xact_user_tables where relname = any (v_names) and schemaname = 'public') s where s.seq_scan > v_before[n]);
end $$;
select is(tests.whole_reads(format('select 1 from %s(tests.id(''here''), %L)', f, query)), null, format('%s "%s" goes by indexes', f, query))
  from (values ('search_contacts', 'xavier name777'), ('search_contacts', 'me1999'), ('search_contacts', '+1305200'), ('search_contacts', '7777'),
    ('search_contacts', 'x777@'), ('search_contacts', '381 hill ct'), ('search_contacts', 'road 7'), ('search_contacts', 'zz'),
    ('search_contacts', 'kate town 3'), ('search_cards', 'jo'), ('search_cards', 'town 4'), ('search_cards', 'zz')) x (f, query);

select is_empty($$ select indexrelid::regclass from pg_index where indpred is null and indexrelid in ('contacts_search'::regclass,
    'contact_cards_search'::regclass, 'contact_phones_last_four'::regclass, 'properties_location_street'::regclass) $$,
  'no index of search can be taken for a location alone, as foreign keys did in tables without statistics');
select * from finish();
rollback;
