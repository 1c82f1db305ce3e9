-- A thread as it reads, the person beside it, todos, and what of all this is told live.
begin;
select plan(81);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;

insert into public.phone_numbers (id, location_id, e164) values (tests.id('number'), tests.id('here'), '+16175550171');
insert into public.conversations (id, location_id, phone_number_id, participants, contact_id) values
  (tests.id('talk'), tests.id('here'), tests.id('number'), '{+16175550101}', tests.id('here ann')),
  (tests.id('group'), tests.id('here'), tests.id('number'), '{+16175550101,+16175550150}', null);
update public.profiles set openphone_user_id = 'USadmin' where id = tests.id('admin');
create function tests.text(p_name text, p_mins int, p_direction text, p_body text, p_by text default null, p_talk text default 'talk') returns void language sql as $$
  insert into public.messages (id, location_id, conversation_id, phone_number_id, contact_id, external_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at, body, sent_by)
    values (tests.id(p_name), tests.id('here'), tests.id(p_talk), tests.id('number'), tests.id('here ann'), p_name, p_direction, '+16175550101', '+16175550101', '{+16175550101}',
      case p_direction when 'incoming' then 'received' else 'sent' end, 'vendor', now() + make_interval(mins => p_mins), p_body, tests.id(p_by))
$$;
select tests.text('t1', 1, 'incoming', 'The cellar is wet.'), tests.text('t2', 2, 'outgoing', 'We come.', 'owner'), tests.text('g1', 3, 'incoming', 'Both of us.', null, 'group');
insert into public.calls (id, location_id, conversation_id, phone_number_id, contact_id, external_id, direction, phone, status, occurred_at, answered_by, summary, dialogue, duration_s)
  values (tests.id('call'), tests.id('here'), tests.id('talk'), tests.id('number'), tests.id('here ann'), 'AC1', 'incoming', '+16175550101', 'completed', now() + interval '3 minutes', 'USadmin', '{Wet}', '[]', 61);
insert into public.call_recordings (id, location_id, call_id, external_id) values (tests.id('recording'), tests.id('here'), tests.id('call'), 'CR1');
insert into public.voicemails (id, location_id, conversation_id, external_id, phone, occurred_at, transcript) values
  (tests.id('voicemail'), tests.id('here'), tests.id('talk'), 'VM1', '+16175550101', now() + interval '4 minutes', 'Call me.');
insert into public.media (location_id, conversation_id, message_id, recording_id, source_url, status, storage_path, sha256) values
  (tests.id('here'), tests.id('talk'), tests.id('t1'), null, 'https://files.example.com/a', 'stored', 'x/photo.jpg', repeat('a', 64)),
  (tests.id('here'), tests.id('talk'), null, tests.id('recording'), 'https://files.example.com/b', 'stored', 'x/call.mp3', repeat('b', 64));
insert into public.notes (location_id, contact_id, conversation_id, body, created_at, created_by) values
  (tests.id('here'), null, tests.id('group'), 'Talk to both.', now() + interval '9 minutes', tests.id('admin'));
update public.notes set created_at = now() + interval '5 minutes' where id = tests.id('here note');
create function tests.thread(p_what text, p_talk text default 'talk', p_more text default '') returns text language sql as $$
  select tests.answer('owner', format('select string_agg(coalesce(%s, ''-''), '' | '' order by nth) from conversation_thread(tests.id(%L)%s) with ordinality x (kind, id, occurred_at, direction, author, item, media, nth)',
    p_what, p_talk, p_more))
$$;

