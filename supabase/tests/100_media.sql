-- Pictures and recordings: one worker at a time, each file once a location, the end of trying told; files under the location's folder.
begin;
select plan(109);
\i supabase/tests/support/actors.sql
insert into private.switches values ('given_time', true) on conflict (name) do update set turned_on = true;

create function tests.texted(p_at text, p_e164 text) returns void language plpgsql as $$
declare v uuid := tests.id(p_at);
begin
  insert into public.phone_numbers (id, location_id, e164) values (tests.id(p_at || ' number'), v, p_e164);
  insert into public.conversations (id, location_id, phone_number_id, participants) values (tests.id(p_at || ' talk'), v, tests.id(p_at || ' number'), '{+16175550123}');
  insert into public.messages (id, location_id, conversation_id, phone_number_id, external_id, direction, from_phone, to_phone, to_phones, status, source, occurred_at)
    values (tests.id(p_at || ' text'), v, tests.id(p_at || ' talk'), tests.id(p_at || ' number'), 'AC' || p_at, 'incoming', '+16175550123', p_e164, array[p_e164], 'received', 'vendor', now());
  insert into public.calls (id, location_id, conversation_id, phone_number_id, external_id, direction, phone, status, occurred_at)
    values (tests.id(p_at || ' call'), v, tests.id(p_at || ' talk'), tests.id(p_at || ' number'), 'ACcall' || p_at, 'incoming', '+16175550123', 'completed', now());
  insert into public.call_recordings (id, location_id, call_id, external_id) values (tests.id(p_at || ' recording'), v, tests.id(p_at || ' call'), 'CR' || p_at);
  insert into public.voicemails (id, location_id, conversation_id, external_id, call_external_id, phone, occurred_at)
    values (tests.id(p_at || ' voicemail'), v, tests.id(p_at || ' talk'), 'VM' || p_at, 'ACunseen', '+16175550123', now());
  insert into public.media (id, location_id, conversation_id, message_id, position, source_url, next_try_at)
    select tests.id(p_at || ' picture ' || n), v, tests.id(p_at || ' talk'), tests.id(p_at || ' text'), n, 'https://files.example.com/' || n, '2026-11-20 12:00Z' from generate_series(1, 4) n;
  insert into public.media (id, location_id, conversation_id, recording_id, source_url) values (tests.id(p_at || ' sound'), v, tests.id(p_at || ' talk'), tests.id(p_at || ' recording'), 'https://files.example.com/r');
  insert into public.media (id, location_id, conversation_id, voicemail_id, source_url) values (tests.id(p_at || ' voice'), v, tests.id(p_at || ' talk'), tests.id(p_at || ' voicemail'), 'https://files.example.com/v');
end $$;
select tests.texted('here', '+16175550171');
select tests.texted('there', '+16175550172');
create function tests.file(p_name text) returns public.media language sql as $$ select m from public.media m where id = tests.id(p_name) $$;

-- who may call what
select is(tests.probe(a, s), '42501', a || ' may not: ' || s) from unnest('{owner,marketer,anon}'::text[]) a, unnest(array['select media_to_fetch()',
  'select claim_media(tests.id(''here voice''), tests.id(''l''))', 'select renew_media(tests.id(''here voice''), tests.id(''l''), ''x'')',
  'select place_media(tests.id(''here voice''), tests.id(''l''), ''x'', ''photo'')', 'select store_media(tests.id(''here voice''), tests.id(''l''), ''{}'')',
  'select fail_media(tests.id(''here voice''), tests.id(''l''), ''x'', ''final'')']) s;
select is(tests.probe('owner', 'select source_url from media'), '42501', 'no person reads the vendor''s address of a file, which opens without a sign-in');
select is(tests.probe('owner', 'select lease from media'), '42501', 'nor a worker''s lease');
select tests.only('{owner,admin}', 'read media', 'select id from media where location_id = tests.id(''here'')', p_yes => '6 rows');

-- what waits
select is(tests.answer('service_role', $$ select count(*) from media_to_fetch(1000, '2026-11-20 11:59Z') f join media m on m.id = f where m.location_id = tests.id('here') $$), '0',
  'before its time nothing is fetched');
