-- The office reads what could not be taken in, and ends what replaying cannot cure.
begin;
select plan(17);
\i supabase/tests/support/actors.sql
insert into public.phone_numbers (id, location_id, e164) values (tests.id('ours'), tests.id('here'), '+16175550190'), (tests.id('theirs'), tests.id('there'), '+16175550191');
delete from private.webhook_events;

create function tests.dead(p_id bigint, p_from text, p_text text, p_facts jsonb, p_status text default 'dead', p_code text default 'malformed') returns void language sql as $$
  insert into private.webhook_events (id, provider, event_id, scheme, type, body, status, facts, error_code, error) overriding system value
    values (p_id, 'openphone', p_id::text, 'dated', 'message.received', jsonb_build_object('data', jsonb_build_object('object',
      jsonb_strip_nulls(jsonb_build_object('from', p_from, 'text', p_text)))), p_status, p_facts, p_code, 'It is odd.')
$$;
select tests.dead(1, '+16175550101', 'STOP', '[{"number": "+16175550190"}]'), tests.dead(2, '+16175550102', 'My wall is wet', '[{"number": "+16175550190"}]'),
  tests.dead(3, '+16175550103', 'STOP', '[{"number": "+16175550191"}]'), tests.dead(4, null, 'STOP', null),
  tests.dead(6, '+16175550106', 'Dinner at eight?', '[{"number": "+16175550177"}]', 'dead', 'unknown_number'),
  tests.dead(7, '+16175550107', 'STOP', '[{"number": "+16175550177"}]', 'dead', 'unknown_number'), tests.dead(5, '+16175550105', 'STOP', '[{"number": "+16175550190"}]', 'processed');
create function tests.listed() returns text language sql as $$
  select string_agg(concat_ws(' ', id, coalesce(sender, 'nobody'), said, is_held), ', ') from public.dead_texts(tests.id('here'))
$$;
grant execute on function tests.listed() to public;
select is(tests.answer(w, 'select tests.listed()'), '7 +16175550107 STOP t, 4 nobody STOP f, 2 +16175550102 My wall is wet f, 1 +16175550101 STOP t',
  format('%s reads what concerns the location, and whom it holds', w)) from unnest('{owner,admin}'::text[]) w;
select is(tests.answer(w, 'select tests.listed()'), 'PT403 not_permitted', format('%s does not', w)) from unnest('{marketer,technician,other_owner}'::text[]) w;
select is(tests.answer('owner', format('select count(*) from public.dead_texts(%L, 0)', tests.id('here'))), 'PT422 invalid_limit', 'a page has texts');

create function tests.dismiss(p_ids text, p_why text default 'She asked for the price.') returns text language sql immutable as $$
  select format('select public.dismiss_texts(%L, %L, %L)', tests.id('here'), p_ids, p_why)
$$;
select is(private.refused_by_unread('{+16175550101}', now()) ->> 'rule', 'webhooks_waiting', 'who may have asked to stop is held');
select is(tests.answer('marketer', tests.dismiss('{1}')), 'PT403 not_permitted', 'a marketer dismisses nothing');
select is(tests.answer('owner', tests.dismiss('{1}', ' ')), 'PT422 invalid_value', 'without a why nobody does');
select is(tests.answer('owner', tests.dismiss('{}')), 'PT422 too_many_rows', 'some must be named');
select is(tests.answer('owner', tests.dismiss(x)), 'PT404 not_found', format('%s: all or none, of this location, and dead', x)) from unnest('{"{1,3}","{5}","{6}","{99}"}'::text[]) x;
select is(tests.act('owner', tests.dismiss('{1,4,1}')), '1 rows', 'the owner dismisses two');
select is(private.refused_by_unread('{+16175550101}', now()), null, 'nobody is held by them any more');
select results_eq('select error_code, error from private.webhook_events where id = 1 and status = ''ignored''',
  format('select %L, %L', 'malformed', format('It is odd. Dismissed by %s: She asked for the price.', tests.id('owner'))), 'who and why are kept, with the text');
select * from finish();
rollback;
