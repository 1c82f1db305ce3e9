-- The webhook inbox: who may put into it, how rows are claimed, and who sees and replays what is dead.
begin;
select plan(43);
\i supabase/tests/support/actors.sql

-- The door: the key opens one function, and nothing else opens it.
select public.open_inbox(encode(sha256('the key'), 'hex'));
create function tests.knock(p_key text, p_path text, p_body text default '{}') returns text language plpgsql as $$
declare v text;
begin
  perform set_config('request.headers', jsonb_build_object('x-inbox-key', p_key)::text, true), set_config('request.path', p_path, true),
    set_config('request.jwt.claims', '{"role": "anon"}', true), set_config('role', 'anon', true);
  begin
    perform door.check_request();
    v := coalesce((public.receive_webhooks('openphone', jsonb_build_array(jsonb_build_object('event_id', 'd1', 'scheme', 'dated', 'type', 'x', 'body', p_body))) ->> 0), 'null');
  exception when others then v := sqlerrm;
  end;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true), set_config('request.headers', '', true);
  return v;
end $$;
select is(tests.knock('the key', '/rpc/receive_webhooks'), 'true', 'who shows the key puts a webhook in');
select is(tests.knock('the key', '/rpc/receive_webhooks'), 'false', 'the same delivery is kept once');
select is(tests.knock('the key', '/rpc/receive_webhooks', '{"a": 1}'), 'true', 'other words under an id that was given before are kept, too');
select is(tests.knock('the key', '/rpc/receive_webhooks', '{"a": 1}'), 'false', 'and once');
select is(tests.knock('another', '/rpc/receive_webhooks'), 'invalid_inbox_key', 'another key opens nothing');
select is(tests.knock('the key', '/rpc/search_contacts'), 'invalid_inbox_key', 'the key opens no other function');
select is(tests.knock('the key', '/contacts'), 'invalid_inbox_key', 'nor a table');
update private.inbox_keys set named_at = now() - interval '25 hours' where key_hash = encode(sha256('the key'), 'hex');
select is(tests.knock('the key', '/rpc/receive_webhooks'), 'false', 'a key nobody named for a day still opens');
select public.open_inbox(encode(sha256('the next key'), 'hex'));
select is(tests.knock('the key', '/rpc/receive_webhooks'), 'invalid_inbox_key', 'until another is named in its place');
select is(tests.probe(a, $$ select public.receive_webhooks('openphone', '[{"event_id": "d2", "scheme": "dated", "type": "x", "body": "{}"}]') $$),
    case a when 'anon' then '42501' when 'service_role' then '42501' else 'PT403 not_permitted' end, a || ' puts nothing in without it')
  from unnest('{owner,marketer,technician,anon,service_role}'::text[]) a;
select public.close_inbox(encode(sha256('the key'), 'hex'));
select is(tests.knock('the key', '/rpc/receive_webhooks'), 'invalid_inbox_key', 'a key that was closed opens nothing any more');

-- Claims and leases.
delete from private.webhook_events;
create function tests.came(p_id text, p_waits text default null) returns bigint language sql as $$
  insert into private.webhook_events (provider, event_id, scheme, type, body, status, waits_for)
    values ('openphone', p_id, 'dated', 'x', '{}', case when p_waits is null then 'received' else 'parked' end, p_waits) returning id
$$;
select tests.came('e' || n) from generate_series(1, 5) n;
create table tests.claims as select public.claim_webhook_events(3) as c;
select is(jsonb_array_length(c -> 'events'), 3, 'as many as asked for') from tests.claims;
select is(jsonb_array_length(public.claim_webhook_events(10) -> 'events'), 2, 'what one has in hand another does not get');
select is(jsonb_array_length(public.claim_webhook_events(10) -> 'events'), 0, 'then nothing waits');
create function tests.apply(p_status text, p_events jsonb default null) returns jsonb language sql as $$
  select public.apply_webhook_events((c ->> 'lease')::uuid, coalesce(p_events,
    (select jsonb_agg(jsonb_build_object('id', e -> 'id', 'malformed', p_status)) from jsonb_array_elements(c -> 'events') e))) from tests.claims
$$;
select is(public.apply_webhook_events(gen_random_uuid(), (select jsonb_agg(jsonb_build_object('id', e -> 'id', 'malformed', 'x'))
  from tests.claims, jsonb_array_elements(c -> 'events') e)), '{}', 'who has no lease changes nothing');
