-- A customer's text that could not be taken in is told at once, once a location.
begin;
select plan(16);
\i supabase/tests/support/actors.sql
insert into public.phone_numbers (id, location_id, e164, openphone_id) values (tests.id('our number'), tests.id('here'), '+16175550190', 'PNhere'), (tests.id('theirs'), tests.id('there'), '+16175550191', 'PNthere');
delete from private.webhook_events;

create function tests.dies(p_from text, p_facts jsonb default null, p_code text default '22007', p_text text default 'ok', p_type text default 'message.received') returns void language plpgsql as $$
declare v_id bigint;
begin
  insert into private.webhook_events (provider, event_id, scheme, type, body) values ('openphone', gen_random_uuid()::text, 'dated', p_type,
    jsonb_build_object('data', jsonb_build_object('object', jsonb_strip_nulls(jsonb_build_object('from', p_from, 'text', p_text))))) returning id into v_id;
  update private.webhook_events set status = 'dead', facts = p_facts, error_code = p_code where id = v_id;
end $$;
create function tests.told() returns text language sql as $$
  select coalesce(string_agg(l || ': ' || t.dedupe_key || ' ' || t.priority, ', ' order by l, t.dedupe_key), 'nothing') from unnest('{here,there}'::text[]) l join public.todos t on t.location_id = tests.id(l) and t.status = 'open'
$$;
create function tests.heard(p_who text) returns bigint language sql as $$ select count(*) from public.notifications where user_id = tests.id(p_who) and kind = 'dead_text' $$;

select tests.dies('+16175550101', '[{"number": "+16175550190"}]');
select is(tests.told(), 'here: dead_texts 1', 'whose number it came to has a todo');
select is(tests.heard(w), n, format('%s hears %s', w, n)) from (values ('owner', 1::bigint), ('admin', 1), ('both', 1), ('marketer', 0), ('other_owner', 0)) x (w, n);
select tests.dies('+16175550102', '[{"number_id": "PNhere"}]') from generate_series(1, 30);
select is(tests.told(), 'here: dead_texts 1', 'a flood is one');
select is(tests.heard('owner'), 1::bigint, 'and heard once');
update public.todos set status = 'done';
select tests.dies('+16175550102', '[{"number": "+16175550190"}]');
select is(tests.told(), 'here: dead_texts 1', 'who has done it is told of the next');
select is(tests.heard('owner'), 2::bigint, 'and hears it');
update public.todos set status = 'done';
select tests.dies(null);
select is(tests.told(), 'here: dead_texts:nameless 1, there: dead_texts:nameless 1', 'of one that names nobody all are told, and that nothing is held');
update public.todos set status = 'done';
select tests.dies('+16175550102', p_type => 'call.completed'), tests.dies('+16175550190', p_type => 'message.delivered');
select is(tests.told(), 'nothing', 'a call or a report waits for the day''s report');
select tests.dies('+16175550102', '[{"number": "+16175550177"}]', 'unknown_number');
select is(tests.told(), 'nothing', 'so does what came to a number that is not ours');
select tests.dies('+16175550102', '[{"number": "+16175550177"}]', 'unknown_number', 'STOP');
select is(tests.told(), 'here: dead_texts 1, there: dead_texts 1', 'unless it says STOP');
select is((select bool_and(kind in ('dead_text', 'unknown_number')) from public.notifications), true, 'nothing else is told');
select is((select count(*) from private.webhook_events where status = 'dead'), 37::bigint, 'and all of them are there');

select * from finish();
rollback;
