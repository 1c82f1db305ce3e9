-- A text that was acknowledged and is not read yet may say STOP: nothing automatic leaves to who wrote it. One that died is told at once.
begin;
select plan(66);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches (name, turned_on) values ('given_time', true) on conflict (name) do update set turned_on = true;
insert into public.phone_numbers (id, location_id, e164) values (tests.id('our number'), tests.id('here'), '+16175550190'), (tests.id('theirs'), tests.id('there'), '+16175550191');
insert into public.settings (location_id, key, value) select tests.id(l), 'require_number_check', 'false' from unnest('{here,there}'::text[]) l;
delete from private.webhook_events;

create function tests.rule(p_kind text default 'urgent', p_phones text[] default '{+16175550101}') returns text language sql as $$
  select coalesce(private.send_refusal(tests.id('here'), tests.id('our number'), p_kind, p_phones, '2026-11-20 10:00-05') ->> 'rule', 'may')
$$;
create function tests.body(p_from jsonb, p_text text default 'ok', p_scheme text default 'dated') returns text language sql as $$
  select case p_scheme when 'dated' then jsonb_build_object('type', 'message.received', 'data', jsonb_build_object('resource', jsonb_build_object('id', 'AC1', 'text', p_text),
      'context', jsonb_build_object('senderIdentifier', p_from)))
    else jsonb_build_object('type', 'message.received', 'data', jsonb_build_object('object', jsonb_build_object('id', 'AC1', 'body', p_text, 'from', p_from))) end::text
$$;
create function tests.came(p_body text, p_status text default 'received', p_type text default 'message.received', p_age interval default '0') returns bigint language sql as $$
  insert into private.webhook_events (provider, event_id, scheme, type, body, status, received_at)
    values ('openphone', gen_random_uuid()::text, 'dated', p_type, p_body, p_status, clock_timestamp() - p_age) returning id
$$;
-- The rule while such an event is there; nothing is kept.
create function tests.rule_with(p_body text, p_status text default 'received', p_type text default 'message.received', p_age interval default '0', p_kind text default 'urgent',
  p_phones text[] default '{+16175550101}') returns text language plpgsql as $$
begin
  perform tests.came(p_body, p_status, p_type, p_age);
  raise exception using errcode = 'UNDO1', message = tests.rule(p_kind, p_phones);
exception when sqlstate 'UNDO1' then return sqlerrm;
end $$;

-- who wrote it, in whatever form
select is(tests.rule_with(tests.body(f::jsonb, 'ok', s)), e, format('from %s in a %s event: %s', f, s, e)) from (values ('dated'), ('legacy')) x (s), (values
  ('"+16175550101"', 'webhooks_waiting'), ('" (617) 555-0101 "', 'webhooks_waiting'), ('"16175550101"', 'webhooks_waiting'), ('{"phoneNumber": "+16175550101"}', 'webhooks_waiting'),
  ('"+16175550102"', 'may'), ('"Anonymous"', 'may'), ('"12345"', 'may')) y (f, e);
select is(tests.rule_with('{"type": "message.received", "data": {"id": "AC1", "from": "+16175550101", "text": "ok"}}'), 'webhooks_waiting', 'in the old form');
select is(tests.rule_with('{"type": "message.received", "data": {"object": {"from": "", "text": "ok"}, "context": {"senderIdentifier": "+16175550101"}}}'), 'webhooks_waiting', 'an empty from names nobody');
select is(tests.rule_with(tests.body('"+16175550101"'), p_type => t), e, format('%s: %s', t, e)) from (values ('message.received', 'webhooks_waiting'), (' message.received', 'webhooks_waiting'),
  (E'\tmessage.received\n', 'webhooks_waiting'), ('message.delivered', 'may'), ('call.completed', 'may'), ('contact.updated', 'may')) x (t, e);
select is(tests.rule_with('{"data": {"object": {"direction": "incoming", "from": "+16175550101"}}}', p_type => 'message.updated'), 'webhooks_waiting', 'whatever tells of a text that came');
select is(tests.rule_with('{"data": {"object": {"direction": "outgoing", "from": "+16175550101"}}}', p_type => 'message.received'), 'may', 'and not of one that went');
select is(tests.rule_with('{"data": {"object": {"status": "received", "from": "+16175550101"}}}', p_type => t), e, format('received, says %s: %s', t, e))
  from (values ('message.updated', 'webhooks_waiting'), ('message.delivered', 'may')) x (t, e);
