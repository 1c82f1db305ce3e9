-- What Supabase's advisors do not see: who is let in before any policy is asked, and that every rule has its counterpart.
begin;
select plan(30);
\i supabase/tests/support/actors.sql

create view tests.tables as select c.oid, c.relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p');
create view tests.functions as select p.*, p.oid::regprocedure::text as signature from pg_proc p
  where pronamespace::regnamespace::text in ('public', 'private', 'door');
create view tests.rules as select p.*, c.relname, c.relnamespace::regnamespace::text as schema, polrelid::regclass as on_table
  from pg_policy p join pg_class c on c.oid = p.polrelid;
-- One row for each verb a policy is for.
create view tests.ruled as select relname, polpermissive, verb from tests.rules,
    unnest(case polcmd when 'r' then '{SELECT}' when 'a' then '{INSERT}' when 'w' then '{UPDATE}' when 'd' then '{DELETE}'
      else '{SELECT,INSERT,UPDATE,DELETE}' end::text[]) verb where schema = 'public';
create view tests.granted as select t.oid, t.relname, verb from tests.tables t, unnest('{SELECT,INSERT,UPDATE}'::text[]) verb
    where has_any_column_privilege('authenticated', t.oid, verb)
  union all select oid, relname, 'DELETE' from tests.tables where has_table_privilege('authenticated', oid, 'DELETE');

-- Before the policies: functions, schemas, roles.
select is_empty($$ select signature from tests.functions where proacl is null or exists (
    select 1 from aclexplode(proacl) where grantee = 0) $$, 'PUBLIC may execute no function of ours');
select set_eq($$ select signature from tests.functions where has_function_privilege('anon', oid, 'EXECUTE') $$,
  $$ values ('door.claims_of_key(text,text)'), ('door.claims_of_inbox(text,text)'), ('door.check_request()') $$,
  'anon executes the three functions of the door and no other');
select set_eq($$ select signature, prosecdef from tests.functions where pronamespace = 'door'::regnamespace $$,
  $$ values ('door.claims_of_key(text,text)', true), ('door.claims_of_inbox(text,text)', true), ('door.check_request()', false),
    ('door.require_session()', false) $$, 'in the door are these four, and the two that read keys are definers');
select is_empty($$ select signature from tests.functions where prokind = 'f' and not coalesce('search_path=""' = any (proconfig), false) $$,
  'every function of ours, in the door too, pins its search_path to nothing');
select is_empty($$ select signature from tests.functions where prosecdef and proowner <> 'postgres'::regrole $$,
  'every definer of ours runs as postgres');
select is_empty($$ select oid::regclass from pg_class where relnamespace = 'door'::regnamespace $$, 'the door has functions and nothing else');
select is_empty($$ select nspname, r from pg_namespace, unnest('{anon,authenticated,service_role}'::text[]) r
    where nspname in ('public', 'private', 'door', 'extensions') and has_schema_privilege(r, oid, 'CREATE') $$, 'no API role creates in a schema of ours');
select is_empty($$ select rolname from pg_roles where rolname in ('anon', 'authenticated') and (rolsuper or rolbypassrls or rolcreaterole or rolcanlogin) $$,
  'anon and authenticated stand under every policy and cannot log in');
select is_empty($$ select m.member::regrole from pg_auth_members m where m.member::regrole::text in ('anon', 'authenticated', 'service_role') $$,
  'no API role is a member of another role');
select ok((select 'pgrst.db_pre_request=door.check_request' = any (rolconfig) from pg_roles where rolname = 'authenticator'),
  'PostgREST asks the door before every request');
select is_empty($$ select rolname, rolconfig from pg_roles where array_to_string(rolconfig, ' ') ~ 'pgrst\.(db_plan_enabled|db_aggregates_enabled|db_schemas)' $$,
  'plans and sums stay shut, and no other schema is shown');
select is((select count(*) from pg_roles where rolname in ('anon', 'authenticated') and array_to_string(rolconfig, ' ') ~ 'statement_timeout=\d'),
  2::bigint, 'no request from outside runs without a time limit');

-- What is made later is closed until somebody opens it.
create table public.later (id int primary key);
create function public.later_too() returns int language sql as 'select 1';
select is_empty($$ select r, privilege from unnest('{anon,authenticated,service_role}'::text[]) r, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) privilege
    where has_table_privilege(r, 'public.later', privilege) $$, 'a new table is open to nobody');
select is_empty($$ select r from unnest('{anon,authenticated,service_role}'::text[]) r where has_function_privilege(r, 'public.later_too()', 'EXECUTE') $$,
  'a new function is open to nobody');
drop table public.later;
drop function public.later_too();

-- Policies and grants.
select is_empty($$ select relname, verb from tests.granted except select relname, verb from tests.ruled where polpermissive $$,
  'every verb granted to signed-in people has a policy that says for which rows');
