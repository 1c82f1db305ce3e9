-- Settings of a location, preferences of a person, and the record of who took data out.
begin;
select plan(110);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

create function tests.save(p_what text, p_key text, p_value text) returns text language sql as $$
  select format('select save_%s(tests.id(''here''), %L, %L)', p_what, p_key, p_value)
$$;
create function tests.value(p_actor text, p_key text) returns text language sql as $$
  select tests.answer(p_actor, format('select my_settings(tests.id(''here'')) -> %L', p_key))
$$;

-- read
select tests.only('{owner,admin,marketer,technician}', 'ask for his settings', 'select my_settings(tests.id(''here''))', 'PT403 not_permitted');
select tests.only('{owner,admin,marketer,technician,other_owner}', 'read what can be set', 'select * from setting_kinds where key = ''theme''');
select is(tests.answer('technician', 'select my_settings(tests.id(''here''))')::jsonb, (select jsonb_object_agg(key, default_value) from setting_kinds), 'at first everything has its default');
select is(tests.probe('owner', format('delete from %s', t)), '42501', 'nobody writes by hand to ' || t) from unnest('{setting_kinds,settings,preferences,exports}'::text[]) t;

-- a location's
select tests.only('{owner,admin}', 'set how the location is named', tests.save('setting', 'brand_name', '"Crack & Co"'), 'PT403 not_permitted');
select is(tests.probe('owner', $$ select save_setting(tests.id('there'), 'brand_name', '"Mine"') $$), 'PT403 not_permitted', 'an owner sets nothing elsewhere');
select is(tests.answer('admin', tests.save('setting', 'brand_name', '"Crack & Co"') || '->> ''brand_name'''), 'Crack & Co', 'the answer is what holds now');
select is(tests.value('technician', 'brand_name'), '"Crack & Co"', 'for everybody there');
select is(tests.answer('other_owner', $$ select my_settings(tests.id('there')) ->> 'brand_name' $$), '', 'and nobody elsewhere');
select tests.only('{owner,admin,marketer,technician}', 'read the location''s settings', $$ select * from settings where location_id = tests.id('here') $$);
select is(tests.act('owner', tests.save('setting', 'brand_name', 'null')) || ' ' || tests.value('owner', 'brand_name'), '1 rows ""', 'null goes back to the default');
select is(tests.act('owner', tests.save('setting', 'brand_name', null)), '1 rows', 'where it is already, too');
select results_eq($$ select action, row_id, before ->> 'value', after ->> 'value' from audit_log where table_name = 'settings' and location_id = tests.id('here') order by id limit 2 $$,
  $$ values ('insert', 'brand_name', null, 'Crack & Co'), ('delete', 'brand_name', 'Crack & Co', null) $$, 'who set what is in the audit log');

-- a person's
select tests.only('{owner,admin,marketer,technician}', 'choose the colours of his screen', tests.save('preference', 'theme', '"dark"'), 'PT403 not_permitted');
select tests.act('marketer', tests.save('preference', 'theme', '"dark"'));
select is(tests.value(a, 'theme'), v, format('%s has it %s', a, v)) from (values ('marketer', '"dark"'), ('owner', '"system"')) x (a, v);
select is(tests.answer(a, 'select count(*) from preferences'), n, format('%s reads %s preferences', a, n)) from (values ('marketer', '1'), ('owner', '0')) x (a, n);
select tests.act('both', $$ select save_preference(tests.id('there'), 'theme', '"light"') $$);
select is(tests.value('both', 'theme'), '"system"', 'a preference is for one location');
select is(tests.act('marketer', tests.save('preference', 'theme', 'null')) || ' ' || tests.value('marketer', 'theme'), '1 rows "system"', 'null goes back to the default');

-- what is taken
select is(tests.probe('owner', tests.save(w, k, v)), said, format('%s %s = %s: %s', w, k, left(v, 20), said)) from (values
  ('setting', 'brand_name', to_jsonb(repeat('é', 60))::text, '1 rows'), ('setting', 'brand_name', to_jsonb(repeat('é', 61))::text, 'PT422 invalid_setting'),
  ('setting', 'brand_name', '5', 'PT422 invalid_setting'), ('setting', 'brand_name', '{"a": 1}', 'PT422 invalid_setting'), ('setting', 'brand_name', '["x"]', 'PT422 invalid_setting'),
  ('setting', 'week_starts_on', '"monday"', '1 rows'), ('setting', 'week_starts_on', '"Monday"', 'PT422 invalid_setting'), ('setting', 'week_starts_on', 'true', 'PT422 invalid_setting'),
  ('setting', 'theme', '"dark"', 'PT422 invalid_setting'), ('setting', 'nothing', '"x"', 'PT422 invalid_setting'), ('preference', 'brand_name', '"Me"', 'PT422 invalid_setting'),
  ('preference', 'theme', '"pink"', 'PT422 invalid_setting'), ('preference', 'rows_per_page', '10', '1 rows'), ('preference', 'rows_per_page', '200', '1 rows'),
  ('preference', 'rows_per_page', '9', 'PT422 invalid_setting'), ('preference', 'rows_per_page', '201', 'PT422 invalid_setting'), ('preference', 'rows_per_page', '10.5', 'PT422 invalid_setting'),
  ('preference', 'rows_per_page', '1e300', 'PT422 invalid_setting'), ('preference', 'rows_per_page', '"50"', 'PT422 invalid_setting'), ('preference', '', '1', 'PT422 invalid_setting')) x (w, k, v, said);
insert into setting_kinds (key, scope, kind, default_value, description) values ('loud', 'user', 'boolean', 'false', 'A test''s.');
select is(tests.probe('owner', tests.save('preference', 'loud', v)), said, format('a yes or no: %s: %s', v, said))
  from (values ('true', '1 rows'), ('"true"', 'PT422 invalid_setting'), ('1', 'PT422 invalid_setting')) x (v, said);

-- exports
select tests.only('{owner,admin}', 'take an import''s rows out', $$ select begin_export('import_rows', tests.id('here import')) $$, 'PT404 not_found');
select is(tests.probe('owner', format('select begin_export(%s)', bad)), said, bad || ': ' || said) from (values ($$ 'contacts', tests.id('here import') $$, 'PT422 invalid_value'),
  ($$ null, tests.id('here import') $$, 'PT422 invalid_value'), ($$ 'import_rows', tests.id('there import') $$, 'PT404 not_found'), ($$ 'import_rows', null $$, 'PT404 not_found')) x (bad, said);
select tests.act('admin', $$ select begin_export('import_rows', tests.id('here import'), '{"outcome": "rejected"}') $$);
select is((select (location_id, kind, subject_id, filters, created_by)::text from exports where location_id = tests.id('here')), (tests.id('here'), 'import_rows', tests.id('here import'), '{"outcome": "rejected"}'::jsonb, tests.id('admin'))::text,
  'who took what, and which');
select tests.only('{owner,admin}', 'read who took data out', $$ select * from exports where location_id = tests.id('here') $$);
select is((select (actor_id, location_id, after ->> 'kind')::text from audit_log where table_name = 'exports' and location_id = tests.id('here')), (tests.id('admin'), tests.id('here'), 'import_rows')::text, 'it is in the audit log too');

select * from finish();
rollback;