select is(tests.answer('service_role', $$ select count(*) from media_to_fetch(1000, '2026-11-20 12:00Z') f join media m on m.id = f where m.location_id = tests.id('here') $$), '4', 'then it is');
select ok(tests.answer('service_role', $$ select count(*) from media_to_fetch(3) $$)::int between 1 and 3, 'no more than asked for');
update public.media set created_at = now() + interval '1 second' where id = tests.id('here voice');
select is((select count(distinct next_try_at) from media where id in (select media_to_fetch(2))), 2::bigint, 'of two the newest and the longest waiting: no picture that comes in waits behind a history');

-- a claim
create function tests.claim(p_name text, p_lease text) returns jsonb language sql as $$ select public.claim_media(tests.id(p_name), tests.id(p_lease)) $$;
select is(tests.claim('here picture 1', 'l1') - 'id', '{"source_url": "https://files.example.com/1", "timezone": "America/New_York", "attempts": 1, "message_id": "AChere", "position": 1,
  "recording_id": null, "voicemail_id": null, "call_id": null}', 'whoever claims a file is told how to ask the vendor for it');
select is(tests.claim('here picture 1', 'l2'), null, 'nobody else gets it meanwhile');
select is((select count(*) from public.media_to_fetch() f where f = tests.id('here picture 1')), 0::bigint, 'nor is it rung for');
select is(tests.claim('here sound', 'l3') ->> 'call_id', 'ACcallhere', 'a recording by its call');
select is(tests.claim('here voice', 'l4') ->> 'call_id', 'ACunseen', 'a voicemail too, even of a call that is not there yet');
update public.media set lease_until = clock_timestamp() where id = tests.id('here picture 1');
select is(tests.claim('here picture 1', 'l5') ->> 'attempts', '2', 'the lease of one who died ends, and the next one comes');
select is(tests.act('service_role', format(s, tests.id('here picture 1'), tests.id('l1'))), 'PT409 lease_lost', 'who lost the lease may no longer: ' || s) from unnest(array[
  'select renew_media(%L, %L, ''x'')', 'select place_media(%L, %L, repeat(''a'', 64), ''photo'')', 'select store_media(%L, %L, ''{}'')', 'select fail_media(%L, %L, ''x'', ''final'')']) s;
select is(tests.act('service_role', format('select renew_media(%L, %L, ''https://files.example.com/fresh'')', tests.id('here picture 1'), tests.id('l5'))), '1 rows', 'a fresh address');
select is((tests.file('here picture 1')).source_url, 'https://files.example.com/fresh', 'is remembered');

-- one place for the same bytes
create function tests.place(p_name text, p_lease text, p_sign text) returns jsonb language sql as $$
  select public.place_media(tests.id(p_name), tests.id(p_lease), repeat(p_sign, 64), 'photo', p_name || '.jpg', '2026-11-20 12:00Z') $$;
select is(tests.place('here picture 1', 'l5', 'a') ->> 'known', 'false', 'new bytes are to be stored');
select matches(tests.place('here picture 1', 'l5', 'a') ->> 'folder', format('^%s/\d{4}-\d\d-\d\d/%s/photo/[0-9a-f-]{36}$', tests.id('here'), tests.id('here talk')),
  'at a place by location, day, conversation and kind, which nobody guesses');
select is(tests.claim('here picture 2', 'l6') ->> 'attempts', '1', 'somebody fetches the same picture');
select is(tests.place('here picture 2', 'l6', 'a'), tests.place('here picture 1', 'l5', 'a'), 'the same bytes belong to the same place');
select isnt(tests.place('here picture 1', 'l5', 'b'), tests.place('here picture 1', 'l5', 'a'), 'others to another');
select is(tests.claim('there picture 1', 'l7') ->> 'attempts', '1', 'another location fetches it too');
select isnt(tests.place('there picture 1', 'l7', 'a') ->> 'folder', tests.place('here picture 1', 'l5', 'a') ->> 'folder', 'another location has its own');
select is(tests.act('service_role', format('select store_media(%L, %L, %L)', tests.id('here picture 1'), tests.id('l5'), jsonb_build_object('sha256', repeat('a', 64), 'storage_path', path))),
  'PT422 invalid_value', 'no file is said to lie elsewhere: ' || path) from unnest(array['x/original.jpg', tests.id('there') || '/original.jpg', tests.place('there picture 1', 'l7', 'a') ->> 'folder' || '/original.jpg']) path;