-- The thread.
select is(tests.thread('kind'), 'note | voicemail | call | message | message', 'all that was said, the newest first, with what is noted of the person');
select is(tests.thread('author ->> ''name'''), '- | Ann Sample | Ann Sample | Owner | Ann Sample', 'who said it');
select is(tests.thread('item ->> ''answered_by'''), replace('- | - | {"name": "Admin", "user_id": "ID"} | - | -', 'ID', tests.id('admin')::text), 'who took the call, by his name at the vendor');
select is(tests.thread('media #>> ''{0,storage_path}'''), '- | - | x/call.mp3 | - | x/photo.jpg', 'pictures and recordings by their place in Storage');
select is(tests.thread('coalesce(item ->> ''body'', item ->> ''transcript'', item ->> ''duration_s'')'), 'Cellar is wet. | Call me. | 61 | We come. | The cellar is wet.', 'what was said');
select is(tests.thread('item ->> ''has_transcript'''), '- | - | true | - | -', 'whether there are words of a call');
select is(tests.thread('kind', 'group'), 'note | message', 'a group has its own, and no person''s notes');
select is(tests.thread('kind', 'talk', ', null, 2'), 'note | voicemail', 'a page');
select is(tests.thread('kind', 'talk', format(', %L, 2', jsonb_build_object('occurred_at', now() + interval '4 minutes', 'id', tests.id('voicemail')))), 'call | message', 'and the next');
select is(tests.thread('kind', 'talk', ', null, 101'), 'PT422 invalid_limit', 'not all at once');
select is(tests.thread('kind', 'talk', ', ''{"id": "x"}'''), 'PT422 invalid_cursor', 'a page begins after a row');
select ok(tests.answer('owner', 'select * from (select item::text || media::text from conversation_thread(tests.id(''talk''))) x') !~ 'files.example.com', 'the vendor''s addresses are not in it');

-- The person.
insert into public.todos (location_id, title, contact_id) values (tests.id('here'), 'Call Ann', tests.id('here ann'));
insert into public.send_holds (id, location_id, phone, reason, opened_at) values (tests.id('hold'), tests.id('here'), '+16175550101', 'Doubt.', now());
insert into public.contact_tags (location_id, contact_id, tag_id) values (tests.id('here'), tests.id('here ann'), tests.id('here tag'));
create function tests.context(p_path text, p_asked text default 'p_conversation => tests.id(''talk'')') returns text language sql as $$
  select tests.answer('owner', format('select person_context(%s) #>> %L', p_asked, p_path))
$$;
select is(tests.context(p), e, p || ' is ' || e) from (values ('{contact,name}', 'Ann Sample'), ('{numbers,0,phone}', '+16175550101'), ('{numbers,0,hold,reason}', 'Doubt.'), ('{numbers,0,refusal,rule}', 'held'),
  ('{properties,0,city}', 'Fairpond'), ('{tags,0,name}', 'Warm'), ('{lists,0,name}', 'Spring'), ('{notes,0,body}', 'Cellar is wet.'), ('{todos,0,title}', 'Call Ann'),
  ('{conversations,1,last_preview}', 'Both of us.'), ('{counts,messages}', '3'), ('{conversation,stage}', 'new_lead'), ('{conversation,external_id}', null)) x (p, e);
select is(tests.context('{conversation,id}', 'tests.id(''here ann'')'), tests.id('talk')::text, 'the same by the person');
select is(tests.context('{contact}', 'p_conversation => tests.id(''group'')'), null, 'a group is no one person');
select is(tests.context('{notes,0,body}', 'p_conversation => tests.id(''group'')'), 'Talk to both.', 'and has its notes');
select is(tests.context('{numbers}', ''), 'PT422 invalid_value', 'nobody asked for');
select is(tests.context('{numbers}', 'tests.id(''there ann'')'), 'PT404 not_found', 'a person elsewhere is nobody');

-- Todos.
insert into public.todos (id, location_id, title, contact_id, conversation_id, assigned_to, due_at, priority, dedupe_key, source) values
  (tests.id('todo tech'), tests.id('here'), 'Measure', tests.id('here ann'), tests.id('talk'), tests.id('technician'), now() - interval '1 day', 2, null, 'manual'),
  (tests.id('todo free'), tests.id('here'), 'Look', null, null, null, now() + interval '1 day', 1, 'same', 'rule'),
  (tests.id('todo there'), tests.id('there'), 'Elsewhere', null, null, null, null, 1, null, 'manual');
