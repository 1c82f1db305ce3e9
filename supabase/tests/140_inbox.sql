-- The inbox: what is listed by which filters, who has read what, and what is done to many at once.
begin;
select plan(167);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;

-- Talks at here, each a minute newer than the one before; people joined now(), so what is said after it is new to them.
create function tests.talk(p_name text, p_nth int, p_phones text[], p_at text default 'here') returns void language sql as $$
  insert into public.conversations (id, location_id, phone_number_id, participants, contact_id)
    values (tests.id(p_name), tests.id(p_at), tests.id(p_at || ' number'), p_phones, private.contact_by_phone(tests.id(p_at), p_phones[1]))
$$;
create function tests.say(p_talk text, p_nth int, p_direction text default 'incoming', p_campaign text default null, p_system boolean default false)
returns void language sql as $$
  insert into public.messages (id, location_id, conversation_id, phone_number_id, contact_id, external_id, direction, from_phone, to_phone, to_phones, status, source,
      occurred_at, body, campaign_id, is_system)
    select tests.id(p_talk || ' ' || p_nth), c.location_id, c.id, c.phone_number_id, c.contact_id, p_talk || p_nth, p_direction, c.participants[1], c.participants[1],
      c.participants, case p_direction when 'incoming' then 'received' else 'sent' end, 'vendor', now() + make_interval(mins => p_nth),
      p_talk || ' says ' || p_nth, tests.id(p_campaign), p_system
    from public.conversations c where c.id = tests.id(p_talk)
$$;
insert into public.phone_numbers (id, location_id, e164) values (tests.id('here number'), tests.id('here'), '+16175550171'),
  (tests.id('here second'), tests.id('here'), '+16175550173'), (tests.id('there number'), tests.id('there'), '+16175550172');
insert into public.contacts (id, location_id, first_name, last_name, display_name, phone, contact_type, is_employee) values
  (tests.id('rita'), tests.id('here'), 'Rita', 'Broker', 'Rita Broker', '+16175550110', 'realtor', false),
  (tests.id('emil'), tests.id('here'), 'Emil', 'Worker', 'Emil Worker', '+16175550111', 'homeowner', true);
select tests.talk('ann', 1, '{+16175550101}'), tests.talk('rita', 2, '{+16175550110}'), tests.talk('emil', 3, '{+16175550111}'),
  tests.talk('group', 4, '{+16175550101,+16175550110}'), tests.talk('cold', 5, '{+16175550120}'), tests.talk('warm', 6, '{+16175550121}'),
  tests.talk('ours', 7, '{+16175550122}'), tests.talk('caller', 8, '{+16175550123}'), tests.talk('empty', 9, '{+16175550124}'),
  tests.talk('theirs', 1, '{+16175550102}', 'there');
select tests.say('emil', 1), tests.say('ann', 2), tests.say('rita', 3), tests.say('rita', 4, 'outgoing'), tests.say('group', 5),
  tests.say('cold', 6, 'outgoing', 'spring'), tests.say('warm', 7, 'outgoing', 'spring'), tests.say('warm', 8), tests.say('ours', 9, 'outgoing'), tests.say('theirs', 3);
insert into public.calls (id, location_id, conversation_id, phone_number_id, external_id, direction, phone, status, occurred_at, answered_by)
  values (tests.id('call'), tests.id('here'), tests.id('caller'), tests.id('here number'), 'ACcall', 'incoming', '+16175550123', 'missed', now() + interval '10 minutes', null);