create function tests.store(p_name text, p_lease text, p_sign text) returns text language sql as $$
  select tests.act('service_role', format('select store_media(%L, %L, %L)', tests.id(p_name), tests.id(p_lease), jsonb_build_object('sha256', repeat(p_sign, 64), 'kind', 'photo',
    'storage_path', (tests.place(p_name, p_lease, p_sign) ->> 'folder') || '/original.jpg', 'width', 640, 'taken_at', '2026-11-20T09:30:00Z', 'lat', 42.36, 'location_id', tests.id('there'), 'attempts', 77))) $$;
delete from realtime.messages;
select is(tests.store('here picture 1', 'l5', 'a'), '1 rows', 'a file is stored');
select is((select concat_ws(' ', f.status, f.width, f.lat, f.taken_at at time zone 'UTC', f.attempts, f.location_id = tests.id('here'), f.lease is null, f.stored_at is not null) from tests.file('here picture 1') f),
  'stored 640 42.36 2026-11-20 09:30:00 2 t t t', 'with what is known of it, and nothing else is written');
select is((select string_agg(topic || ' ' || event || ' ' || payload::text, '; ') from (select topic, event, payload - 'id' as payload from realtime.messages) m), format('location:%s media.updated %s', tests.id('here'),
  jsonb_build_object('count', 1, 'ids', jsonb_build_array(tests.id('here picture 1')), 'conversation_ids', jsonb_build_array(tests.id('here talk')))), 'who looks on is told ids');
select is(tests.place('here picture 2', 'l6', 'a') ->> 'known', 'true', 'bytes that are there need no upload');
select is((tests.file('here picture 2')).storage_path, (tests.file('here picture 1')).storage_path, 'both rows point to the one object');
select is((select concat_ws(' ', f.status, f.width, f.original_filename) from tests.file('here picture 2') f), 'stored 640 here picture 2.jpg', 'and know the same of it, each by its own name');
select is((tests.file('there picture 1')).status, 'waiting', 'a location is told nothing of another''s files');
select is(tests.claim('here picture 1', 'l8'), null, 'what is stored is not fetched again');
select is(tests.act('service_role', format('select store_media(%L, %L, ''{}'')', tests.id('here picture 1'), tests.id('l5'))), 'PT409 lease_lost', 'nor stored');

-- failing
create function tests.fail(p_name text, p_lease text, p_verdict text, p_more text default '') returns text language sql as $$
  select tests.answer('service_role', format('select fail_media(%L, %L, ''It is away.'', %L, p_now => ''2026-11-20 12:00Z''%s)', tests.id(p_name), tests.id(p_lease), p_verdict, p_more)) $$;
create function tests.tried(p_name text) returns text language sql as $$
  select concat_ws(' ', status, attempts, extract(epoch from next_try_at - '2026-11-20 12:00Z')::int) from public.media where id = tests.id(p_name) $$;
select is(tests.claim('here picture 3', 'f') ->> 'attempts', '1', 'a try');
select is(tests.fail('here picture 3', 'f', 'perhaps'), 'PT422 invalid_value', 'a verdict is one of three');
select is(tests.fail('here picture 3', 'f', 'wait'), 'waiting', 'ours is away');
select is(tests.tried('here picture 3'), 'waiting 0 30', 'which spends no try');
select is((select tests.claim('here picture 3', 'f') ->> 'attempts') || tests.fail('here picture 3', 'f', 'again') || tests.tried('here picture 3'), '1waitingwaiting 1 10', 'theirs is: ten seconds later');
select is((select tests.claim('here picture 3', 'f') ->> 'attempts') || tests.fail('here picture 3', 'f', 'again', ', p_retry_after_s => 300') || tests.tried('here picture 3'), '2waitingwaiting 2 300',
  'or when they say');
update public.media set attempts = 6 where id = tests.id('here picture 3');
select is((select tests.claim('here picture 3', 'f') ->> 'attempts') || tests.fail('here picture 3', 'f', 'again') || tests.tried('here picture 3'), '7waitingwaiting 7 640', 'at last eleven minutes');
select is((select tests.claim('here picture 3', 'f') ->> 'attempts') || tests.fail('here picture 3', 'f', 'again'), '8failed', 'the eighth failure is the last');
select is((select count(*) from public.notifications where link ->> 'media_id' = tests.id('here picture 3')::text and kind = 'media_failed'), 3::bigint, 'owners and admins are told');
select is((select concat_ws(' ', title, status, priority, conversation_id = tests.id('here talk')) from public.todos where dedupe_key = 'media:' || tests.id('here picture 3')),
  'Save a picture or file of a text by hand open 2 t', 'and there is something to do');