create function tests.todos(p_actor text, p_more text default '') returns text language sql as $$
  select tests.answer(p_actor, format('select string_agg(title || coalesce('' of '' || contact_name, ''''), '', '') from list_todos(tests.id(''here'')%s)', p_more))
$$;
select is(tests.todos('owner'), 'Look, Measure of Ann Sample, Call Ann of Ann Sample', 'the office sees all, what presses first');
select is(tests.todos('technician'), 'Measure', 'a technician his own, and nobody''s name with it');
select is(tests.answer('technician', 'select num_nonnulls(contact_id, contact_name, conversation_id) from list_todos(tests.id(''here''))'), '0', 'nor whose conversation');
select is(tests.todos('marketer'), null, 'a marketer with none sees none');
select is(tests.todos('owner', ', ''open'', true'), null, 'mine');
select is(tests.todos('owner', ', ''overdue'''), 'Measure of Ann Sample', 'overdue');
select is(tests.todos('owner', format(', ''overdue'', p_now => %L', now() + interval '2 days')), 'Look, Measure of Ann Sample', 'two days later there are two');
select is(tests.todos('owner', ', ''lost'''), 'PT422 invalid_filter', 'no such filter');
select is(tests.todos('owner', ', p_limit => 101'), 'PT422 invalid_limit', 'no such page');
select is(tests.todos('other_owner'), 'PT403 not_permitted', 'not elsewhere');
select is(tests.answer('technician', 'select finish_todos(array[tests.id(''todo tech'')])'), '1', 'a technician finishes his own');
select is((select row(status, done_by = tests.id('technician'), done_at is not null)::text from todos where id = tests.id('todo tech')), '(done,t,t)', 'by whom and when is kept');
select is(tests.todos('owner', ', ''done'''), 'Measure of Ann Sample', 'done');
select is(tests.answer('technician', 'select finish_todos(array[tests.id(''todo tech'')], false)'), '1', 'and takes it back');
select is((select row(status, done_by, done_at)::text from todos where id = tests.id('todo tech')), '(open,,)', 'as if it had not been');
select is(tests.answer('technician', 'select finish_todos(array[tests.id(''todo tech''), tests.id(''todo free'')])'), 'PT404 not_found', 'nobody else''s');
select is(tests.probe('technician', format('update todos set %s where id = tests.id(''todo tech'')', w)), '0 rows', 'nor does he change it: ' || w)
  from unnest(array['assigned_to = tests.id(''marketer'')', 'title = ''x''', 'status = ''done''', 'assigned_to = null']) w;
select is(tests.probe('owner', format('update todos set assigned_to = tests.id(%L) where id = tests.id(''todo free'')', w)), e, 'given to ' || w || ': ' || e) from (values ('technician', '1 rows'), ('marketer', '1 rows'),
  ('other_owner', 'PT422 invalid_assignee'), ('dormant', 'PT422 invalid_assignee'), ('stranger', 'PT422 invalid_assignee')) x (w, e);
select tests.act('owner', 'select finish_todos(array[tests.id(''todo free'')])');
select private.add_todo(tests.id('here'), 'same', 'Look again', null);
select is(tests.answer('owner', 'select finish_todos(array[tests.id(''todo free'')], false)'), '1', 'taken back while the same is open again');
select is((select count(*) from todos where dedupe_key = 'same' and status = 'open'), 1::bigint, 'one is enough');
select private.notify(tests.id('here'), 'message', 'n' || n, 'Text') from generate_series(1, 3) n;
select is(tests.answer('owner', 'select unread_counts(tests.id(''here'')) -> ''notifications'''), '3', 'told of three things');
select is(tests.answer('owner', 'select read_notifications(tests.id(''here''), array(select id from notifications where dedupe_key = ''n1''))'), '1', 'takes note of one');
select is(tests.answer('owner', 'select read_notifications(tests.id(''here''))'), '2', 'then of the others');
select is(tests.answer('owner', 'select unread_counts(tests.id(''here'')) -> ''notifications'''), '0', 'and none is left');
select is((select count(*) from notifications where user_id = tests.id('admin') and read_at is null), 3::bigint, 'his colleague has his own');

