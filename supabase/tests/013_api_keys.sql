-- Keys for programs: who makes, renews and ends one, and what one opens.
begin;
select plan(151);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

create table tests.made (name text primary key, id uuid, key text);
grant select on tests.made to public;
-- Makes a key by the function a person calls, and an actor of the same name who comes in with it.
create function tests.make_key(p_name text, p_maker text, p_scopes text[], p_at text default 'here') returns void language plpgsql as $$
declare v_key jsonb;
begin
  perform tests.become(p_maker);
  v_key := public.create_api_key(tests.id(p_at), p_name, p_scopes);
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  insert into tests.made values (p_name, (v_key ->> 'id')::uuid, v_key ->> 'key');
  insert into tests.people values (p_name, door.claims_of_key(v_key ->> 'key', '/rpc/use_api_key'));
end $$;
create function tests.made(p_name text) returns uuid language sql stable as $$ select id from tests.made where name = p_name $$;
grant execute on function tests.made(text) to public;
create function tests.key(p_name text) returns public.api_keys language sql stable as $$ select k from public.api_keys k where id = tests.made(p_name) $$;
-- What the door says to a key at an address.
create function tests.door(p_key text, p_path text) returns text language plpgsql as $$
begin
  perform set_config('request.method', 'GET', true);
  return door.claims_of_key(p_key, p_path) ->> 'role';
exception when others then return sqlstate || ' ' || sqlerrm;
end $$;
create function tests.new_key(p_what text) returns text language sql as $$
  select format('select create_api_key(%s)', p_what)
$$;

-- made
select tests.only('{owner,admin}', 'make a key', tests.new_key($$ tests.id('here'), 'Sync', '{contacts:read}' $$), 'PT403 not_permitted');
select is(tests.probe('service_role', tests.new_key($$ tests.id('here'), 'Sync', '{contacts:read}' $$)), '42501', 'the service makes no key, for it would be nobody''s');
select is(tests.probe('owner', tests.new_key($$ tests.id('there'), 'Sync', '{contacts:read}' $$)), 'PT403 not_permitted', 'nor an owner one for another location');
select is(tests.probe('owner', tests.new_key(format($$ tests.id('here'), %s $$, bad))), 'PT422 invalid_value', 'refused: ' || bad)
  from unnest(array[$$ '', '{contacts:read}' $$, $$ '  ', '{contacts:read}' $$, $$ null, '{contacts:read}' $$, $$ repeat('x', 101), '{contacts:read}' $$,
    $$ 'Sync', '{}' $$, $$ 'Sync', null $$, $$ 'Sync', array[null] $$, $$ 'Sync', '{contacts:read,everything}' $$, $$ 'Sync', array['contacts:read', null] $$,
    $$ 'Sync', '{contacts:read}', now() $$, $$ 'Sync', '{contacts:read}', now() - interval '1 s' $$,
    $$ 'Sync', '{contacts:read}', now() + interval '366 days 1 s' $$, $$ 'Sync', '{contacts:read}', 'infinity' $$]) bad;
select is(tests.probe('owner', tests.new_key(format($$ tests.id('here'), %s $$, good))), '1 rows', 'taken: ' || good)
  from unnest(array[$$ repeat('x', 100), '{contacts:read}' $$, $$ 'Sync', '{contacts:read}', now() + interval '366 days' $$,
    $$ 'Sync', '{contacts:read}', now() + interval '1 s' $$, $$ 'Sync', '{contacts:read}', null, null $$]) good;
