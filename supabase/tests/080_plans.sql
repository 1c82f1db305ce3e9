-- Row level security must not cost the indexes: the hot lists of a screen, on some thousand rows.
begin;
select plan(76);
\i supabase/tests/support/actors.sql

insert into contacts (id, location_id, first_name, last_name, display_name, phone)
  select tests.id('contact ' || n), tests.id(case when n % 4 = 0 then 'there' else 'here' end), 'Ann', 'Name ' || n, 'Ann Name ' || n,
    '+1617' || 2000000 + n from generate_series(1, 6000) n;
insert into properties (location_id, address, city, zip)
  select tests.id(case when n % 4 = 0 then 'there' else 'here' end), n || ' Oak St', 'Town ' || n % 50, '02728' from generate_series(1, 6000) n;
insert into lists (id, location_id, name) select tests.id('list ' || n), tests.id('here'), 'List ' || n from generate_series(1, 40) n;
insert into list_members (list_id, contact_id, location_id)
  select tests.id('list ' || row_number() over () % 40 + 1), id, location_id from contacts where location_id = tests.id('here');
-- The rest of a screen, two thousand of each, a second apart.
create table tests.moments as select n, tests.id(case when n % 4 = 0 then 'there' else 'here' end) as place, now() - make_interval(secs => n) as at
  from generate_series(1, 2000) n;
insert into notes (location_id, contact_id, body, created_at) select location_id, id, 'Wet.', created_at from contacts;
insert into audit_log (location_id, action, table_name, row_id, at) select place, 'insert', 'lists', n::text, at from tests.moments;
insert into opt_outs (location_id, phone, opted_out_at) select place, '+1617' || 2000000 + n, at from tests.moments;
insert into consents (location_id, phone, status) select place, '+1617' || 2000000 + n, 'express' from tests.moments;
insert into exports (location_id, kind, created_at) select place, 'import_rows', at from tests.moments;
insert into invites (location_id, email, role, created_at) select place, n || '@example.com', 'technician', at from tests.moments;
insert into api_keys (location_id, user_id, name, prefix, secret_hash, scopes, expires_at, created_at)
  select place, tests.id('both'), 'Key', 'aac_' || lpad(n::text, 8, '0'), encode(sha256(n::text::bytea), 'hex'), '{lists:read}', now() + interval '1 day', at
  from tests.moments;
insert into imports (id, location_id, list_name, file_path, filename, size_bytes, sha256, created_at)
  select tests.id('import ' || n), place, 'L', n || '/x', 'x', 1, encode(sha256(n::text::bytea), 'hex'), at from tests.moments;
insert into import_rows (import_id, row_no, batch_no, location_id, outcome)
  select tests.id('import ' || n % 3 + 1), n, 1, tests.id('here'), case when n % 10 = 0 then 'rejected' else 'created' end from generate_series(1, 20000) n;
analyze contacts, contact_cards, contact_phones, properties, locations, location_members, profiles, lists, list_members, notes, audit_log, opt_outs, consents,
  exports, invites, api_keys, imports, import_rows;

create function tests.plan_of(p_actor text, p_sql text) returns text language plpgsql as $$
declare v_line text; v_plan text := '';
begin
  perform tests.become(p_actor);
  for v_line in execute 'explain (analyze, costs off, timing off, summary off) ' || p_sql loop v_plan := v_plan || v_line || E'\n'; end loop;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return v_plan;