-- Live.
create function tests.told(p_sql text, p_actor text default 'postgres') returns text language plpgsql as $$
declare v text;
begin
  delete from realtime.messages;
  v := tests.act(p_actor, p_sql);
  if v not like '% rows' then return v; end if;
  return (select string_agg(concat_ws(' ', split_part(topic, ':', 1), event, payload ->> 'count'), '; ' order by event, topic) from realtime.messages where extension = 'broadcast');
end $$;
select is(tests.told('select tests.text(''t9'', 60, ''incoming'', ''Secret words.'')'), 'location conversation.updated 1; location message.created 1', 'a text is told, and its conversation, once each');
select is(string_agg(k, ' ' order by k), 'conversation_ids count id ids', 'by ids and counts alone: marketers listen too')
  from (select distinct k from realtime.messages, jsonb_object_keys(payload) k where topic like 'location:%') x;
select is((select payload -> 'conversation_ids' ->> 0 from realtime.messages where event = 'message.created'), tests.id('talk')::text, 'and whose it is');
select is(tests.told('update messages set status = ''delivered'' where id = tests.id(''t2'')'), 'location message.updated 1', 'a status is told');
select is(tests.told('update messages set status = ''delivered'' where id = tests.id(''t2'')'), null, 'nothing when nothing changed');
select is(tests.told('update conversations set starred = starred'), null, 'also of conversations');
select is(tests.told('update conversations set starred = true where id = tests.id(''talk'')', 'owner'), 'location conversation.updated 1', 'what a person sorts is told');
select is(tests.told('update calls set summary = ''{Very wet}'' where id = tests.id(''call'')'), 'location call.updated 1', 'so is a call''s summary');
select is(tests.told('insert into call_recordings (location_id, call_id, external_id) values (tests.id(''here''), tests.id(''call''), ''CR2'')'), 'location call.updated 1', 'and its recording');
select is(tests.told('update voicemails set transcript = ''Now.'' where id = tests.id(''voicemail'')'), 'location voicemail.updated 1', 'and a voicemail''s words');
select is(tests.told('update send_holds set resolved_at = now(), decision = ''release'' where id = tests.id(''hold'')'), 'location hold.updated 1', 'and a hold that is decided');
select is(tests.told('select mark_read(tests.id(''talk''))', 'owner'), 'user conversation.read 1', 'what he reads is told to himself alone');
select is(tests.told('select mark_read(tests.id(''talk''))', 'owner'), null, 'once');
select is(tests.told('select read_notifications(tests.id(''here''))', 'admin'), 'user notification.read 3', 'so is what he takes note of');
select is(tests.told('insert into messages (location_id, conversation_id, phone_number_id, external_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
  select tests.id(''here''), tests.id(''talk''), tests.id(''number''), ''m'' || n, ''outgoing'', ''+16175550171'', ''+16175550101'', ''{+16175550101}'', ''sent'', ''vendor'', now() from generate_series(1, 51) n'),
  'location message.created 51', 'more than fifty are told by count');
select is((select jsonb_array_length(payload -> 'ids') from realtime.messages), 0, 'alone');
select is(tests.told('update todos set detail = detail'), null, 'todos that did not change are not told');
select is((select count(distinct topic) from realtime.messages), 0::bigint, 'to nobody');
select tests.told('update todos set title = ''Measure twice'' where id = tests.id(''todo tech'')');
select set_eq($$ select split_part(topic, ':', 2)::uuid from realtime.messages where event = 'todo.updated' $$,
  $$ select tests.id(n) from unnest('{owner,admin,both,dismissed,technician}'::text[]) n $$, 'a todo is told to the office and to whose it is (who is dismissed may not listen)');

select * from finish();
rollback;
