-- Opting out by hand, by carrier, by decision; what ends it and who comes back into lists; the report.
begin;
select plan(114);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into phone_numbers (id, location_id, e164) values (tests.id('number'), tests.id('here'), '+16175550190'), (tests.id('far number'), tests.id('there'), '+16175550191');
create function tests.say(p_phone text, p_body text, p_id text default null) returns text language sql as $$
  with m as (insert into public.messages (id, location_id, conversation_id, phone_number_id, contact_id, external_id, direction, body, from_phone, to_phone, to_phones,
      status, source, occurred_at) select tests.id(coalesce(p_id, p_body)), tests.id('here'), private.conversation_for(tests.id('here'), tests.id('number'), array[p_phone]),
      tests.id('number'), private.contact_for_phone(tests.id('here'), p_phone), 'AC' || coalesce(p_id, p_body), 'incoming', p_body, p_phone, '+16175550190',
      '{+16175550190}', 'received', 'vendor', clock_timestamp() returning id)
  select string_agg(id::text, '') from m
$$;
create function tests.take(p_phone text, p_body text, p_id text default null) returns text language plpgsql as $$
begin
  perform tests.say(p_phone, p_body, p_id);
  return private.take_keyword(tests.id(coalesce(p_id, p_body)), false, null);
end $$;
create function tests.member() returns text language sql as $$ select status from list_members where contact_id = tests.id('here ann') $$;

-- the words
select tests.only('{owner,admin,marketer,technician,other_owner}', 'read the words', $$ select 1 from text_phrases where phrase = 'STOP' $$);
select is(tests.probe(a, s), '42501', a || ' may not ' || s) from unnest('{owner,service_role}'::text[]) a,
  unnest(array['delete from text_phrases', 'update text_phrases set meaning = ''in''', 'insert into text_phrases (phrase, meaning, matches) values (''x'', ''in'', ''whole'')']) s;
select is(tests.probe(a, $$ select private.take_keyword(tests.id('x'), false, null) $$), '42501', a || ' takes no keyword by hand') from unnest('{owner,service_role}'::text[]) a;

-- in and out of lists
select is(tests.take('+16175550101', 'STOP'), 'opt_out', 'she writes STOP');
select is(tests.member(), 'suppressed', 'and is suppressed in her list');
select is(tests.take('+16175550101', 'START'), 'opt_in', 'she writes START');
select is(tests.member(), 'active', 'and is active in it again');
select tests.take('+16175550101', 'quit');
insert into contact_flags (location_id, phone, flag) values (tests.id('here'), '+16175550101', 'do_not_contact');
select tests.take('+16175550101', 'unstop');
select is(tests.member(), 'suppressed', 'who is suppressed by something else as well stays so');
delete from contact_flags where phone = '+16175550101';
update list_members set status = 'active' where contact_id = tests.id('here ann');
select tests.act('owner', $$ update list_members set status = 'suppressed' where contact_id = tests.id('here ann') $$);
select tests.take('+16175550101', 'stop now'), tests.take('+16175550101', 'resubscribe');
select is(tests.member(), 'suppressed', 'so does whom a person suppressed by hand');
select tests.act('owner', $$ update list_members set status = 'active' where contact_id = tests.id('here ann') $$);
select tests.take('+16175550101', 'end');
select is(tests.act('owner', $$ select revoke_opt_out('+16175550101', 'called us') $$), '1 rows', 'an owner lifts it');
select is(tests.member(), 'active', 'which restores her, too');
select is((select string_agg(event, ' ' order by id) from opt_out_events where phone = '+16175550101'),
  'opted_out revoked opted_out revoked opted_out revoked opted_out revoked', 'and each of it is history');
select is((select count(*) from audit_log where table_name = 'opt_outs' and action = 'insert' and location_id = tests.id('here')), 4::bigint, 'and in the audit log');

-- by hand
select tests.only('{owner,admin}', 'opt a number out by what they were told', $$ select opt_out_number(tests.id('here'), '+16175550150', 'phone_call', 'rang at nine') $$, 'PT403 not_permitted');
select is(tests.probe('owner', s), e, 'an owner gets ' || e || ': ' || s) from (values
  ('PT422 invalid_value', $$ select opt_out_number(tests.id('here'), '617-555-0150', 'email') $$), ('PT422 invalid_value', $$ select opt_out_number(tests.id('here'), null, 'email') $$),
  ('PT422 invalid_value', $$ select opt_out_number(tests.id('here'), '+16175550150', 'pigeon') $$), ('PT422 invalid_value', $$ select opt_out_number(tests.id('here'), '+16175550150', null) $$),
  ('PT422 invalid_value', $$ select opt_out_number(tests.id('here'), '+16175550150', 'email', repeat('x', 2001)) $$),
  ('PT403 not_permitted', $$ select opt_out_number(tests.id('there'), '+16175550150', 'email') $$)) x (e, s);
