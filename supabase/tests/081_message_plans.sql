-- The inbox must read what it shows and no more: the plans of its filters and of a thread's tables, on some thousand conversations.
begin;
select plan(45);
\i supabase/tests/support/actors.sql

insert into phone_numbers (id, location_id, e164) values (tests.id('number'), tests.id('here'), '+16175550171'), (tests.id('second'), tests.id('here'), '+16175550172');
insert into conversations (id, location_id, phone_number_id, participants, last_at, last_incoming_at, needs_reply, has_media, has_campaign_messages, has_replied,
    has_calls, has_words, starred, stage, assigned_to, archived_at)
  select tests.id('talk ' || n), tests.id('here'), tests.id(case when n % 200 = 0 then 'second' else 'number' end), case when n % 100 = 0 then array['+1617' || 2000000 + n, '+1781' || 2000000 + n]
      else array['+1617' || 2000000 + n] end, now() - make_interval(secs => n), case when n % 100 = 0 then now() + make_interval(secs => 6000 - n) end, n % 100 = 0, n % 100 = 0,
    n % 10 <> 0, n % 100 = 1, n % 100 = 0, n % 10 = 0 or n % 100 = 1, n % 100 = 0, case when n % 100 = 0 then 'quoted' else 'new_lead' end,
    case when n % 100 = 0 then tests.id('owner') end, case when n % 100 = 50 then now() end
  from generate_series(1, 6000) n;
insert into messages (location_id, conversation_id, phone_number_id, external_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
  select tests.id('here'), tests.id('talk ' || n % 6000 + 1), tests.id('number'), 'm' || n, 'outgoing', '+16175550171', '+16172000000', '{+16172000000}', 'sent', 'vendor', now() - make_interval(days => 1, secs => n)
  from generate_series(1, 12000) n;
insert into todos (location_id, title, assigned_to, status, created_at, done_at) select tests.id('here'), 'Todo', case when n % 100 = 0 then tests.id('technician') end,
  case when n % 20 = 0 then 'open' else 'done' end, now() - make_interval(secs => n), now() from generate_series(1, 4000) n;
insert into notifications (user_id, location_id, kind, title, dedupe_key, read_at, created_at)
  select tests.id(case when n % 2 = 0 then 'owner' else 'admin' end), tests.id('here'), 'message', 'Text', n::text, case when n % 100 <> 0 then now() end, now() - make_interval(secs => n) from generate_series(1, 4000) n;
analyze conversations, conversation_reads, messages, todos, notifications;

create function tests.plan_of(p_actor text, p_sql text) returns text language plpgsql as $$
declare v_line text; v_plan text := '';
begin
  perform tests.become(p_actor);
  for v_line in execute 'explain (analyze, costs off, timing off, summary off) ' || p_sql loop v_plan := v_plan || v_line || E'\n'; end loop;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return v_plan;
end $$;
create function tests.list_plan(p_filters text) returns text language sql as $$
  select tests.plan_of('postgres', format('select c.id from conversations c where c.location_id = %L and c.last_at is not null and %s order by c.last_at desc, c.id desc limit 50',
    tests.id('here'), replace(replace(private.inbox_conditions(p_filters::jsonb), '$1', quote_literal(tests.id('here')) || '::uuid'), '$2', quote_literal(tests.id('owner')) || '::uuid')))
$$;
create table tests.lists as select f, i, tests.list_plan(f) as plan from (values ('{}', 'conversations_shown'), ('{"needs_reply": true}', 'conversations_\w+'), ('{"starred": true}', 'conversations_\w+'),
  ('{"has_media": true}', 'conversations_\w+'), ('{"calls": true}', 'conversations_\w+'), ('{"campaign_replies": true}', 'conversations_replies'), ('{"archived": true}', 'conversations_archived'),
  ('{"groups": true}', 'conversations_\w+'), ('{"stages": ["quoted"]}', 'conversations_\w+'), ('{"assigned_to": "me"}', 'conversations_\w+'), ('{"unread": true}', 'conversation\w+'),
  ('{"hide_campaigns": false}', 'conversations_\w+'), ('{"starred": true, "has_media": true, "unread": true}', 'conversation\w+'), ('{"channel": "email"}', 'messages_email'), ('{"held": true}', 'send_holds_open')) x (f, i);
insert into tests.lists select 'numbers', 'conversations_\w+', tests.list_plan(jsonb_build_object('numbers', array[tests.id('second')])::text);
select matches(plan, 'using ' || i || ' ', 'an index serves ' || f) from tests.lists;
select doesnt_match(plan, 'Seq Scan on (conversations|conversation_reads|messages)', 'nothing is read from end to end for ' || f) from tests.lists;
select is((select string_agg(f, ' ') from tests.lists where plan ~ 'Rows Removed by Filter: [1-9]\d{3,}'), null, 'no filter reads by the thousand what it throws away');

create table tests.plans as select what, index_name, tests.plan_of(actor, sql) as plan from (values
  ('owner', 'a conversation''s texts', 'messages_thread', $$select * from messages where conversation_id = tests.id('talk 77') order by occurred_at desc, id desc limit 50$$),
  ('owner', 'the newest conversations', 'conversations_inbox', $$select * from conversations where location_id = tests.id('here') order by last_at desc, id desc limit 50$$),
  ('owner', 'what is open', 'todos_open', $$select * from todos where location_id = tests.id('here') and status = 'open' order by priority, due_at nulls last, created_at limit 50$$),
  ('owner', 'what one was told', 'notifications_mine', $$select * from notifications where user_id = tests.id('owner') order by created_at desc limit 20$$)) x (actor, what, index_name, sql);
select matches(plan, 'Scan using ' || index_name, format('%s: read from %s', what, index_name)) from tests.plans;
select doesnt_match(plan, 'Seq Scan on (messages|conversations|todos|notifications)', what || ': nothing is read from end to end') from tests.plans;
select doesnt_match(plan, '(Filter|Cond):[^\n]*my_locations', what || ': and the caller''s locations are not asked for every row') from tests.plans;

select * from finish();
rollback;
