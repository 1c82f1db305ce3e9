-- When each kind of text may leave: the location's hours, days off, and the hours where the person is.
begin;
select plan(81);
\i supabase/tests/support/actors.sql
select set_config('timezone', 'UTC', true);

select is((select string_agg(observed::text, ' ' order by day) from private.federal_holidays(y)), e, format('the federal holidays of %s, as observed', y)) from (values
  (2026, '2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25'),
  (2027, '2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-06-18 2027-07-05 2027-09-06 2027-10-11 2027-11-11 2027-11-25 2027-12-24'),
  (2028, '2027-12-31 2028-01-17 2028-02-21 2028-05-29 2028-06-19 2028-07-04 2028-09-04 2028-10-09 2028-11-10 2028-11-23 2028-12-25')) x (y, e);

create function tests.opens(p_kind text, p_at text, p_phone text default '+16175551234', p_location text default 'here') returns text language sql as $$
  select case when w.is_open then 'open' else coalesce(to_char(w.opens_at at time zone l.timezone, 'YYYY-MM-DD HH24:MI:SS'), 'never') end
  from public.locations l, private.send_window(l.id, p_kind, array[p_phone], p_at::timestamptz) w where l.id = tests.id(p_location)
$$;
select is(tests.opens('cold', t), e, format('cold at %s: %s', t, e)) from (values
  -- a Friday in winter
  ('2026-11-20 08:59:59-05', '2026-11-20 09:00:00'), ('2026-11-20 09:00:00-05', 'open'), ('2026-11-20 17:59:59-05', 'open'),
  ('2026-11-20 18:00:00-05', '2026-11-23 09:00:00'), ('2026-11-20 23:50:00-05', '2026-11-23 09:00:00'), ('2026-11-21 12:00:00-05', '2026-11-23 09:00:00'),
  ('2026-11-22 12:00:00-05', '2026-11-23 09:00:00'), ('2026-11-23 00:00:00-05', '2026-11-23 09:00:00'),
  -- Thanksgiving, and the day after
  ('2026-11-25 23:50:00-05', '2026-11-27 09:00:00'), ('2026-11-26 12:00:00-05', '2026-11-27 09:00:00'),
  -- observed: the Friday before a Saturday, the Monday after a Sunday, and New Year's Day in the old year
  ('2026-07-03 12:00:00-04', '2026-07-06 09:00:00'), ('2027-07-05 12:00:00-04', '2027-07-06 09:00:00'), ('2027-12-31 12:00:00-05', '2028-01-03 09:00:00'),
  -- both weekends on which clocks change
  ('2026-10-30 09:00:00-04', 'open'), ('2026-10-30 08:59:59-04', '2026-10-30 09:00:00'), ('2026-10-30 18:00:00-04', '2026-11-02 09:00:00'),
  ('2026-11-01 01:30:00-04', '2026-11-02 09:00:00'), ('2026-11-01 01:30:00-05', '2026-11-02 09:00:00'), ('2026-11-02 13:30:00+00', '2026-11-02 09:00:00'),
  ('2026-11-02 14:00:00+00', 'open'), ('2027-03-12 14:00:00+00', 'open'), ('2027-03-12 13:59:59+00', '2027-03-12 09:00:00'),
  ('2027-03-12 18:00:00-05', '2027-03-15 09:00:00'), ('2027-03-15 12:59:59+00', '2027-03-15 09:00:00'), ('2027-03-15 13:00:00+00', 'open'),
  ('2027-03-15 21:59:59+00', 'open'), ('2027-03-15 22:00:00+00', '2027-03-16 09:00:00')) x (t, e);

select is(tests.opens(k, t), e, format('%s at %s: %s', k, t, e)) from (values
  ('conversation', '2026-11-21 07:59:59-05', '2026-11-21 08:00:00'), ('conversation', '2026-11-21 08:00:00-05', 'open'),
  ('conversation', '2026-11-22 20:59:59-05', 'open'), ('conversation', '2026-11-22 21:00:00-05', '2026-11-23 08:00:00'),
  ('conversation', '2026-11-26 12:00:00-05', 'open'), ('transactional', '2026-11-21 12:00:00-05', '2026-11-23 09:00:00'),
  ('urgent', '2026-11-26 20:59:59-05', 'open'), ('urgent', '2026-11-26 21:00:00-05', '2026-11-27 08:00:00'), ('warm', '2026-11-26 12:00:00-05', '2026-11-27 09:00:00'),
  ('confirmation', '2026-11-22 03:00:00-05', 'open'), ('health', '2026-11-22 23:59:59-05', 'open')) x (k, t, e);

-- The person's own morning and evening, too.
select is(tests.opens('cold', t, p), e, format('%s to %s: %s', t, p, e)) from (values
  ('2026-11-20 09:00:00-05', '+16025551234', '2026-11-20 10:00:00'), ('2026-11-20 10:00:00-05', '+16025551234', 'open'),
  ('2026-07-06 10:59:59-04', '+16025551234', '2026-07-06 11:00:00'), ('2026-11-20 12:59:59-05', '+18085551234', '2026-11-20 13:00:00'),
  ('2026-07-06 13:59:59-04', '+18085551234', '2026-07-06 14:00:00'), ('2026-11-20 09:00:00-05', '+17875551234', 'open'),
  ('2026-11-20 10:59:59-05', '+14155551234', '2026-11-20 11:00:00'), ('2026-11-20 17:59:59-05', '+14155551234', 'open'),
  -- an area of two zones, and numbers that say nothing of where they are
  ('2026-11-20 09:30:00-05', '+12085551234', '2026-11-20 11:00:00'), ('2026-11-20 12:59:59-05', '+18005551234', '2026-11-20 13:00:00'),
  ('2026-11-20 12:59:59-05', '+442071234567', '2026-11-20 13:00:00'), ('2026-11-20 13:00:00-05', '+18005551234', 'open')) x (t, p, e);