end $$;
create table tests.plans as select actor, what, index_name, tests.plan_of(actor, sql) as plan from (values
  ('owner', 'the newest people', 'contacts_location_created', $$select * from contacts where location_id = tests.id('here') and deleted_at is null order by created_at desc, id limit 50$$),
  ('owner', 'people by name', 'contacts_location_name', $$select * from contacts where location_id = tests.id('here') and deleted_at is null order by last_name, first_name, id limit 50$$),
  ('owner', 'the next page of people by name', 'contacts_location_name', $$select * from contacts where location_id = tests.id('here') and deleted_at is null
      and last_name >= 'Name 5' and (last_name > 'Name 5' or id > tests.id('x')) order by last_name, first_name, id limit 50$$),
  ('owner', 'houses by town', 'properties_location_city', $$select * from properties where location_id = tests.id('here') order by city, zip, id limit 50$$),
  ('marketer', 'cards by town', 'contact_cards_location', $$select * from contact_cards where location_id = tests.id('here') order by city, first_name, contact_id limit 50$$),
  ('owner', 'what is noted of a person', 'notes_contact', $$select * from notes where contact_id = tests.id('contact 77') order by created_at desc limit 20$$),
  ('owner', 'who has a number', 'contact_phones_unique', $$select * from contact_phones where location_id = tests.id('here') and phone = '+16172000001'$$),
  ('owner', 'where a person is listed', 'list_members_contact', $$select * from list_members where contact_id = tests.id('contact 77')$$),
  ('admin', 'the audit log', 'audit_log_location_at', $$select * from audit_log where location_id = tests.id('here') order by at desc limit 50$$),
  ('admin', 'what happened to a row', 'audit_log_row', $$select * from audit_log where table_name = 'lists' and row_id = '77'$$),
  ('owner', 'the newest opt-outs', 'opt_outs_location', $$select * from opt_outs where location_id = tests.id('here') order by opted_out_at desc limit 50$$),
  ('owner', 'the consent of a number', 'consents_phone', $$select * from consents where location_id = tests.id('here') and phone = '+16172000001' order by id desc limit 1$$),
  ('owner', 'the newest imports', 'imports_location_created', $$select * from imports where location_id = tests.id('here') order by created_at desc, id limit 20$$),
  ('owner', 'the rows of an import', 'import_rows_pkey', $$select * from import_rows where import_id = tests.id('import 2') and row_no > 4000 order by row_no limit 50$$),
  ('owner', 'the rejected rows of an import', 'import_rows_outcome', $$select * from import_rows where import_id = tests.id('import 2') and outcome = 'rejected' order by row_no limit 50$$),
  ('owner', 'who took data out', 'exports_location', $$select * from exports where location_id = tests.id('here') order by created_at desc limit 50$$),
  ('owner', 'the newest invitations', 'invites_location', $$select id, email from invites where location_id = tests.id('here') order by created_at desc limit 50$$),
  ('owner', 'the newest API keys', 'api_keys_location', $$select id, prefix from api_keys where location_id = tests.id('here') order by created_at desc limit 50$$)) x (actor, what, index_name, sql);
select matches(plan, '(Index|Index Only) Scan using ' || index_name, format('%s: read from %s', what, index_name)) from tests.plans;
select doesnt_match(plan, 'Sort|Seq Scan on (contacts|properties|contact_cards)', format('%s: neither scanned nor sorted', what)) from tests.plans;
select matches(plan, 'InitPlan.*ProjectSet \(actual rows=1 loops=1\)', format('%s: the caller''s locations are asked for once', what)) from tests.plans;
select doesnt_match(plan, '(Filter|Cond):[^\n]*my_locations', format('%s: and not for every row', what)) from tests.plans;
select matches(tests.plan_of('owner', 'select count(*) from contacts'), 'loops=1\).*InitPlan.*ProjectSet \(actual rows=1 loops=1\)',
  'also without a location named they are asked for once');
-- Before a request is let in, and at its end.
set local enable_seqscan = off; -- few sessions here; what must not be is a plan without an index
select matches(tests.plan_of('postgres', $$select * from api_keys where secret_hash = encode(sha256('77'), 'hex')$$),
  'Index Scan using api_keys_secret_hash_key', 'a key is found by its hash');
select matches(tests.plan_of('postgres', $$select 1 from auth.sessions where id = tests.id('x')$$), 'Index.* using sessions_pkey', 'and a session by its id');
select is((select count(*) from tests.plans where plan ~ 'Rows Removed by Filter: [1-9]\d{2,}'), 0::bigint,
  'no plan reads rows by the hundred to throw them away');

select * from finish();
rollback;