select is(tests.apply('no_type'), '{"dead": 3}', 'who has it says what became of them');
select is(tests.apply('no_type'), '{}', 'once');
select is((select array_agg(distinct error_code || ': ' || error) from private.webhook_events where status = 'dead'),
  '{"malformed: The body is no event: no_type."}', 'a dead one says why');

-- A bad row takes nobody with it.
delete from private.webhook_events;
select tests.came('good'), tests.came('bad');
delete from tests.claims; insert into tests.claims select public.claim_webhook_events(10);
create function tests.id_of(p_event text) returns bigint language sql as $$ select id from private.webhook_events where event_id = p_event $$;
select is(tests.apply('', jsonb_build_array(
    jsonb_build_object('id', tests.id_of('bad'), 'facts', jsonb '[{"kind": "message", "id": "AC1", "direction": "incoming", "text": "x", "participants": ["+15550000009"],
      "number": "+15550000001", "occurred_at": "never"}]'),
    jsonb_build_object('id', tests.id_of('good'), 'facts', jsonb '[{"kind": "ignored", "reason": "x"}]'))),
  '{"ignored": 1, "dead": 1}', 'a number that is nobody''s is dead, the other goes on');
select is((select error_code from private.webhook_events where event_id = 'bad'), 'unknown_number', 'with its reason');
insert into public.phone_numbers (location_id, e164) values (tests.id('here'), '+15550000001');
select is((select status || replays from private.webhook_events where event_id = 'bad'), 'received1', 'the number is ours now: it is taken up again');
create function tests.again() returns text language plpgsql as $$
declare c jsonb;
begin
  update private.webhook_events set next_try_at = clock_timestamp() where status = 'received';
  c := public.claim_webhook_events(10);
  perform public.apply_webhook_events((c ->> 'lease')::uuid, jsonb_build_array(jsonb_build_object('id', tests.id_of('bad'), 'facts',
    jsonb '[{"kind": "message", "id": "AC1", "direction": "incoming", "text": "x", "participants": ["+15550000009"], "number": "+15550000001", "occurred_at": "never"}]')));
  return (select concat_ws(' ', status, attempts, error_code, case when status = 'received' then round(extract(epoch from next_try_at - clock_timestamp())) end)
    from private.webhook_events where event_id = 'bad');
end $$;
select is(tests.again(), e, 'what the database refuses is tried again later: ' || e) from unnest(array['received 1 22007 60', 'received 2 22007 120',
  'received 3 22007 240', 'received 4 22007 480', 'dead 5 22007']) e;
select is_empty('select 1 from public.messages', 'and left nothing');

-- The answer to STOP waits to be sent: the job hears so, once.
create function tests.bring(p_event text, p_text text) returns jsonb language plpgsql as $$
declare c jsonb;
begin
  perform tests.came(p_event);
  c := public.claim_webhook_events(10);
  return public.apply_webhook_events((c ->> 'lease')::uuid, jsonb_build_array(jsonb_build_object('id', tests.id_of(p_event), 'facts', jsonb_build_array(
    jsonb_build_object('kind', 'message', 'id', 'AC' || p_event, 'direction', 'incoming', 'text', p_text, 'participants', jsonb '["+15550000009"]',
      'number', '+15550000001', 'occurred_at', clock_timestamp())))));
end $$;
select is(tests.bring('hello', 'Hello'), '{"processed": 1}', 'a text that is answered by nobody');
select is(tests.bring('stop', 'stop please'), '{"processed": 1, "texts_placed": true}', 'an answer of ours waits');
select is(tests.bring('again', 'stop please'), '{"processed": 1}', 'who is out already is not answered again');
delete from private.webhook_events where event_id in ('hello', 'stop', 'again');

-- Who sees and replays.
select is(tests.probe(a, 'select * from public.dead_webhooks()'), e, a || ' looking at dead webhooks gets ' || e) from (values ('owner', '1 rows'), ('admin', '1 rows'),
  ('marketer', 'PT403 not_permitted'), ('technician', 'PT403 not_permitted'), ('stranger', 'PT403 not_permitted'), ('anon', '42501')) x (a, e);
select is(tests.answer('marketer', 'select public.replay_webhooks(p_reason => ''22007'')'), 'PT403 not_permitted', 'a marketer replays nothing');
select is(tests.answer('owner', 'select public.replay_webhooks()'), 'PT422 invalid_value', 'some must be named');
select is(tests.answer('owner', 'select public.replay_webhooks(p_reason => ''22007'')'), '1', 'an owner replays all of a reason');

select * from finish();
rollback;