select tests.make_key('reader', 'owner', '{contacts:read,imports:read,contacts:read}');
select matches((select key from tests.made where name = 'reader'), '^aac_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$', 'a key has 256 random bits behind a prefix that may be shown');
select is((tests.key('reader')).secret_hash, encode(sha256(convert_to((select key from tests.made where name = 'reader'), 'utf8')), 'hex'), 'only its sha256 is kept');
select is((tests.key('reader')).prefix, left((select key from tests.made where name = 'reader'), 12), 'and the prefix');
select is((tests.key('reader')).scopes, '{contacts:read,imports:read}', 'a scope named twice is there once');
select is((tests.key('reader')).expires_at, now() + interval '90 days', 'it lasts 90 days unless told otherwise');
select is(tests.answer('owner', tests.new_key($$ tests.id('here'), ' Sync ', '{contacts:read}' $$) || ' - ''{id,key,prefix,created_at,updated_at,expires_at}''::text[]')::jsonb,
  jsonb_build_object('location_id', tests.id('here'), 'user_id', tests.id('owner'), 'name', 'Sync', 'scopes', '["contacts:read"]'::jsonb,
    'last_used_at', null, 'revoked_at', null, 'rotated_to', null), 'the answer has everything but the hash, the name without blanks at its ends');
select is((select count(*) from audit_log where table_name = 'api_keys' and concat(before, after) ~ 'hash": "[^…]'), 0::bigint, 'the audit log has no hash');
select is((select count(*) from audit_log where table_name = 'api_keys' and concat(before, after) ~ 'aac_[0-9a-f]{8}_'), 0::bigint, 'and no key');

-- seen
select tests.only('{owner,admin}', 'read the keys of his location', 'select id, prefix from api_keys where id = tests.made(''reader'')');
select is(tests.probe(a, 'select secret_hash from api_keys'), '42501', a || ' reads no hash') from unnest('{owner,admin,anon}'::text[]) a;
select is(tests.probe('owner', s), '42501', 'an owner may not: ' || s) from unnest(array['update api_keys set expires_at = ''infinity''', 'delete from api_keys',
  $$ insert into api_keys (location_id, user_id, name, prefix, secret_hash, scopes, expires_at) select tests.id('here'), tests.id('both'), 'x', 'aac_00000000', repeat('a', 64), '{contacts:read}', now() $$]) s;

-- used
select is(tests.answer('reader', 'select use_api_key() - ''{expires_at,prefix}''::text[]')::jsonb, jsonb_build_object('id', tests.made('reader'), 'user_id', tests.id('owner'),
  'location_id', tests.id('here'), 'name', 'reader', 'scopes', '["contacts:read", "imports:read"]'::jsonb), 'a key learns what it is');
select is((tests.key('reader')).last_used_at, now(), 'that it was used is noted');
update api_keys set last_used_at = now() - interval '1 minute' where id = tests.made('reader');
select tests.act('reader', 'select use_api_key()');
select is((tests.key('reader')).last_used_at, now() - interval '1 minute', 'at most once a minute');
update api_keys set last_used_at = now() - interval '61 seconds' where id = tests.made('reader');
select tests.act('reader', 'select use_api_key()');
select is((tests.key('reader')).last_used_at, now(), 'and then again');
select is((select count(*) from audit_log where table_name = 'api_keys' and row_id = tests.made('reader')::text), 1::bigint, 'which is no line in the audit log');
select is(tests.probe(a, 'select use_api_key()'), case a when 'owner' then 'PT401 invalid_api_key' else '42501' end, a || ' is no key')
  from unnest('{owner,anon,service_role}'::text[]) a;

-- at one location, as its maker, within its scopes
select set_config('request.method', 'GET', true);
select tests.make_key('both_key', 'both', '{contacts:read,contacts:write}');
select is(tests.answer('both_key', 'select location_id from contacts group by 1'), tests.id('here')::text, 'a key of somebody at two locations keeps to its own');
select is(tests.answer('both_key', 'select private.my_locations()'), tests.id('here')::text, 'whatever is asked');
select is(tests.answer('both_key', 'select count(*) from ' || t), '0', 'no scope, no row: ' || t)
  from unnest('{properties,lists,imports,opt_outs,locations,profiles,location_members,audit_log,invites,api_keys,settings,preferences,exports,role_grants,api_scopes}'::text[]) t;
