-- What one location knows of a number binds the other, and stays its own; what nobody is there to hear the office hears.
begin;
select plan(21);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql
insert into public.phone_numbers (id, location_id, e164) values (tests.id('here line'), tests.id('here'), '+16175550190'), (tests.id('there line'), tests.id('there'), '+16175550191');
insert into public.settings (location_id, key, value) select tests.id(l), 'require_number_check', 'false' from unnest('{here,there}'::text[]) l;
create function tests.refused(p_at text, p_what text default 'rule') returns text language sql as $$
  select private.send_refusal(tests.id(p_at), tests.id(p_at || ' line'), 'conversation', '{+16175550150}', '2026-11-20 10:00-05') ->> p_what
$$;
create function tests.says(p_at text, p_id text, p_text text, p_when timestamptz) returns text language plpgsql as $$
begin
  insert into public.conversations (id, location_id, phone_number_id, participants) values (tests.id(p_at || ' talk'), tests.id(p_at), tests.id(p_at || ' line'), '{+16175550150}')
    on conflict do nothing;
  insert into public.messages (id, location_id, conversation_id, phone_number_id, external_id, direction, body, from_phone, to_phone, to_phones, status, source, occurred_at)
    select tests.id(p_id), tests.id(p_at), tests.id(p_at || ' talk'), n.id, p_id, 'incoming', p_text, '+16175550150', n.e164, array[n.e164], 'received', 'vendor', p_when
    from public.phone_numbers n where n.id = tests.id(p_at || ' line');
  return private.take_keyword(tests.id(p_id), false, p_when);
end $$;

-- flags
insert into public.contact_flags (location_id, phone, flag, reason) values (tests.id('there'), '+16175550150', 'do_not_contact', 'Sued us');
select is(tests.refused('here'), 'do_not_contact', 'a flag at one location binds the other');
select is(tests.refused('here', 'detail'), 'They are flagged do not contact.', 'which need not know why');
select is(tests.refused('there', 'detail'), 'They are flagged do not contact: Sued us.', 'its own does');
delete from public.contact_flags;

-- holds
select is(tests.says('there', 'doubt 2', 'cancel my 3pm', '2026-11-20 09:30-05'), 'hold', 'a doubt at one location');
select is(tests.refused('here'), 'held', 'binds the other');
select is(tests.says('here', 'doubt 1', 'cancel my 3pm', '2026-11-20 09:00-05'), 'hold', 'an earlier one at the other');
create function tests.holds() returns text language sql as $$
  select coalesce(string_agg(l || case when h.message_id = tests.id('doubt ' || n) then '' else ' of another text' end, ', ' order by l), 'none') from (values ('here', 1), ('there', 2)) x (l, n)
    join public.send_holds h on h.location_id = tests.id(l) and h.resolved_at is null
$$;
select is(tests.holds(), 'here, there', 'is its own, and takes nobody''s');
select is(tests.answer(a, 'select count(*) from send_holds where resolved_at is null'), '1', a || ' sees one of them') from unnest('{owner,other_owner}'::text[]) a;
select is((select count(*) from public.todos where dedupe_key = 'hold:+16175550150' and status = 'open'), 2::bigint, 'each has a todo');
create function tests.decide(p_at text) returns text language sql security definer as $$
  select format('select resolve_hold(%L, ''release'', ''A visit was meant.'')', (select id from public.send_holds where location_id = tests.id(p_at) and resolved_at is null))
$$;
select is(tests.probe('owner', tests.decide('there')), 'PT404 not_found', 'nobody decides for the other');
select is(tests.act('owner', tests.decide('here')), '1 rows', 'one decides');
select is(tests.holds(), 'there', 'which leaves the other''s');
select is(tests.refused('here'), 'held', 'and that still binds both');
select is(tests.act('other_owner', tests.decide('there')), '1 rows', 'the other decides');
select is(tests.refused('here'), null, 'now they may be texted');

-- who works here no more
create function tests.heard(p_key text) returns text language sql as $$
  select string_agg(n, ' ' order by n) from unnest('{owner,admin,marketer,dormant,dismissed,other_owner,both}'::text[]) n
    join public.notifications x on x.user_id = tests.id(n) and x.dedupe_key = p_key
$$;
select private.notify(tests.id('here'), 'message', 'to ' || p, 'Text', p_user => tests.id(p)) from unnest('{admin,marketer,dormant,dismissed,other_owner}'::text[]) p;
select is(tests.heard('to ' || p), e, format('told to %s, heard by %s', p, e)) from (values ('admin', 'admin'), ('marketer', 'marketer'), ('dormant', 'admin both owner'),
  ('dismissed', 'admin both owner'), ('other_owner', 'admin both owner')) x (p, e);
select * from finish();
rollback;
