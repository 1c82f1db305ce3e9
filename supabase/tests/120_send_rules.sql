-- Each rule that forbids a text, and which of them speaks first.
begin;
select plan(75);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into private.switches (name, turned_on) values ('given_time', true) on conflict (name) do update set turned_on = true;
-- Ann (+16175550101) is known as mobile; it is a Friday at ten.
insert into public.phone_numbers (id, location_id, e164, daily_cold_cap) values (tests.id('our number'), tests.id('here'), '+16175550190', 2), (tests.id('spare'), tests.id('here'), '+16175550191', 2);
insert into public.phone_validations (location_id, phone, status, is_valid, line_type, checked_at, valid_until)
  select tests.id('here'), p, 'checked', true, 'mobile', '2026-11-01', '2026-12-01' from unnest('{+16175550101,+16175550111,+16175550112}'::text[]) p;

create function tests.rule(p_kind text default 'conversation', p_phones text[] default '{+16175550101}', p_at text default '2026-11-20 10:00-05', p_number text default 'our number')
returns text language sql as $$
  select coalesce(private.send_refusal(tests.id('here'), tests.id(p_number), p_kind, p_phones, p_at::timestamptz) ->> 'rule', 'may')
$$;
-- What is so while p_sql holds; nothing is kept.
create function tests.rule_when(p_sql text, p_kind text default 'conversation', p_phones text[] default '{+16175550101}') returns text language plpgsql as $$
begin
  execute p_sql;
  raise exception using errcode = 'UNDO1', message = tests.rule(p_kind, p_phones);
exception when sqlstate 'UNDO1' then return sqlerrm;
end $$;
select is(tests.rule(k), 'may', k || ' may go') from unnest('{confirmation,conversation,transactional,urgent,cold,warm,health}'::text[]) k;

-- our number
select is(tests.rule_when(s, k), e, format('%s: %s when %s', k, e, s)) from (values
  ('conversation', 'number_inactive', 'update phone_numbers set is_active = false'), ('confirmation', 'number_inactive', 'update phone_numbers set is_active = false'),
  ('conversation', 'number_paused', 'update phone_numbers set paused_at = now()'), ('cold', 'number_paused', 'update phone_numbers set paused_at = now()'),
  ('confirmation', 'may', 'update phone_numbers set paused_at = now()'),
  ('conversation', 'sending_paused', format('insert into settings (location_id, key, value) values (%L, ''sending_paused'', ''true'')', tests.id('here'))),
  ('confirmation', 'may', format('insert into settings (location_id, key, value) values (%L, ''sending_paused'', ''true'')', tests.id('here')))) x (k, e, s);
select is(private.send_refusal(tests.id('there'), tests.id('our number'), 'conversation', '{+16175550101}', now()) ->> 'rule', 'number_inactive', 'a number of another location is none');

-- the address
select is(tests.rule('conversation', p::text[]), e, format('%s: %s', p, e)) from (values ('{6175550101}', 'invalid_phone'), ('{+06175550101}', 'invalid_phone'), ('{}', 'invalid_phone'),
  ('{NULL}', 'invalid_phone'), ('{+16175550191}', 'our_number'), ('{+16175550101,+16175550190}', 'our_number')) x (p, e);
select is(tests.rule('health', '{+16175550191}'), 'may', 'our second number writes to our first');

-- people who said no, or may have: by number, wherever they said it
select is(tests.rule_when(s, k), e, format('%s: %s when %s', k, e, s)) from
  (values ('confirmation'), ('conversation'), ('cold')) k (k), lateral (values
  ('opted_out', format('insert into opt_outs (location_id, phone) values (%L, ''+16175550101'')', tests.id('there'))),
  ('held', format('insert into send_holds (location_id, phone, reason, opened_at) values (%L, ''+16175550101'', ''Doubt'', now())', tests.id('there')))) x (o, s),
  lateral (select case k.k when 'confirmation' then 'may' else x.o end) y (e);
select is(tests.rule_when(format('insert into opt_outs (location_id, phone, opted_out_at, revoked_at) values (%L, ''+16175550101'', now() - interval ''1 day'', now())', tests.id('here'))), 'may', 'who came back may be texted');
select is(tests.rule_when(format('insert into send_holds (location_id, phone, reason, opened_at, resolved_at, decision) values (%L, ''+16175550101'', ''Doubt'', now(), now(), ''release'')', tests.id('here'))), 'may', 'who was released may be texted');
select is(tests.rule_when(format('insert into opt_outs (location_id, phone) values (%L, ''+16175550111'')', tests.id('here')), 'conversation', '{+16175550101,+16175550111}'), 'opted_out', 'one of a group who opted out keeps the group from being texted');