select tests.take('+16175550150', 'cancel');
select is(tests.act('admin', $$ select opt_out_number(tests.id('here'), '+16175550150', 'in_person', ' at the fair ') $$), '1 rows', 'said at the fair, who had written before');
select is((select string_agg(concat_ws('/', method, channel, note, revoked_at is null), ' ' order by method) from opt_outs where phone = '+16175550150'),
  'keyword/f manual/in_person/at the fair/t', 'takes the place of the text');
select tests.take('+16175550150', 'start', 'start again');
select is((select count(*) from opt_outs where phone = '+16175550150' and revoked_at is null), 1::bigint, 'and outlives a START');
select is(tests.act('admin', $$ select opt_out_number(tests.id('here'), '+16175550150', 'email') $$), '1 rows', 'said again it is the same');
select is((select count(*) from opt_outs where phone = '+16175550150'), 2::bigint, 'one row');
select is(tests.probe('other_owner', $$ select opt_out_number(tests.id('there'), '+16175550150', 'email') $$), 'PT409 already_exists', 'out at one location is out at all');
select is((select reason from opt_out_events where phone = '+16175550150' and method = 'manual'), 'at the fair', 'history keeps the note');

-- by the carrier
create function tests.sent(p_phone text, p_id text) returns void language sql as $$
  select private.place_text(tests.id('here'), tests.id('number'), 'conversation', array[p_phone], p_id, p_id => tests.id(p_id))
$$;
create function tests.fail(p_id text, p_code text) returns void language sql as $$
  select private.opt_out_by_carrier((select message_id from outbound where id = tests.id(p_id)), p_code, null)
$$;
select tests.sent('+16175550151', 'a'), tests.fail('a', '30007'), tests.fail('a', null), tests.fail('a', '30005');
select is((select count(*) from opt_outs where phone = '+16175550151'), 0::bigint, 'a filtered, dead or unexplained number is no opt-out');
select tests.fail('a', '21610'), tests.fail('a', '21610'), tests.fail('a', 'Opted out');
select is((select string_agg(concat_ws(' ', method, keyword), ',') from opt_outs where phone = '+16175550151'), 'carrier 21610', 'an unsubscribed one is, once');
select is((select state || ' ' || rule from outbound where id = tests.id('a')), 'cancelled opted_out', 'and what waits for it is cancelled');
select private.opt_out_by_carrier(tests.id('STOP'), '21610', null);
select is((select count(*) from opt_outs where phone = '+16175550101' and method = 'carrier'), 0::bigint, 'what came in says nothing of a carrier');

-- doubt
select is(tests.take('+16175550152', 'cancel my 3pm'), 'hold', 'a keyword in a sentence is doubt');
create function tests.hold() returns uuid language sql security definer as $$ select id from public.send_holds where phone = '+16175550152' and resolved_at is null $$;
create function tests.decide(p_decision text, p_reason text default 'read it') returns text language sql as
  $$ select format('select resolve_hold(%L, %L, %L)', tests.hold(), p_decision, p_reason) $$;
select tests.only('{owner,admin}', 'decide on a hold', tests.decide('release'), 'PT404 not_found');
select is(tests.probe('owner', s), e, 'an owner gets ' || e || ': ' || s) from (values ('PT422 invalid_value', tests.decide('perhaps')), ('PT422 invalid_value', tests.decide(null)),
  ('PT422 reason_required', tests.decide('release', ' ')), ('PT422 reason_required', tests.decide('opt_out', null)), ('PT404 not_found', $$ select resolve_hold(null, 'release', 'x') $$)) x (e, s);