select is_empty($$ select relname, verb from tests.ruled where polpermissive except select relname, verb from tests.granted $$,
  'every policy has its grant: none waits for somebody to open it');
select is_empty($$ select relname, polname from tests.rules where polcmd in ('w', '*') and polpermissive and polwithcheck is null and schema = 'public' $$,
  'every policy for changes says how the row may look afterwards');
select is_empty($$ select relname, polname from tests.rules where schema in ('public', 'storage', 'realtime') and polpermissive
    and coalesce(pg_get_expr(polqual, polrelid), 'true') = 'true' and coalesce(pg_get_expr(polwithcheck, polrelid), 'true') = 'true' $$,
  'no policy lets everybody in');
select is_empty($$ select relname from tests.tables t where not exists (select 1 from tests.rules r where r.polrelid = t.oid
    and not polpermissive and polcmd = '*' and pg_get_expr(polqual, polrelid) ~ format('key_may\(''%s''', t.relname)) $$,
  'every table keeps programs to their scopes');
select is_empty($$ select relname, polname from tests.rules where coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), '')
    ~ '(?<!SELECT )(auth\.(uid|jwt|role)|private\.(key_may|session_stands|may_join))\(' $$, 'what a policy asks of the caller it asks once, not for every row');
select is_empty($$ select relname, attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and attname ~ '(hash|secret|token)' and relname <> 'contacts'
      and attname not in ('source_hash') and has_column_privilege('authenticated', c.oid, a.attnum, 'SELECT') $$, 'nobody reads the hash of a secret');
select is_empty($$ select relname, r, privilege from pg_class, unnest('{anon,authenticated,service_role}'::text[]) r, unnest('{INSERT,UPDATE,DELETE}'::text[]) privilege
    where relnamespace = 'public'::regnamespace and relkind in ('v', 'm') and has_table_privilege(r, oid, privilege) $$, 'nobody writes through a view');

-- A column that a policy compares with the caller's locations begins an index. Rows and people of an import are read by import,
-- which comes first in their key; an index more would be paid by every imported row.
select set_eq($$ select distinct c.relname, a.attname from pg_depend d join pg_policy p on p.oid = d.objid and p.polpermissive and p.polcmd <> 'a'
      join pg_class c on c.oid = p.polrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = p.polrelid and d.refobjsubid > 0
      and c.relnamespace = 'public'::regnamespace and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum
        and (i.indpred is null or a.attname = 'location_id')) $$,
  $$ values ('import_rows'::name, 'location_id'::name), ('import_people', 'location_id') $$, 'every column that a policy compares is indexed');

-- What is remembered, and what is limited.
select is_empty($$ select t from unnest('{locations,profiles,location_members,role_grants,invites,api_keys,settings,exports,opt_outs,contact_flags,contacts,properties,phone_numbers,
      send_hours,holidays,send_holds,campaign_templates,sync_runs,todos}'::text[]) t
    where not exists (select 1 from pg_trigger g where tgrelid = format('public.%I', t)::regclass and tgfoid = 'private.audit()'::regprocedure
      and tgenabled = 'O') $$, 'identity, opt-outs, exports and what people change of people and houses leaves a trace');
select is_empty($$ select t, verb from unnest('{audit_log,opt_out_events,consents}'::text[]) t, unnest('{8,16,32}'::int[]) verb
    where not exists (select 1 from pg_trigger g where tgrelid = format('public.%I', t)::regclass and tgfoid = 'private.refuse_rewriting()'::regprocedure
      and tgenabled = 'O' and tgtype & verb > 0) $$, 'and the trace is neither changed, deleted nor truncated');
select is_empty($$ select relname, verb from tests.granted g where verb in ('UPDATE', 'DELETE') and relname not in ('locations', 'profiles')
    and not exists (select 1 from pg_trigger t where t.tgrelid = g.oid and tgfoid = 'private.limit_rows()'::regprocedure and tgenabled = 'O'
      and tgtype & case verb when 'UPDATE' then 16 else 8 end > 0) $$, 'no request changes or deletes a whole table');

-- Storage and Realtime.
select set_eq($$ select polcmd from tests.rules where on_table = 'storage.objects'::regclass $$, $$ values ('r'::"char"), ('a'), ('d') $$,
  'files are added, read and taken back: nobody changes, moves or renames one');
select is_empty($$ select polname from tests.rules where on_table = 'storage.buckets'::regclass $$, 'nobody sees or makes a bucket');
select set_eq($$ select polname::text, polcmd from tests.rules where on_table = 'realtime.messages'::regclass $$,
  $$ values ('members hear the channels of their place', 'r'::"char") $$, 'people listen on channels: only the database speaks');
select is_empty($$ select schemaname, tablename from pg_publication_tables where schemaname in ('public', 'private', 'auth', 'storage') $$,
  'no table is published: rows never travel by Realtime''s own replication');

select * from finish();
rollback;
