-- The inbox's search: all who are called so, the newest first, be they few or many.
begin;
select plan(15);
\i supabase/tests/support/actors.sql
insert into phone_numbers (id, location_id, e164) values (tests.id('here number'), tests.id('here'), '+16175550171');
-- 1,500 Jonas, 300 Smith, 3 Rarely, 1,200 Lonely to whom nobody talks; of each hundredth conversation the person is deleted.
insert into contacts (id, location_id, first_name, last_name, display_name, phone)
  select tests.id('person ' || n), tests.id('here'), 'Pat', name, 'Pat ' || name, '+1617' || 3000000 + n
  from (select n, case when n <= 1500 then 'Jonas' when n <= 1800 then 'Smith' when n <= 1803 then 'Rarely' else 'Lonely' end as name
    from generate_series(1, 3003) n) x;
insert into conversations (id, location_id, phone_number_id, participants, contact_id, last_at, starred)
  select tests.id('talk ' || n), tests.id('here'), tests.id('here number'), array['+1617' || 3000000 + n], tests.id('person ' || n),
    now() - make_interval(secs => n * 7919 % 1803), n % 5 = 0 from generate_series(1, 1803) n;
insert into conversations (id, location_id, phone_number_id, participants, last_at, starred) values
  (tests.id('group'), tests.id('here'), tests.id('here number'), '{+16173000001,+16175550188}', now() + interval '1 minute', true),
  (tests.id('nobody'), tests.id('here'), tests.id('here number'), '{+16175550188}', now() + interval '2 minutes', false);
update contacts set deleted_at = now() where id in (select tests.id('person ' || n) from generate_series(100, 1800, 100) n);
analyze contacts, contact_phones, conversations;

create function tests.page(p_search text, p_more text default '{}', p_before jsonb default null) returns text language sql as $$
  select tests.answer('owner', format('select string_agg(id::text, '' '' order by n) from list_inbox(tests.id(''here''), %L, %L, 20) with ordinality
    x (id, a2, a3, a4, a5, a6, pinned, unread, unread_count, last_at, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, n)',
    jsonb_build_object('search', p_search) || p_more::jsonb, p_before))
$$;
create function tests.expected(p_name text, p_from int default 0, p_more text default 'true') returns text language plpgsql as $$
declare v_ids text;
begin
  execute format('select string_agg(id::text, '' '' order by last_at desc, id desc) from (select c.id, c.last_at from conversations c
    where c.location_id = tests.id(''here'') and %s and exists (select 1 from contact_phones n join contacts k on k.id = n.contact_id
      where n.phone = any (c.participants) and k.deleted_at is null and k.display_name like %L)
    order by c.last_at desc, c.id desc limit 20 offset %s) x', p_more, '%' || p_name || '%', p_from) into v_ids;
  return v_ids;
end $$;
create function tests.cursor_after(p_page text) returns jsonb language sql as $$
  select jsonb_build_object('id', id, 'last_at', last_at) from conversations where id = split_part(p_page, ' ', -1)::uuid
$$;
grant execute on all functions in schema tests to public;

select is(tests.page(name), tests.expected(name), 'the newest of all called ' || name) from unnest('{Jonas,Smith,Rarely,Pat}'::text[]) name;
select is(tests.page(name, '{}', tests.cursor_after(tests.expected(name))), tests.expected(name, 20), 'and the next page of ' || name)
  from unnest('{Jonas,Smith,Pat}'::text[]) name;
select is(tests.page('Jonas', '{"starred": true}'), tests.expected('Jonas', 0, 'c.starred'), 'with a filter too');
select is(tests.page('Jonas', '{"groups": true}'), tests.id('group')::text, 'a filter that leaves one of many');
select is(tests.page('Lonely'), null, 'many whom nobody talks to');
select is(tests.page('Jo'), tests.expected('Jonas'), 'two letters');
select is(tests.page('onas'), tests.expected('Jonas'), 'a part of a word');
select is(tests.page('6173'), tests.expected('Pat'), 'a number''s beginning that all have');
select is(tests.page('617 555 0188'), concat_ws(' ', tests.id('nobody'), tests.id('group')), 'a number that is nobody''s, in a group too');
select is(tests.page('3000100'), null, 'a deleted person''s number finds nothing');
select * from finish();
rollback;
