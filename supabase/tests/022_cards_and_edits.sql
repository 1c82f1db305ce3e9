-- What follows a person by itself: the marketer's card, and the memory of what was typed by hand.
begin;
select plan(32);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

create function tests.card(p_name text) returns text language sql as $$
  select coalesce((select concat_ws(' of ', coalesce(first_name, '?'), city) from contact_cards where contact_id = tests.id(p_name)), 'none')
$$;
create function tests.card_after(p_sql text, p_card text, p_what text, p_name text default 'here ann') returns text language plpgsql as $$
declare v text := tests.act('service_role', p_sql);
begin
  return is(v || ': ' || tests.card(p_name), '1 rows: ' || p_card, p_what);
end $$;
select is(tests.card('here ann'), 'Ann of Fairpond', 'a card shows first name and town');
select is(tests.card('here bob'), 'Bob', 'a card without a house has no town');
select tests.card_after($$ update contacts set first_name = 'Anna' where id = tests.id('here ann') $$, 'Anna of Fairpond',
  'a card follows the first name');
select tests.card_after($$ update contacts set last_name = 'X', phone = null where id = tests.id('here ann') $$, 'Anna of Fairpond',
  'a card follows nothing else');
select tests.card_after($$ update properties set city = 'Milltown' where id = tests.id('here house') $$, 'Anna of Milltown',
  'a card follows the town of the house');
select tests.card_after($$ insert into property_contacts (location_id, property_id, contact_id) values (tests.id('here'), tests.id('here house'), tests.id('here bob')) $$,
  'Bob of Milltown', 'a card gets its town with the house', 'here bob');
select tests.card_after($$ insert into properties (id, location_id, address, city) values (tests.id('second'), tests.id('here'), '2 Oak St', 'Oakham') $$,
  'Anna of Milltown', 'a house of nobody changes no card');
select tests.card_after($$ insert into property_contacts (location_id, property_id, contact_id, created_at)
  values (tests.id('here'), tests.id('second'), tests.id('here ann'), now() + interval '1 s') $$, 'Anna of Milltown', 'the oldest house decides');
select tests.card_after($$ update property_contacts set end_date = '2026-01-01' where property_id = tests.id('here house') and contact_id = tests.id('here ann') $$,
  'Anna of Oakham', 'a house he moved out of no longer counts');
select tests.card_after($$ delete from properties where id = tests.id('second') $$, 'Anna', 'a house deleted is forgotten');
select tests.card_after($$ delete from property_contacts where contact_id = tests.id('here bob') $$, 'Bob', 'a link deleted is forgotten',
  'here bob');
select tests.card_after($$ update contacts set deleted_at = now() where id = tests.id('here ann') $$, 'none',
  'a person marked deleted has no card');
select tests.card_after($$ update contacts set first_name = 'Amy' where id = tests.id('here ann') $$, 'none',
  'and gets none by being renamed');
select tests.card_after($$ update properties set city = 'Fairpond' where id = tests.id('here house') $$, 'none',
  'nor by a town that changes');
select tests.card_after($$ update contacts set deleted_at = null where id = tests.id('here ann') $$, 'Amy',
  'a person taken back has it again');
select tests.card_after($$ update contacts set is_entity = true, first_name = null where id = tests.id('here ann') $$, '?',
  'a trust has no first name');
select tests.card_after($$ delete from contacts where id = tests.id('here ann') $$, 'none',
  'the card of a person deleted for good goes with him');
select throws_ok($$ insert into contacts (location_id, is_entity, first_name) values (tests.id('here'), true, 'Trust') $$, '23514', null,
  'an entity with a first name is refused');
select is(tests.answer('marketer', 'select first_name || coalesce('' '' || city, '''') from contact_cards'), 'Bob',
  'the marketer sees the cards as they are now');

-- edited_fields
create function tests.edited(p_name text) returns text language sql as $$
  select array_to_string(edited_fields, ' ') from contacts where id = tests.id(p_name) union all
  select array_to_string(edited_fields, ' ') from properties where id = tests.id(p_name)
$$;
select is(tests.edited('here bob'), '', 'what the service wrote is not remembered as typed');
select is(tests.act('service_role', $$ update contacts set notes = 'x' where id = tests.id('here bob') $$) || tests.edited('here bob'), '1 rows',
  'nor is what the service changed');
select is(tests.act('owner', $$ update contacts set last_name = 'Typed', notes = 'x' where id = tests.id('here bob') $$) || ': ' || tests.edited('here bob'),
  '1 rows: last_name', 'a column a person changed is remembered, one that stayed the same is not');
select is(tests.act('admin', $$ update contacts set contact_type = 'builder' where id = tests.id('here bob') $$) || ': ' || tests.edited('here bob'),
  '1 rows: contact_type last_name', 'the next one is added to it');
select is(tests.act('admin', $$ update contacts set last_name = null where id = tests.id('here bob') $$) || ': ' || tests.edited('here bob'),
  '1 rows: contact_type last_name', 'emptying a column counts, once');
select is(tests.act('service_role', $$ update contacts set last_name = 'Imported' where id = tests.id('here bob') $$) || ': ' || tests.edited('here bob'),
  '1 rows: contact_type last_name', 'the memory outlives what the service writes');
select is(tests.act('owner', $$ update contacts set deleted_at = now(), metadata = '{"a": 1}' where id = tests.id('here bob') $$) || ': ' || tests.edited('here bob'),
  '1 rows: contact_type last_name', 'deleting is no edit, nor are columns nobody knows');
select is(tests.act('owner', $$ insert into contacts (id, location_id, display_name) values (tests.id('eve'), tests.id('here'), 'Eve') $$) || ': ' || tests.edited('eve'),
  '1 rows: display_name', 'of a new person only what was typed is remembered, not the defaults');
select is(tests.act('owner', $$ insert into contact_phones (location_id, contact_id, phone) values (tests.id('here'), tests.id('eve'), '+16175550160') $$) || ': ' || tests.edited('eve'),
  '1 rows: display_name phone', 'a number typed beside the person is remembered as his');
select is((select created_by from contacts where id = tests.id('eve')), tests.id('owner'), 'a person says who made him');
select is(tests.edited('here house'), '', 'a house the service wrote has no typed column');
select is(tests.act('owner', $$ update properties set year_built = 1960, address = '1 Example St.' where id = tests.id('here house') $$) || ': ' || tests.edited('here house'),
  '1 rows: address year_built', 'of a house it is remembered likewise');
select is(tests.act('owner', $$ insert into properties (id, location_id, address, owner_occupied) values (tests.id('new'), tests.id('here'), '9 Elm', true) $$) || ': ' || tests.edited('new'),
  '1 rows: address owner_occupied', 'of a new house, too, and not its default state');

select * from finish();
rollback;