select is(tests.opens('conversation', '2026-11-20 08:00:00-05', '+18085551234'), 'open', 'a person answers by the hours of the location');
select is(tests.opens('cold', '2026-11-23 06:30:00+00', '+16715551234'), '2026-11-23 17:00:00', 'an hour at which Guam wakes and we still work');
insert into public.contacts (id, location_id, first_name, phone) values (tests.id('ida'), tests.id('here'), 'Ida', '+16175551239');
insert into public.properties (id, location_id, address, city, state, mailing_state) values (tests.id('far house'), tests.id('here'), '9 Example Street', 'Fairpond', 'MA', 'CA');
insert into public.property_contacts (location_id, property_id, contact_id) values (tests.id('here'), tests.id('far house'), tests.id('ida'));
select is(tests.opens('cold', '2026-11-20 10:59:59-05', '+16175551239'), '2026-11-20 11:00:00', 'who gets his mail in California sleeps there');
update public.properties set mailing_state = null where id = tests.id('far house');
select is(tests.opens('cold', '2026-11-20 10:59:59-05', '+16175551239'), 'open', 'without a mailing address it is the house');

-- What a location sets for itself.
update public.locations set timezone = 'America/Phoenix' where id = tests.id('there');
select is(tests.opens('cold', t, '+16025551234', 'there'), e, format('in Phoenix at %s: %s', t, e)) from (values
  ('2026-11-20 15:59:59+00', '2026-11-20 09:00:00'), ('2026-11-20 16:00:00+00', 'open'), ('2026-07-06 16:00:00+00', 'open'), ('2026-07-07 00:59:59+00', 'open'),
  ('2026-07-07 01:00:00+00', '2026-07-07 09:00:00')) x (t, e);
insert into public.send_hours (location_id, kind, weekdays, opens, closes, skips_holidays) values (tests.id('here'), 'cold', '{2,6}', '10:00', '12:30', false);
select is(tests.opens('cold', t), e, format('by hours of our own, at %s: %s', t, e)) from (values
  ('2026-11-20 10:00:00-05', '2026-11-21 10:00:00'), ('2026-11-21 12:29:59-05', 'open'), ('2026-11-21 12:30:00-05', '2026-11-24 10:00:00'),
  ('2026-12-26 10:00:00-05', 'open')) x (t, e);
select is(tests.probe('owner', format($$ insert into send_hours (location_id, kind, weekdays, opens, closes) values (%L, 'warm', '{1}', %L, %L) $$, tests.id('here'), o, c)),
  e, format('an owner sets %s to %s: %s', o, c, e)) from (values ('08:00', '21:00', '1 rows'), ('07:59', '21:00', '23514'), ('08:00', '21:01', '23514')) x (o, c, e);
insert into public.holidays (location_id, day, name, is_closed) values (tests.id('there'), '2026-11-26', 'Open on Thanksgiving', false), (tests.id('there'), '2026-11-24', 'Company day', true);
select is(tests.opens('cold', t, '+16025551234', 'there'), e, format('with days of our own, at %s: %s', t, e)) from (values
  ('2026-11-26 12:00:00-07', 'open'), ('2026-11-24 12:00:00-07', '2026-11-25 09:00:00')) x (t, e);
insert into public.send_hours (location_id, kind, weekdays, opens, closes) values (tests.id('there'), 'cold', '{}', '10:00', '12:30');
select is(tests.opens('cold', '2026-11-24 12:00:00-07', '+16025551234', 'there'), 'never', 'without a weekday it never opens');

-- Who wrote to us within the hour may be answered at night.
insert into public.phone_numbers (id, location_id, e164) values (tests.id('our number'), tests.id('here'), '+16175550190');
insert into public.conversations (id, location_id, phone_number_id, participants) values (tests.id('talk'), tests.id('here'), tests.id('our number'), '{+16175551234}');
insert into public.messages (location_id, conversation_id, phone_number_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
  values (tests.id('here'), tests.id('talk'), tests.id('our number'), 'incoming', '+16175551234', '+16175550190', '{+16175550190}', 'received', 'vendor', '2026-11-20 23:30:00-05');
select is(tests.opens(k, t), e, format('%s to who wrote at 23:30, at %s: %s', k, t, e)) from (values
  ('conversation', '2026-11-20 23:29:59-05', '2026-11-21 08:00:00'), ('conversation', '2026-11-20 23:50:00-05', 'open'), ('conversation', '2026-11-21 00:29:59-05', 'open'),
  ('conversation', '2026-11-21 00:30:00-05', '2026-11-21 08:00:00'), ('transactional', '2026-11-20 23:50:00-05', '2026-11-23 09:00:00'),
  ('urgent', '2026-11-20 23:50:00-05', '2026-11-21 08:00:00')) x (k, t, e);

-- Tables of zones
select is_empty($$ select area_code, z from private.area_codes, unnest(zones) z where z not in (select name from pg_timezone_names) $$, 'Postgres knows every zone of an area code');
select is_empty($$ select state, z from private.state_zones, unnest(zones) z where z not in (select name from pg_timezone_names) $$, 'and of a state');
select is((select count(*)::int from private.state_zones), 56, 'the 50 states, the capital and five territories have zones');
select * from finish();
rollback;