select is(tests.rule_with(tests.body('{"phoneNumber": null, "number": "+16175550101"}', 'ok', s)), 'webhooks_waiting', format('what is null names nobody, in a %s event', s)) from (values ('dated'), ('legacy')) x (s);
select is(tests.rule_with(format('{"data": {"object": {"direction": "Incoming\n", "from": %s}, "context": {"senderIdentifier": "+16175550101"}}}', f), p_type => 'message.updated'),
  'webhooks_waiting', format('from %s', f)) from unnest('{0,"{}",false,"\", +16175550101\""}'::text[]) f;
-- what no jsonb holds; what two halves make stays
select is(tests.rule_with(format('{"data": {"object": {"from": "+16175550101", "text": "%s"}}}', t), 'dead'), e, format('%s, dead', t)) from (values ('\ud83d\uded1', 'webhooks_waiting'), ('\ud83d\ude00', 'may')) x (t, e);
select is(tests.rule_with(format('{"data": {"object": {"from": "+16175550101", "text": "STOP%s"}}}', c), s), 'webhooks_waiting', format('%s, %s', c, s))
  from (values ('\u0000'), ('\ud83d')) x (c), (values ('received'), ('dead')) y (s);

-- which texts it holds, and for how long
select is(tests.rule_with(tests.body('"+16175550101"'), p_kind => k), e, format('%s: %s', k, e)) from (values ('cold', 'webhooks_waiting'), ('warm', 'webhooks_waiting'),
  ('transactional', 'webhooks_waiting'), ('urgent', 'webhooks_waiting'), ('conversation', 'may'), ('confirmation', 'may'), ('health', 'may')) x (k, e);
select is(tests.rule_with(tests.body('"+16175550101"'), s, p_age => '2 days'), e, format('%s: %s', s, e)) from (values ('received', 'webhooks_waiting'), ('parked', 'webhooks_waiting'),
  ('processed', 'may'), ('ignored', 'may'), ('dead', 'may')) x (s, e);
select is(tests.rule_with(tests.body('"+16175550101"', t), 'dead'), e, format('dead, and it says %s: %s', t, e)) from (values ('STOP', 'webhooks_waiting'), ('who is this, lose my number', 'webhooks_waiting'),
  ('START', 'may'), ('Thank you', 'may')) x (t, e);
select is(tests.rule_with(tests.body('"+16175550101"'), p_phones => '{+16175550102}'), 'may', 'others are texted');
select tests.came(tests.body('"+16175550102"'));
select is((select concat_ws(' ', r ->> 'not_before', r ->> 'phone', private.is_gate(r ->> 'rule')) from private.send_refusal(tests.id('here'), tests.id('our number'), 'urgent',
  '{+16175550102}', '2026-11-20 10:00-05') r), '2026-11-20T15:01:00+00:00 +16175550102 t', 'it is a gate, asked again in a minute');
delete from private.webhook_events;

-- whatever stands there, the webhook is kept
select isnt(tests.came(tests.body(to_jsonb((select string_agg(md5(n::text), '') from generate_series(1, 1000) n)))), null, 'a sender of 32,000 characters is no reason to turn it away');
delete from private.webhook_events;

-- when nobody knows who wrote it
select is(tests.rule_with(b, s, t, a::interval), e, format('%s %s of %s ago, %s: %s', s, t, a, b, e)) from (values
  ('{"data": {"object": {}}}', 'received', 'message.received', '31 s', 'webhooks_waiting'), ('{"data": {"object": {}}}', 'received', 'message.received', '20 s', 'may'),
  ('no json', 'received', 'message.received', '31 s', 'webhooks_waiting'), ('{"data": {"object": {"text": "\u00"}}}', 'received', 'message.received', '31 s', 'webhooks_waiting'),
  ('{"data": {"object": {}}}', 'parked', 'message.received', '1 hour', 'may'), ('{"data": {"object": {}}}', 'dead', 'message.received', '1 hour', 'may'),
  ('{"data": {"object": {}}}', 'received', 'call.completed', '1 hour', 'may')) x (b, s, t, a, e);

-- it holds a text that waits, and lets it go
select tests.came(tests.body('"+16175550101"'));
select private.place_text(tests.id('here'), tests.id('our number'), 'urgent', '{+16175550101}', 'Today at four.', p_now => '2026-11-20 10:00-05', p_id => tests.id('text'));
select public.claim_outbound(5, 120, '2026-11-20 10:00-05');
select is((select state || ' ' || rule from outbound where id = tests.id('text')), 'queued webhooks_waiting', 'a text waits until what they wrote is read');
update private.webhook_events set status = 'processed';
select is(jsonb_array_length(public.claim_outbound(5, 120, '2026-11-20 10:01-05') -> 'claimed'), 1, 'and leaves then');
select * from finish();
rollback;