insert into public.media (location_id, conversation_id, message_id, source_url) values (tests.id('here'), tests.id('ann'), tests.id('ann 2'), 'https://files.example.com/a');
update public.conversations set stage = 'quoted', starred = true, assigned_to = tests.id('admin') where id = tests.id('rita');
update public.conversations set archived_at = now() where id = tests.id('ours');
create table tests.names as select tests.id(n) as id, n from unnest('{ann,rita,emil,group,cold,warm,ours,caller,empty,theirs}'::text[]) n;
grant select on tests.names to public;
create function tests.inbox(p_filters text, p_actor text default 'owner', p_more text default '') returns text language sql as $$
  select tests.answer(p_actor, format('select string_agg(n.n, '' '' order by x.nth) from list_inbox(tests.id(''here''), %L%s) with ordinality
    x (id, a2, a3, a4, a5, a6, pinned, unread, unread_count, last_at, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, nth)
    join tests.names n using (id)', p_filters, p_more))
$$;

-- Who.
select is(tests.probe(a, 'select * from list_inbox(tests.id(''here''))'), e, a || ' and the inbox') from (values ('owner', '6 rows'), ('admin', '6 rows'), ('both', '6 rows'),
  ('marketer', 'PT403 not_permitted'), ('technician', 'PT403 not_permitted'), ('other_owner', 'PT403 not_permitted'), ('dormant', 'PT403 not_permitted'),
  ('dismissed', 'PT403 not_permitted'), ('stranger', 'PT403 not_permitted'), ('anon', '42501'), ('service_role', '42501')) x (a, e);
select is(tests.probe(a, f), 'PT404 not_found', a || ' learns nothing: ' || f) from unnest('{marketer,technician,other_owner,stranger}'::text[]) a,
  unnest(array['select * from conversation_thread(tests.id(''ann''))', 'select person_context(p_conversation => tests.id(''ann''))',
    'select person_context(tests.id(''rita''))', 'select mark_read(tests.id(''ann''))', 'select mark_unread(tests.id(''ann''))',
    'select bulk_conversations(array[tests.id(''ann'')], ''star'')']) f;
select is(tests.answer('marketer', 'select count(*) from ' || t), '0', 'a marketer reads no row of ' || t) from unnest('{conversations,messages,calls,media,voicemails,conversation_reads,outbound,send_holds}'::text[]) t;

-- What is listed.
select is(tests.inbox('{}'), 'emil caller warm group rita ann', 'employees first, then the newest; no empty one, nothing archived, no campaign nobody answered');
select is(tests.inbox(f), e, f || ' gives ' || coalesce(e, 'nothing')) from (values
  ('{"hide_campaigns": false}', 'emil caller warm cold group rita ann'), ('{"archived": true}', 'ours'), ('{"groups": true}', 'group'),
  ('{"groups": false}', 'emil caller warm rita ann'), ('{"needs_reply": true}', 'emil caller warm group ann'), ('{"needs_reply": false}', 'rita'),
  ('{"has_media": true}', 'ann'), ('{"calls": true}', 'caller'), ('{"campaign_replies": true}', 'warm'), ('{"starred": true}', 'rita'),
  ('{"stages": ["quoted", "done"]}', 'rita'), ('{"assigned_to": "anyone"}', 'rita'), ('{"assigned_to": "me"}', null), ('{"assigned_to": "nobody"}', 'emil caller warm group ann'),
  ('{"contact_types": ["realtor", "builder"]}', 'rita'), ('{"channel": "sms"}', 'emil caller warm group rita ann'), ('{"channel": "email"}', null),
  ('{"search": "rita"}', 'group rita'), ('{"search": "617 555 0101"}', 'group ann'), ('{"search": "(617) 555-0120", "hide_campaigns": false}', 'cold'), ('{"search": "nobody at all"}', null),
  ('{"search": " "}', 'emil caller warm group rita ann'), ('{"unread": true}', 'emil caller warm group rita ann'), ('{"unread": false}', null),
  ('{"unread": null, "starred": null}', 'emil caller warm group rita ann'), ('{"needs_reply": true, "has_media": true, "unread": true}', 'ann'),
  ('{"starred": true, "has_media": true}', null)) x (f, e);
select is(tests.inbox(jsonb_build_object('numbers', array[tests.id('here second')])::text), null, 'by the number they wrote to');
select is(tests.inbox(jsonb_build_object('numbers', array[tests.id('here number')])::text), 'emil caller warm group rita ann', 'and all of it');
select is(tests.inbox(jsonb_build_object('assigned_to', tests.id('admin'))::text), 'rita', 'by whom they are given to');
select is(tests.inbox('{"assigned_to": "me"}', 'admin'), 'rita', 'me is who asks');
select is(tests.inbox(jsonb_build_object('since', now() + interval '3 minutes', 'until', now() + interval '8 minutes')::text), 'group rita', 'from an instant on, up to another');
select is(tests.inbox(f), 'PT422 ' || e, f || ': ' || e) from (values ('{"colour": "red"}', 'invalid_filter'), ('{"colour": null}', 'invalid_filter'), ('{"unread": "yes"}', 'invalid_filter'),
  ('{"stages": "quoted"}', 'invalid_filter'), ('{"stages": ["sold"]}', 'invalid_filter'), ('{"stages": []}', 'invalid_filter'), ('{"numbers": ["1"]}', 'invalid_filter'),
  ('{"assigned_to": "him"}', 'invalid_filter'), ('{"since": "yesterday"}', 'invalid_filter'), ('{"since": "2026-02-31T00:00:00Z"}', 'invalid_filter'), ('{"since": "2026-01-01T00:00:00"}', 'invalid_filter'),
  ('{"channel": "fax"}', 'invalid_filter'), ('[]', 'invalid_filter'), ('{"contact_types": ["x'' or true --"]}', 'invalid_filter'),
  ('{"search": "a b c d e f g h i j k"}', 'query_too_long')) x (f, e);
create table tests.said (detail text);
do $$ begin
  perform tests.become('owner');
  perform * from list_inbox(tests.id('here'), '{"colour": 1, "unread": "x"}');
exception when sqlstate 'PT422' then
  declare v text; begin
    get stacked diagnostics v = pg_exception_detail;
    perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
    insert into tests.said values (v);
  end;
end $$;
select is(detail, 'There is no filter colour. unread must be true or false.', 'every wrong filter is named') from tests.said;

-- Pages.
select is(tests.inbox('{}', 'owner', ', null, 2'), 'emil caller warm', 'a page of two, and who is pinned');
select is(tests.inbox('{}', 'owner', format(', %L, 2', jsonb_build_object('last_at', now() + interval '8 minutes', 'id', tests.id('warm')))), 'group rita', 'the next goes on where it ended, without the pinned');
select is(tests.inbox('{}', 'owner', m), 'PT422 ' || e, e || ': ' || m) from (values (', null, 0', 'invalid_limit'), (', null, 101', 'invalid_limit'), (', ''{"id": 1}''', 'invalid_cursor'),
  (', ''{"last_at": "x", "id": "x"}''', 'invalid_cursor')) x (m, e);

-- What a row says.
select set_config('request.jwt.claims', claims::text, true) from tests.people where name = 'owner';
create table tests.rows as select * from list_inbox(tests.id('here'), '{"hide_campaigns": false}');
select set_config('request.jwt.claims', '', true);
select is((select row(name, phone, is_group, pinned, unread, unread_count, media_count, address, city)::text from tests.rows where id = tests.id('ann')),
  '("Ann Sample",+16175550101,f,f,t,1,1,"1 Example Street",Fairpond)', 'name, number, unread, media and the house');
select is((select name from tests.rows where id = tests.id('group')), 'Ann Sample, Rita Broker', 'a group is called by its people');
select is((select jsonb_array_length(participants) from tests.rows where id = tests.id('group')), 2, 'and names each');
select is((select name from tests.rows where id = tests.id('cold')), '+16175550120', 'who has no name is called by his number');
select is((select row(campaign_id = tests.id('spring'), is_campaign_reply)::text from tests.rows where id = tests.id('warm')), '(t,t)', 'an answer says to which campaign');
select is((select row(stage, assigned_to = tests.id('admin'), assigned_name, starred)::text from tests.rows where id = tests.id('rita')), '(quoted,t,Admin,t)', 'how it is sorted');
select is((select pinned from tests.rows where id = tests.id('emil')), true, 'an employee is pinned');
insert into opt_outs (location_id, phone) values (tests.id('there'), '+16175550101');
insert into send_holds (location_id, phone, reason, opened_at) values (tests.id('here'), '+16175550110', 'Doubt.', now());
select is(tests.answer('owner', 'select string_agg(name || opted_out || held, '' '' order by name) from list_inbox(tests.id(''here''), ''{"contact_types": ["realtor"]}'')'), 'Rita Brokerfalsetrue', 'a hold shows');
select is(tests.inbox('{"held": true}'), 'group rita', 'and may be asked for: who is in it, in groups too');
select is(tests.inbox('{"held": false, "has_media": true}'), 'ann', 'or left out');
select is(tests.answer('owner', 'select opted_out from list_inbox(tests.id(''here''), ''{"has_media": true}'')'), 'true', 'so does an opt-out, wherever it was made');

-- Reading. Each has his own marks; what was said before somebody joined is read.
select is(tests.answer('owner', 'select mark_read(tests.id(''ann''))'), 'false', 'nothing is unread after it');
select is(tests.inbox('{"unread": true}'), 'emil caller warm group rita', 'what is read is no more among the unread');
select is(tests.inbox('{"unread": true}', 'admin'), 'emil caller warm group rita ann', 'to his colleague it is');
select is(tests.answer('owner', 'select read_to from conversation_reads where conversation_id = tests.id(''ann'')')::timestamptz, now() + interval '2 minutes', 'up to the newest there is, not into the future');
select tests.say('ann', 20);
select is(tests.inbox('{"unread": true, "has_media": true}'), 'ann', 'what comes in next is unread again');
select tests.say('ann', 21), tests.say('ann', 22, 'outgoing');
select is(tests.answer('owner', 'select unread_count from list_inbox(tests.id(''here''), ''{"has_media": true}'')'), '2', 'counted from where he stopped, without our own');
select is(tests.answer('owner', format('select mark_read(tests.id(''ann''), %L)', now() + interval '20 minutes')), 'true', 'read up to what he saw: something came in meanwhile');
select is(tests.answer('owner', 'select unread_count from list_inbox(tests.id(''here''), ''{"has_media": true}'')'), '1', 'that one is left');
select is(tests.answer('owner', 'select mark_read(tests.id(''ann''), ''2999-01-01 00:00Z'')'), 'false', 'a fast clock marks as read what is there');
select tests.say('ann', 23);
select is(tests.inbox('{"unread": true, "has_media": true}'), 'ann', 'and not what is not');
select is(tests.answer('owner', 'select mark_read(tests.id(''ann''))::text || mark_unread(tests.id(''ann''))::text'), 'falsetrue', 'marked unread again');
select is(tests.answer('owner', 'select unread_count from list_inbox(tests.id(''here''), ''{"has_media": true}'')'), '1', 'the newest counts');
select is(tests.answer('owner', 'select mark_unread(tests.id(''ours''))'), 'true', 'also where nothing came in');
select tests.talk('old', 1, '{+16175550130}');
select tests.say('old', -5);
select is(tests.answer('owner', 'select unread from list_inbox(tests.id(''here''), ''{"until": "' || now() || '"}'')'), 'false', 'what is older than the membership counts as read');
select is(tests.answer('owner', 'select unread_counts(tests.id(''here''))'),
  '{"todos": 0, "needs_reply": 6, "conversations": 6, "notifications": 0, "todos_overdue": 0}', 'the badges: six unread, of which the archived is none');
select is(tests.answer('technician', 'select unread_counts(tests.id(''here''))'),
  '{"todos": 0, "needs_reply": null, "conversations": null, "notifications": 0, "todos_overdue": 0}', 'a technician has no inbox to count');
select is(tests.answer('other_owner', 'select unread_counts(tests.id(''here''))'), 'PT403 not_permitted', 'nor a stranger badges');

-- Sorting by hand.
select is(tests.act('owner', 'update conversations set archived_at = ''2001-01-01 00:00Z'' where id = tests.id(''ann'')'), '1 rows', 'archived by PATCH');
select ok((select archived_at > now() - interval '1 minute' from conversations where id = tests.id('ann')), 'at the database''s instant');
select tests.say('ann', 24, 'outgoing');
select isnt((select archived_at from conversations where id = tests.id('ann')), null, 'what we say leaves it there');
select tests.say('ann', -9);
select isnt((select archived_at from conversations where id = tests.id('ann')), null, 'so does what was said long ago and comes late');
select tests.say('ann', 25);
select is((select archived_at from conversations where id = tests.id('ann')), null, 'what they say brings it back');
select is(tests.probe('owner', format('update conversations set assigned_to = tests.id(%L) where id = tests.id(''ann'')', w)), e, 'given to ' || w || ': ' || e) from (values ('admin', '1 rows'), ('both', '1 rows'),
  ('marketer', 'PT422 invalid_assignee'), ('technician', 'PT422 invalid_assignee'), ('dormant', 'PT422 invalid_assignee'), ('dismissed', 'PT422 invalid_assignee'), ('other_owner', 'PT422 invalid_assignee')) x (w, e);
select is(tests.probe('owner', format('update conversations set %s where id = tests.id(''ann'')', w)), '42501', 'nobody writes ' || w) from unnest(array['last_at = now()', 'needs_reply = false',
  'location_id = tests.id(''there'')', 'contact_id = null', 'has_words = false']) w;
create function tests.bulk(p_names text, p_action text, p_value text default 'null', p_actor text default 'owner') returns text language sql as $$
  select tests.answer(p_actor, format('select bulk_conversations(array(select tests.id(x) from unnest(%L::text[]) x), %L, %s)', p_names, p_action, p_value))
$$;
select is(tests.bulk('{ann,rita}', a, v), '2', 'two at once: ' || a || ' ' || v) from (values ('star', 'null'), ('archive', 'null'), ('unarchive', 'null'), ('stage', '''done'''), ('unread', 'null'), ('read', 'null'),
  ('assign', quote_literal(tests.id('both')))) x (a, v);
select is((select string_agg(starred || stage || (archived_at is null) || (assigned_to = tests.id('both')), ' ') from conversations where id in (tests.id('ann'), tests.id('rita'))), 'truedonetruetrue truedonetruetrue', 'and so they are');
select is(tests.bulk('{ann}', 'assign'), '1', 'taken back from him');
select is(tests.bulk('{ann,theirs}', 'unstar'), 'PT404 not_found', 'all of them, or none');
select is((select starred from conversations where id = tests.id('ann')), true, 'none it was');
select is(tests.bulk('{ann,theirs}', 'unstar', p_actor => 'both'), '2', 'who works at both sorts both');
select is(tests.bulk(n, a, v), 'PT422 ' || e, a || ' ' || v || ': ' || e) from (values ('{ann}', 'delete', 'null', 'invalid_value'), ('{ann}', 'stage', '''sold''', 'invalid_value'), ('{ann}', 'stage', 'null', 'invalid_value'),
  ('{ann}', 'assign', '''him''', 'invalid_value'), ('{ann}', 'assign', quote_literal(tests.id('technician')), 'invalid_assignee'), ('{}', 'star', 'null', 'too_many_rows')) x (n, a, v, e);
select is(tests.answer('owner', 'select bulk_conversations(array(select gen_random_uuid() from generate_series(1, 201)), ''star'')'), 'PT422 too_many_rows', 'no more than 200');

-- Who leaves the office keeps nothing of it.
insert into notifications (user_id, location_id, kind, title, dedupe_key) values (tests.id('both'), tests.id('here'), 'message', 'Text from +16175550110', 'x');
update location_members set role = 'technician' where user_id = tests.id('both') and location_id = tests.id('here');
select is((select assigned_to from conversations where id = tests.id('rita')), null, 'a conversation is given back');
select is((select count(*) from notifications where user_id = tests.id('both') and location_id = tests.id('here')), 0::bigint, 'and what he was told is gone');

-- Kept filters.
select is(tests.answer('owner', 'select save_preference(tests.id(''here''), ''inbox_filters'', ''{"unread": true}'') -> ''inbox_filters'''), '{"unread": true}', 'a person''s filters are kept');
select is(tests.answer('owner', 'select save_preference(tests.id(''here''), ''inbox_filters'', ''' || v || ''')'), e, v || ': ' || e) from (values ('{"colour": 1}', 'PT422 invalid_filter'), ('"unread"', 'PT422 invalid_setting')) x (v, e);

select * from finish();
rollback;