select set_config('request.method', 'PATCH', true);
select is(tests.probe('both_key', $$ update contacts set notes = 'x' where id = tests.id('here ann') $$), '1 rows', 'a key writes what its scope lets it write');
select is(tests.probe('both_key', $$ update contacts set notes = 'x' where id = tests.id('there ann') $$), '0 rows', 'and nothing elsewhere, where its maker may');
select is(tests.probe('reader', $$ update contacts set notes = 'x' where id = tests.id('here ann') $$), '0 rows', 'a key that reads does not write');
select set_config('request.method', 'POST', true);
select is(tests.probe('both_key', format('insert into %s', i)), '42501', 'nor insert into ' || i)
  from unnest(array[$$ lists (location_id, name) values (tests.id('here'), 'x') $$, $$ contacts (location_id, display_name) values (tests.id('there'), 'x') $$]) i;

-- the door
create function tests.word(p_name text) returns text language sql stable as $$ select key from tests.made where name = p_name $$;
select is(tests.door(tests.word('reader'), path), said, format('the door says %s to %s', said, coalesce(path, 'nothing'))) from (values ('/contacts', 'authenticated'),
  ('/rpc/use_api_key', 'authenticated'), ('/rpc/begin_export', 'authenticated'), ('/rpc/cancel_import', 'PT403 scope_missing'), ('/rpc/create_api_key', 'PT403 scope_missing'),
  ('/rpc/my_access', 'PT403 scope_missing'), ('/%72pc/create_api_key', 'PT404 not_found'), ('//rpc/create_api_key', 'PT404 not_found'), ('/rpc/create_api_key/', 'PT404 not_found'),
  ('/RPC/create_api_key', 'PT404 not_found'), (E'/contacts\n', 'PT404 not_found'), ('/', 'PT404 not_found'), (null, 'PT404 not_found')) p (path, said);
select is(tests.door(key, '/contacts'), 'PT401 invalid_api_key', 'unknown: ' || coalesce(nullif(left(key, 12), ''), 'nothing'))
  from (values ('aac_00000000_' || repeat('A', 43)), (''), (null), (upper(tests.word('reader'))), (tests.word('reader') || ' '), ((tests.key('reader')).secret_hash), ((tests.key('reader')).prefix)) k (key);

-- renewed
create function tests.renew(p_name text, p_hours text default '24') returns text language sql as $$
  select format('select rotate_api_key(tests.made(%L), %s)', p_name, p_hours)
$$;
select is(tests.probe(a, tests.renew('reader')), said, format('%s renews the owner''s key: %s', a, said)) from (values ('admin', 'PT403 not_permitted'), ('both', 'PT403 not_permitted'),
  ('marketer', 'PT404 not_found'), ('other_owner', 'PT404 not_found'), ('stranger', 'PT404 not_found'), ('anon', '42501'), ('service_role', '42501')) p (a, said);
select is(tests.probe('owner', tests.renew('reader', h)), said, format('%s hours of overlap: %s', h, said))
  from (values ('0', '1 rows'), ('168', '1 rows'), ('169', 'PT422 invalid_value'), ('-1', 'PT422 invalid_value'), ('null', 'PT422 invalid_value')) p (h, said);
select is(tests.probe('owner', 'select rotate_api_key(gen_random_uuid())'), 'PT404 not_found', 'nothing is not renewed');
update api_keys set created_at = now() - interval '10 days', expires_at = now() + interval '20 days' where id = tests.made('reader');
insert into tests.made select 'renewed', (v ->> 'id')::uuid, v ->> 'key' from (select tests.answer('owner', tests.renew('reader'))::jsonb v) x;
select is((tests.key('reader')).rotated_to, tests.made('renewed'), 'the old key names the new one');
select is((tests.key('reader')).expires_at, now() + interval '24 hours', 'and lasts a day more');
select is(((tests.key('renewed')).expires_at, (tests.key('renewed')).name, (tests.key('renewed')).scopes, (tests.key('renewed')).user_id)::text,
  (now() + interval '30 days', 'reader', '{contacts:read,imports:read}'::text[], tests.id('owner'))::text, 'the new one is as long, and is the same otherwise');