update public.notifications set read_at = now() where kind = 'media_failed';
select is(tests.fail('here sound', 'l3', 'final'), 'failed', 'what cannot be had fails at once');
select is((select string_agg(title || (link ->> 'count') || (read_at is null), ', ') from public.notifications where kind = 'media_failed' and user_id = tests.id('owner')),
  '2 files could not be kept today2true', 'a second on the same day is told as their number, to who has read it too');
select is((select title from public.todos where dedupe_key = 'media:' || tests.id('here sound')), 'Save a recording of a call by hand', 'a recording by its name');
update public.media set attempts = 8, lease_until = clock_timestamp() where id = tests.id('here voice');
select is(tests.claim('here voice', 'l9'), null, 'who died over it eight times is not followed by a ninth');
select is((select f.status || (select title from public.todos where dedupe_key = 'media:' || f.id) from tests.file('here voice') f), 'failedSave a voicemail by hand', 'which is told, too');

-- one more round
select tests.only('{owner,admin}', 'ask for another try', format('select retry_media(%L)', tests.id('here voice')), 'PT404 not_found');
select is(tests.act('owner', format('select retry_media(%L)', tests.id('here voice'))), '1 rows', 'a person asks for another round');
select is((select concat_ws(' ', status, attempts, error) from tests.file('here voice')), 'waiting 0', 'from the beginning');
select is(tests.act('owner', format('select retry_media(%L)', tests.id('here voice'))), 'PT404 not_found', 'once');
select is(tests.claim('here voice', 'l10') ->> 'attempts', '1', 'a worker takes it up');
select is(tests.store('here voice', 'l10', 'c'), '1 rows', 'and has it');
select is((select status from public.todos where dedupe_key = 'media:' || tests.id('here voice')), 'done', 'nobody need do anything any more');

-- an outage
insert into public.media (id, location_id, conversation_id, message_id, position, source_url, lease)
  select tests.id('lost ' || n), tests.id('here'), tests.id('here talk'), (tests.file('here picture 1')).message_id, 100 + n, 'https://files.example.com/a', tests.id('o')
  from generate_series(1, 30) n;
select count(fail_media(tests.id('lost ' || n), tests.id('o'), 'It is away.', 'final')) from generate_series(1, 30) n;
select is((select string_agg(title, ', ') from public.notifications where kind = 'media_failed' and user_id = tests.id('owner')), e, 'thirty more are still one notification')
  from (values ('33 files could not be kept today')) x (e);
select is((select string_agg(k || n, ' ' order by k) from (select split_part(dedupe_key, ':', 1) as k, count(*) as n from public.todos
  where status = 'open' and dedupe_key like 'media%' group by 1) x), 'media20 media_failed1', 'twenty todos, and one for the rest');
update public.media set status = 'waiting', attempts = 0, lease = tests.id('o') where status = 'failed' and location_id = tests.id('here');
select private.media_is_stored(tests.file('lost 30'));
select is((select status from public.todos where dedupe_key = 'media_failed'), 'done', 'which is done when none is left');

-- the files themselves
insert into storage.objects (bucket_id, name) select 'media', format('%s/2026-11-20/original.jpg', tests.id(l)) from unnest('{here,there}'::text[]) l;
insert into storage.objects (bucket_id, name) values ('media', 'no-uuid/original.jpg'), ('media', 'original.jpg');
select is(tests.answer(a, 'select count(*) from storage.objects where bucket_id = ''media'''), e, a || ' sees so many files: ' || e) from (values ('owner', '1'), ('admin', '1'), ('marketer', '0'),
  ('technician', '0'), ('dormant', '0'), ('dismissed', '0'), ('other_owner', '1'), ('both', '2'), ('stranger', '0')) x (a, e);
select is(tests.probe('owner', s), e, 'not even an owner may: ' || s) from (values
  (format('insert into storage.objects (bucket_id, name) values (''media'', ''%s/x.jpg'')', tests.id('here')), '42501'), ('update storage.objects set name = name || ''x'' where bucket_id = ''media''', '0 rows'),
  ('delete from storage.objects where bucket_id = ''media''', '0 rows')) x (s, e);

select * from finish();
rollback;