-- flags: on the number or on the person, for texts, while they hold
select is(tests.rule_when(format('insert into contact_flags (location_id, contact_id, phone, flag, applies_to, expires_at) values (%L, %s, %s, %L, %L, %s)', tests.id('here'),
    case when who = 'person' then format('%L', tests.id('here ann')) else 'null' end, case when who = 'number' then '''+16175550101''' else 'null' end, f, a, x), k), e,
    format('%s: %s for %s flagged %s for %s until %s', k, e, who, f, a, x)) from (values
  ('conversation', 'do_not_contact', 'person', 'do_not_contact', 'sms', 'null'), ('conversation', 'do_not_contact', 'number', 'do_not_contact', 'both', 'null'),
  ('conversation', 'may', 'person', 'do_not_contact', 'email', 'null'), ('conversation', 'may', 'person', 'do_not_contact', 'sms', '''2026-11-20 09:59-05'''),
  ('conversation', 'do_not_contact', 'person', 'do_not_contact', 'sms', '''2026-11-20 10:01-05'''), ('conversation', 'wrong_number', 'number', 'wrong_number', 'sms', 'null'),
  ('conversation', 'invalid_number', 'number', 'invalid_number', 'sms', 'null'), ('conversation', 'opted_out', 'number', 'opted_out', 'sms', 'null'),
  ('conversation', 'may', 'number', 'office_number', 'sms', 'null'), ('transactional', 'office_number', 'number', 'office_number', 'sms', 'null'),
  ('cold', 'office_number', 'person', 'office_number', 'sms', 'null'), ('conversation', 'may', 'person', 'negative', 'sms', 'null'), ('warm', 'negative', 'person', 'negative', 'sms', 'null'),
  ('cold', 'recently_texted', 'person', 'recently_texted', 'sms', 'null'), ('warm', 'may', 'person', 'recently_texted', 'sms', 'null'),
  ('confirmation', 'may', 'person', 'do_not_contact', 'sms', 'null')) x (k, e, who, f, a, x);

-- the check of the number
select is(tests.rule_when('update phone_validations set ' || s), e, format('%s when the check says %s', e, s)) from (values
  ('number_invalid', 'is_valid = false'), ('landline', 'line_type = ''landline'''), ('voip', 'line_type = ''voip'''), ('not_mobile', 'line_type = ''toll_free'''),
  ('not_mobile', 'line_type = null'), ('number_unchecked', 'valid_until = ''2026-11-20 09:59-05'''), ('number_unchecked', 'status = ''unknown'''), ('number_unchecked', 'status = ''waiting''')) x (e, s);
select is(tests.rule('conversation', '{+16175550113}'), 'number_unchecked', 'a number nobody has checked is not texted');
select is(tests.rule('confirmation', '{+16175550113}'), 'may', 'but for the answer to STOP');
select is(tests.rule_when(format('insert into settings (location_id, key, value) values (%L, ''require_number_check'', ''false'')', tests.id('here')), 'conversation', '{+16175550113}'), 'may', 'unless the location does not ask for checks');
select is(tests.rule_when(format('insert into settings (location_id, key, value) values (%L, ''require_number_check'', ''false''); update phone_validations set line_type = ''landline''', tests.id('here'))), 'landline', 'which makes no landline textable');
insert into public.conversations (id, location_id, phone_number_id, participants) values (tests.id('talk'), tests.id('here'), tests.id('our number'), '{+16175550114}');
insert into public.messages (location_id, conversation_id, phone_number_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
  values (tests.id('here'), tests.id('talk'), tests.id('our number'), 'incoming', '+16175550114', '+16175550190', '{+16175550190}', 'received', 'vendor', '2026-11-01');
select is(tests.rule('conversation', '{+16175550114}'), 'may', 'who has texted us has a phone that takes texts');

-- groups and our own people
select is(tests.rule(k, '{+16175550101,+16175550111}'), e, format('%s to a group: %s', k, e)) from (values ('conversation', 'may'), ('cold', 'group'), ('transactional', 'group')) x (k, e);
select is(tests.rule_when(s, k, p::text[]), e, format('%s to %s: %s when %s', k, p, e, s)) from (values
  ('cold', '{+16175550101}', 'employee', 'update contacts set is_employee = true'), ('cold', '{+16175550101}', 'employee', 'update contacts set contact_type = ''employee'''),
  ('cold', '{+16175550101}', 'employee', 'update profiles set phone = ''+16175550101'' where email like ''admin@%'''), ('cold', '{+16175550101}', 'vendor', 'update contacts set contact_type = ''vendor'''),
  ('conversation', '{+16175550101}', 'may', 'update contacts set is_employee = true'), ('conversation', '{+16175550101,+16175550111}', 'employee_group', 'update contacts set is_employee = true'),
  ('conversation', '{+16175550101}', 'may', 'update contacts set contact_type = ''vendor''')) x (k, p, e, s);

-- hours, and which rule speaks first
select is(tests.rule('conversation', '{+16175550101}', '2026-11-20 21:00-05'), 'outside_hours', 'nobody is texted at night');
select is(private.send_refusal(tests.id('here'), tests.id('our number'), 'cold', '{+16175550101}', '2026-11-20 18:00-05') ->> 'not_before', '2026-11-23T14:00:00+00:00', 'it says when the next hour is');
select is(tests.rule_when(format('insert into opt_outs (location_id, phone) values (%L, ''+16175550113''); update phone_numbers set paused_at = now()', tests.id('here')), 'conversation', '{+16175550113}'), 'number_paused', 'the number speaks before the person');
select is(tests.rule_when(format('insert into opt_outs (location_id, phone) values (%L, ''+16175550113'')', tests.id('here')), 'conversation', '{+16175550113}'), 'opted_out', 'the person before the check');
select is(tests.rule('conversation', '{+16175550113}', '2026-11-20 21:00-05'), 'number_unchecked', 'the check before the hour');
select * from finish();
rollback;