select is(tests.act('admin', tests.decide('release')), '1 rows', 'the visit was meant: it is released');
select is((select concat_ws(' ', decision, decision_reason, resolved_by = tests.id('admin')) from send_holds where phone = '+16175550152'), 'release read it t', 'with reason and person');
select is((select count(*) from opt_outs where phone = '+16175550152'), 0::bigint, 'nobody is out');
select is((select status from todos where dedupe_key = 'hold:+16175550152'), 'done', 'and the todo is done');
select is(tests.probe('owner', format('select resolve_hold(%L, ''opt_out'', ''no'')', (select id from send_holds where phone = '+16175550152'))), 'PT409 already_decided', 'it is decided once');
select throws_ok($$ update send_holds set decision = 'opt_out' where phone = '+16175550152' $$, 'PT405', 'append_only', 'and not rewritten');
select throws_ok($$ delete from send_holds where phone = '+16175550152' $$, 'PT405', 'append_only', 'nor taken away');
select is(tests.take('+16175550152', 'Stopp'), 'hold', 'another doubt');
select is((select count(*) from send_holds where phone = '+16175550152'), 2::bigint, 'is another hold');
select is(tests.act('owner', tests.decide('opt_out', 'he means it')), '1 rows', 'now it was meant');
select is((select concat_ws(' ', method, channel, note, message_id = tests.id('Stopp')) from opt_outs where phone = '+16175550152'), 'manual text he means it t', 'which opts out, on the text''s ground');

-- old texts
select tests.say('+16175550154', 'Stopp', 'old a'), tests.say('+16175550155', 'unsub', 'old b');
select private.take_keyword(tests.id(m), true, null) from unnest('{old a,old b}'::text[]) m;
create function tests.old(p_phone text) returns text language sql as $$
  select format('select resolve_hold(%L, ''release'', ''long ago'')', (select id from public.send_holds where phone = p_phone and resolved_at is null)) $$;
create function tests.todo() returns text language sql as $$ select string_agg(status, ' ') from public.todos where dedupe_key = 'holds:old' and location_id = tests.id('here') $$;
select tests.act('owner', tests.old('+16175550154'));
select is(tests.todo(), 'open', 'old doubts are one todo, open while one is undecided');
select tests.act('owner', tests.old('+16175550155'));
select is(tests.todo(), 'done', 'and done with the last');

-- the report
select tests.only('{owner,admin}', 'read the report', $$ select opt_out_report(tests.id('here')) $$, 'PT403 not_permitted');
select is(tests.answer('owner', $$ select opt_out_report(tests.id('here')) - 'recent' - 'by_keyword' $$)::jsonb,
  '{"in_force": 3, "ever": 8, "days": 30, "lately": 8, "revoked_lately": 5, "by_method": [{"name": "keyword", "count": 5}, {"name": "manual", "count": 2},
    {"name": "carrier", "count": 1}], "open_holds": 0, "texted": 0, "opted_out": 0, "rate": null}', 'the report counts');
update messages set status = 'delivered', sent_at = clock_timestamp() where id = (select message_id from outbound where id = tests.id('a'));
insert into opt_outs (location_id, phone) values (tests.id('here'), '+16175550153');
select is(tests.answer('owner', $$ select concat_ws(' ', r -> 'texted', r -> 'rate') from opt_out_report(tests.id('here')) r $$), '1 0.0000', 'a rate is of people texted');
select is(tests.answer('owner', $$ select jsonb_array_length(r -> 'recent') from opt_out_report(tests.id('here'), 1) r $$), '9', 'with the newest');
select is(tests.answer('both', $$ select opt_out_report(tests.id('there')) ->> 'ever' $$), '0', 'each location has its own');
select tests.only('{owner,admin}', 'list who is out', $$ select list_opt_outs(tests.id('here'), p_limit => 1) $$, 'PT403 not_permitted');
select is(tests.answer('owner', $$ select count(*) from (select * from list_opt_outs(tests.id('here'), p_limit => 4)) p, lateral (select 1) y $$), '4', 'a page');
select is(tests.answer('owner', $$ with recursive p as (
    (select r.*, 1 as n from list_opt_outs(tests.id('here'), null, null, 1) r)
    union all select r.*, n + 1 from p, lateral list_opt_outs(tests.id('here'), p.opted_out_at, p.id, 1) r) select count(distinct id) || ' of ' || max(n) from p $$), '9 of 9',
  'pages hold each row once');
select tests.only('{owner,admin}', 'take the opt-outs out of the house', $$ select begin_export('opt_outs', tests.id('here')) $$, 'PT403 not_permitted');

select * from finish();
rollback;
