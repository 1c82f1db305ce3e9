-- One text by a person: looked at, put into the machine once, or refused.
begin;
select plan(76);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches (name, turned_on) values ('given_time', true) on conflict (name) do update set turned_on = true;
insert into public.phone_numbers (id, location_id, e164) values (tests.id('our number'), tests.id('here'), '+16175550190'), (tests.id('their number'), tests.id('there'), '+16175550191');
insert into public.phone_validations (location_id, phone, status, is_valid, line_type, checked_at, valid_until)
  select tests.id('here'), p, 'checked', true, 'mobile', '2026-11-01', '2026-12-01' from unnest('{+16175550101,+16175550111}'::text[]) p;
insert into public.campaign_templates (id, location_id, name, body) values (tests.id('template'), tests.id('here'), 'Intro', 'Hi {first_name}, {company} here, near {city|you}.'),
  (tests.id('needy'), tests.id('here'), 'Needy', 'Your {property_type} is old.'), (tests.id('their template'), tests.id('there'), 'Intro', 'Hi {first_name}, hello');

create function tests.queue(p_more text, p_id text default 'text', p_at text default '2026-11-20 10:00-05') returns text language sql as $$
  select format('select queue_message(p_id => %L, %s, p_now => %L)', tests.id(p_id), p_more, p_at)
$$;
create function tests.said(p_actor text, p_sql text) returns text language plpgsql as $$
declare v text := tests.answer(p_actor, p_sql);
begin
  return coalesce((v::jsonb) ->> 'message', (v::jsonb) ->> 'text', (v::jsonb) ->> 'status');
exception when others then return v;
end $$;
select tests.only('{owner,admin}', 'write to a number', tests.queue(format('p_location => %L, p_phone => ''+16175550101'', p_body => ''Hello''', tests.id('here'))), 'PT403 not_permitted');
select tests.only('{owner,admin}', 'write to a contact', tests.queue(format('p_contact => %L, p_body => ''Hello''', tests.id('here ann'))), 'PT404 not_found');
select tests.only('{owner,admin}', 'look at a text', format($$ select preview_message(p_contact => %L, p_body => 'Hello', p_now => '2026-11-20 10:00-05') $$, tests.id('here ann')), 'PT404 not_found');

select is(tests.said('owner', tests.queue(m)), e, format('%s: %s', m, e)) from (values
  (format('p_contact => %L', tests.id('here ann')), 'PT422 invalid_value'), ('p_body => ''Hello''', 'PT422 invalid_value'),
  (format('p_contact => %L, p_phone => ''+16175550101'', p_body => ''Hello''', tests.id('here ann')), 'PT422 invalid_value'),
  (format('p_contact => %L, p_body => ''Hello'', p_template => %L', tests.id('here ann'), tests.id('template')), 'PT422 invalid_value'),
  (format('p_contact => %L, p_body => ''  ''', tests.id('here ann')), 'PT422 invalid_value'), (format('p_contact => %L, p_body => repeat(''x'', 1601)', tests.id('here ann')), 'PT422 text_too_long'),
  (format('p_contact => %L, p_body => ''Hi {nickname}''', tests.id('here ann')), 'PT422 invalid_template'), (format('p_contact => %L, p_template => %L', tests.id('here ann'), tests.id('needy')), 'PT422 missing_value'),
  (format('p_contact => %L, p_template => %L', tests.id('here ann'), tests.id('their template')), 'PT404 not_found'), (format('p_contact => %L, p_body => ''Hello''', tests.id('there ann')), 'PT404 not_found'),
  (format('p_contact => %L, p_body => ''Hello''', tests.id('here bob')), 'PT422 no_phone'), (format('p_contact => %L, p_body => ''Hello'', p_number => %L', tests.id('here ann'), tests.id('their number')), 'PT404 not_found'),
  ('p_phone => ''617-555-0101'', p_body => ''Hello''', 'invalid_phone'), ('p_phone => ''+16175550190'', p_body => ''Hello''', 'our_number'),
  ('p_phone => ''+16175550122'', p_body => ''Hello''', 'number_unchecked')) x (m, e);
select is(tests.said('both', tests.queue('p_phone => ''+16175550101'', p_body => ''Hello''')), 'PT422 location_required', 'who works at two places says which');
select is((select count(*)::int from outbound where location_id = tests.id('here')), 0, 'nothing of this was put in');
select is((select status from phone_validations where phone = '+16175550122'), 'waiting', 'but a number nobody has checked waits for its check');
select is(tests.answer('owner', 'select current_setting(''response.status'', true)'), '409', 'and what may pass is a conflict');

