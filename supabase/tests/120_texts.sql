-- How long a text is, and what becomes of its tokens.
begin;
select plan(78);
\i supabase/tests/support/actors.sql

select is((select format('%s %s %s', s.encoding, s.units, s.segments) from private.count_segments(t) s), e, format('%s is %s', what, e)) from (values
  (repeat('a', 160), 'GSM-7 160 1', 'a*160'), (repeat('a', 161), 'GSM-7 161 2', 'a*161'), (repeat('a', 306), 'GSM-7 306 2', 'a*306'),
  (repeat('a', 307), 'GSM-7 307 3', 'a*307'), (repeat('€', 80), 'GSM-7 160 1', '€*80'), (repeat('€', 81), 'GSM-7 162 2', '€*81'),
  (repeat('a', 152) || '€' || repeat('a', 152), 'GSM-7 306 3', 'a pair at the border of GSM-7'),
  (repeat('a', 151) || '€' || repeat('a', 153), 'GSM-7 306 2', 'a pair just before the border'),
  (repeat('ж', 70), 'UCS-2 70 1', 'ж*70'), (repeat('ж', 71), 'UCS-2 71 2', 'ж*71'), (repeat('ж', 134), 'UCS-2 134 2', 'ж*134'),
  (repeat('ж', 66) || '😀' || repeat('ж', 66), 'UCS-2 134 3', 'a surrogate pair at the border'),
  (repeat('😀', 35), 'UCS-2 70 1', 'smile*35'), (repeat('😀', 36), 'UCS-2 72 2', 'smile*36'), (repeat('😀', 67), 'UCS-2 134 3', 'smile*67'),
  ('a`', 'UCS-2 2 1', 'a backtick'), ('ç', 'UCS-2 1 1', 'small ç'), ('Ç', 'GSM-7 1 1', 'capital Ç'), ('It’s', 'UCS-2 4 1', 'a curly quote'),
  (E'a\nb\r', 'GSM-7 4 1', 'line ends'), ('@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà', 'GSM-7 42 1', 'the odd half of the alphabet'),
  (E'\f^{}\\[~]|€', 'GSM-7 20 1', 'the whole extension'), (E'a\tb', 'UCS-2 3 1', 'a tab'), ('', 'GSM-7 0 0', 'nothing')) x (t, e, what);

select is(private.render_text(t, v::jsonb), e, format('%s with %s', t, v)) from (values
  ('Hi {first_name}, hello', '{"first_name": "Ann"}', 'Hi Ann, hello'), ('Hi {{ first_name }}, hello', '{"first_name": "Ann"}', 'Hi Ann, hello'),
  ('Hi {First_Name}, hello', '{"first_name": "Ann"}', 'Hi Ann, hello'), ('Hi {first_name}, hello', '{}', 'Hi there, hello'),
  ('Hi {first_name|neighbor}, hello', '{}', 'Hi neighbor, hello'), ('Hi {first_name|}, hello', '{}', 'Hi, hello'),
  ('{first_name|}, quick question', '{}', 'Quick question'), ('Good day {first_name|}! We are near', '{}', 'Good day! We are near'),
  (E'Hello. {first_name|}, we are near', '{}', 'Hello. We are near'), ('Thanks {first_name|}', '{}', 'Thanks'),
  ('Is {first_name|} home?', '{}', 'Is home?'), (E'Hi {first_name|}\nWe are near', '{}', E'Hi\nWe are near'),
  ('Hi {first_name}, hello', '{"first_name": "6175550123"}', 'Hi there, hello'), ('Hi {first_name}, hello', '{"first_name": "+1 (617) 555-0123"}', 'Hi there, hello'),
  ('Hi {first_name}, hello', '{"first_name": "Unknown"}', 'Hi there, hello'), ('Hi {first_name}, hello', '{"first_name": "Current Resident"}', 'Hi there, hello'),
  ('Hi {first_name}, hello', '{"first_name": "  "}', 'Hi there, hello'), ('Hi {first_name}, hello', '{"first_name": "Wireless Caller"}', 'Hi there, hello'),
  ('Hi {first_name}, hello', '{"first_name": "N/A"}', 'Hi there, hello'), ('Hi {first_name}, hello', '{"first_name": "Mary Ann"}', 'Hi Mary Ann, hello'),
  ('Hi {first_name}, hello', '{"first_name": "{city}"}', 'Hi city, hello'), ('Your {property_type} of {year_built}', '{"property_type": "colonial", "year_built": 1920}', 'Your colonial of 1920'),
  ('Near {city|your town}?', '{}', 'Near your town?'), ('{city} and {city}', '{"city": "Fairpond"}', 'Fairpond and Fairpond'),
  ('Hi {first_name}{{city}}', '{"first_name": "Ann", "city": "Fairpond"}', 'Hi AnnFairpond'), ('No token', '{}', 'No token')) x (t, v, e);
create function tests.rendered(p_body text) returns text language plpgsql as $$
begin
  return private.render_text(p_body, '{}');
exception when others then return sqlerrm;
end $$;
select is(tests.rendered(t), e, format('%s is %s', t, e)) from (values ('In {city}', 'missing_value'), ('Hi {nickname}', 'invalid_template'),
  ('Hi {first_name', 'invalid_template'), ('Hi {{first_name}', 'invalid_template'), ('Hi {first_name}}', 'invalid_template'), ('Hi {}', 'invalid_template'),
  ('Hi }', 'invalid_template'), ('{first_name}', 'invalid_template'), ('Hi {first_name|a|b}', 'invalid_template'), ('  ', 'invalid_template'),
  ('Hi {first name}', 'invalid_template'), ('Hi {first_name|{city}}', 'invalid_template')) x (t, e);

-- Templates are looked at when they are written.
select tests.only('{owner,admin}', 'write a template', format($$ insert into campaign_templates (location_id, name, body) values (%L, 'Intro', 'Hi {first_name}, we fix cellars.') $$,
  tests.id('here')), '42501');
select is(tests.probe('owner', format($$ insert into campaign_templates (location_id, name, body) values (%L, 'Intro', %L) $$, tests.id('here'), b)), e, 'as a template: ' || b)
  from (values ('Hi {nickname}, hello', 'PT422 invalid_template'), ('Hi {first_name, hello', 'PT422 invalid_template'), ('{name} {city}', 'PT422 invalid_template'),
    ('Hi {name|you}, hello', '1 rows')) x (b, e);
insert into public.campaign_templates (location_id, name, body) values (tests.id('here'), 'Intro', 'Hi {first_name}, hello');
select is(tests.probe('owner', $$ update campaign_templates set body = 'Hi {x}' $$), 'PT422 invalid_template', 'a change is looked at too');
select is(tests.probe('owner', $$ update campaign_templates set name = 'Hello' $$), '1 rows', 'another name is not');
select is((select count(*)::int from private.text_tokens), 14, 'there are fourteen tokens');
select * from finish();
rollback;