select is(tests.door(tests.word(k), '/contacts'), 'authenticated', k || ' works meanwhile') from unnest('{reader,renewed}'::text[]) k;
select is(tests.probe('owner', tests.renew('reader')), 'PT409 key_ended', 'a key is renewed once');
select is(tests.act('owner', tests.renew('renewed', '0')), '1 rows', 'a new key may be renewed again');
select is(tests.door(tests.word('renewed'), '/contacts'), 'PT401 invalid_api_key', 'at once, if no overlap is asked for');
select is(tests.door(tests.word('reader'), '/contacts'), 'authenticated', 'which does not shorten what was promised before');
update api_keys set expires_at = now() + interval '1 hour' where id = tests.made('both_key');
select tests.act('both', tests.renew('both_key', '24'));
select is((tests.key('both_key')).expires_at, now() + interval '1 hour', 'an overlap lengthens no key');

-- ended
create function tests.end(p_name text) returns text language sql as $$ select format('select revoke_api_key(tests.made(%L))', p_name) $$;
select tests.only('{owner,admin}', 'revoke a key of his location', tests.end('reader'), 'PT404 not_found');
select is(tests.act('admin', tests.end('reader')), '1 rows', 'an admin revokes an owner''s');
select is(tests.door(tests.word('reader'), '/contacts'), 'PT401 invalid_api_key', 'the door is shut to it');
select is(tests.answer('reader', 'select count(*) from contacts'), '0', 'and the tables to a request that came in before');
select is(tests.probe('reader', 'select use_api_key()'), 'PT401 invalid_api_key', 'which learns nothing either');
update api_keys set revoked_at = '2026-01-01' where id = tests.made('reader');
select is(tests.act('owner', tests.end('reader')) || ' ' || (tests.key('reader')).revoked_at, '1 rows 2026-01-01 00:00:00+00', 'revoked twice is revoked when it was first');
select is(tests.probe('owner', tests.renew('reader')), 'PT409 key_ended', 'and renewed never');
select set_config('request.method', 'GET', true);
select tests.make_key('short', 'owner', '{contacts:read}');
update api_keys set created_at = now() - interval '1 day', expires_at = now() where id = tests.made('short');
select is(tests.door(tests.word('short'), '/contacts'), 'PT401 invalid_api_key', 'an expired key is none');
select is(tests.answer('short', 'select count(*) from contacts'), '0', 'nor for a request that came in before');
select is(tests.probe('owner', tests.renew('short')), 'PT409 key_ended', 'and is not renewed');

-- what becomes of its maker
select set_config('request.method', 'GET', true);
select tests.make_key('admins', 'admin', '{contacts:read,imports:read}');
select is(tests.answer('admins', 'select count(*) from contacts'), '2', 'an admin''s key reads what an admin reads');
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('admin'), 'marketer') $$);
select is(tests.answer('admins', 'select count(*) from contacts'), '0', 'and from the moment he is a marketer, what a marketer reads');
select is(tests.answer('admins', 'select count(*) from contact_cards'), '2', 'as far as its scopes go');
select is(tests.probe('admins', $$ select begin_export('import_rows', tests.id('here import')) $$), 'PT404 not_found', 'in functions too');
select is(tests.probe('admin', tests.renew('admins')), 'PT404 not_found', 'he renews it no more');
select is(tests.probe('admin', tests.end('admins')), 'PT404 not_found', 'nor ends it');
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('admin'), 'admin', false) $$);
select is(tests.answer('admins', 'select count(*) from contact_cards'), '0', 'a key dies with the membership');
select is(tests.probe('admins', 'select use_api_key()'), 'PT401 invalid_api_key', 'and says so');
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('admin'), 'admin', true) $$);
update profiles set is_active = false where id = tests.id('admin');
select is(tests.answer('admins', 'select count(*) from contacts'), '0', 'a key dies with the account');

select * from finish();
rollback;