select is(tests.said('owner', tests.queue(format('p_contact => %L, p_template => %L', tests.id('here ann'), tests.id('template')))), 'Hi Ann, Here here, near Fairpond.', 'a template is filled in');
select is((select format('%s %s %s %s', o.kind, o.state, o.contact_id = tests.id('here ann'), o.requested_by = tests.id('owner')) from outbound o where id = tests.id('text')), 'conversation queued t t', 'it waits, by whom and for whom');
select is((select id from messages where direction = 'outgoing' and location_id = tests.id('here')), tests.id('text'), 'its message has the same id');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''Other''', tests.id('here ann')))), 'Hi Ann, Here here, near Fairpond.', 'the same id again is the same text');
select is(tests.said('admin', tests.queue(format('p_contact => %L, p_body => ''Other''', tests.id('here ann')))), 'PT409 already_exists', 'but not another person''s');
select is((select count(*)::int from outbound where location_id = tests.id('here')), 1, 'and there is one');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''Other''', tests.id('here ann')), 'night', '2026-11-20 22:00-05')), 'outside_hours', 'at night it is refused');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''A {brace} in words {}''', tests.id('here ann')), 'brace')), 'PT422 invalid_template', 'what looks like a token is one');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''A smile :-}''', tests.id('here ann')), 'smile')), 'A smile :-}', 'a lone brace is not');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => E'' Blanks \n''', tests.id('here ann')), 'blanks')), 'Blanks', 'blanks at the ends do not leave');
select is(tests.said('owner', tests.queue(format('p_conversation => (select id from conversations where participants = ''{+16175550101}''), p_body => ''Again''')  , 'again')), 'Again', 'a conversation goes on');
insert into opt_outs (location_id, phone) values (tests.id('there'), '+16175550101');
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''Hello''', tests.id('here ann')), 'out')), 'opted_out', 'who opted out is not written to');
select is(tests.answer('owner', 'select current_setting(''response.status'', true)'), '422', 'which does not pass by itself');
select is(tests.answer('owner', format($$ select p -> 'refusal' ->> 'rule' || ' ' || (p ->> 'segments') || ' ' || (p ->> 'encoding') || ' ' || (p ->> 'from')
  from preview_message(p_contact => %L, p_body => 'It’s {first_name}', p_now => '2026-11-20 10:00-05') p $$, tests.id('here ann'))), 'opted_out 1 UCS-2 +16175550190', 'a look at it says all of this');

-- In production nobody says what time it is, and all of it works.
delete from opt_outs where phone = '+16175550101';
update private.switches set turned_on = false where name = 'given_time';
insert into messages (location_id, conversation_id, phone_number_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
  select location_id, id, phone_number_id, 'incoming', '+16175550101', '+16175550190', '{+16175550190}', 'received', 'vendor', clock_timestamp() from conversations where participants = '{+16175550101}';
select is(tests.said('owner', tests.queue(format('p_contact => %L, p_body => ''Now''', tests.id('here ann')), 'timed')), 'PT422 time_not_yours', 'a given time is refused');
select is(tests.said('owner', format($$ select queue_message(p_id => %L, p_contact => %L, p_body => 'Now') $$, tests.id('now'), tests.id('here ann'))), 'Now', 'a text goes in by the database''s clock');
update outbound set state = 'cancelled' where id <> tests.id('now');
create temp table claimed as select c ->> 'id' as id, c ->> 'lease' as lease from jsonb_array_elements(claim_outbound() -> 'claimed') c;
select is((select start_send(id::uuid, lease::uuid) ->> 'body' from claimed), 'Now', 'is claimed and started');
select is((select finish_send(id::uuid, lease::uuid, 'unknown') from claimed), 'unconfirmed', 'finished');
select is(public.reap_outbound() ->> 'doubted', '0', 'reaped');
select is((select reconcile_send(id::uuid, '{AC-now}') from claimed), 'accepted', 'and settled by it');
insert into public.phone_numbers (id, location_id, e164) values (tests.id('our other number'), tests.id('here'), '+16175550198');
select is(tests.said('owner', tests.queue(format('p_conversation => (select id from conversations where participants = ''{+16175550101}''), p_number => %L, p_body => ''There''', tests.id('our other number')), 'elsewhere', null)), 'There', 'one writes from another number of ours');
select is((select c.phone_number_id from messages m join conversations c on c.id = m.conversation_id where m.id = tests.id('elsewhere')), tests.id('our other number'),
  'from another number of ours it is that number''s conversation');
select is(tests.said('owner', 'select queue_message(p_id => null, p_phone => ''+16175550101'', p_body => ''Hello'')'), 'PT422 invalid_value', 'without an id nothing is queued');
-- A key reads of people and houses no more by writing to them.
update private.switches set turned_on = true where name = 'given_time';
create function tests.make_key(p_name text, p_scopes text[]) returns void language plpgsql as $$
declare v_key jsonb;
begin
  perform tests.become('owner');
  v_key := public.create_api_key(tests.id('here'), p_name, p_scopes);
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  insert into tests.people values (p_name, door.claims_of_key(v_key ->> 'key', '/rpc/preview_message'));
end $$;
select tests.make_key('writes', '{messages:write}'), tests.make_key('reads people', '{messages:write,contacts:read}'), tests.make_key('reads houses', '{messages:write,properties:read}');
create function tests.previewed(p_body text) returns text language sql as
  $$ select format('select preview_message(p_contact => %L, p_body => %L, p_now => ''2026-11-20 10:00-05'')', tests.id('here ann'), p_body) $$;
select is(tests.said(k, tests.previewed('Hi {first_name|you} in {city|town}, {company|we}')), e, format('%s: %s', k, e)) from (values
  ('writes', 'Hi you in town, Here'), ('reads people', 'Hi Ann in town, Here'), ('reads houses', 'Hi you in Fairpond, Here'), ('owner', 'Hi Ann in Fairpond, Here')) x (k, e);
select is(tests.said(k, tests.previewed('Is {property_address} yours?')), e, format('%s: %s', k, e)) from (values ('writes', 'PT422 missing_value'), ('reads people', 'PT422 missing_value'),
  ('reads houses', 'Is 1 Example Street yours?')) x (k, e);

select * from finish();
rollback;
