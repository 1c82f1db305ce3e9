-- Opt-outs, consents and the audit log: what was said stays said.
begin;
select plan(146);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin}', 'opt a number out', $$ insert into opt_outs (location_id, phone) values (tests.id('here'), '+16175550101') $$,
  '42501');
insert into opt_outs (id, location_id, phone, opted_out_at, method, keyword)
  values (tests.id('out'), tests.id('here'), '+16175550101', now() - interval '1 day', 'keyword', 'STOP');
select tests.only('{owner,admin}', 'read ' || t, format('select 1 from %I where location_id = tests.id(''here'') limit 1', t))
  from unnest('{opt_outs,opt_out_events,consents,audit_log}'::text[]) t;
select tests.only('{owner,admin}', 'record consent', $$ insert into consents (location_id, phone, contact_id, status, evidence)
  values (tests.id('here'), '+16175550101', tests.id('here ann'), 'written', 'signed form') $$, '42501');
select tests.only('{owner}', 'lift an opt-out', $$ select revoke_opt_out('+16175550101', 'asked us to') $$, 'PT404 not_found');
select is(tests.probe('service_role', $$ select revoke_opt_out('+16175550101', 'x') $$), '42501',
  'the service lifts no opt-out through the owner''s door');

-- by hand
select is(tests.probe('owner', s), e, 'an owner gets ' || e || ': ' || s) from (values
  ('23505', $$insert into opt_outs (location_id, phone) values (tests.id('here'), '+16175550101')$$),
  ('42501', $$insert into opt_outs (location_id, phone, method) values (tests.id('here'), '+16175550109', 'carrier')$$),
  ('42501', $$insert into opt_outs (location_id, phone, revoked_at) values (tests.id('here'), '+16175550109', now())$$),
  ('42501', $$insert into opt_outs (location_id, phone, opted_out_at) values (tests.id('here'), '+16175550109', '2020-01-01')$$),
  ('42501', $$update opt_outs set revoked_at = now()$$), ('42501', $$update opt_outs set phone = '+16175550108'$$), ('42501', $$delete from opt_outs$$),
  ('23514', $$insert into opt_outs (location_id, phone) values (tests.id('here'), '617-555-0101')$$),
  ('23503', $$insert into opt_outs (location_id, phone, contact_id) values (tests.id('here'), '+16175550109', tests.id('there ann'))$$),
  ('42501', $$insert into opt_out_events (opt_out_id, location_id, phone, event, at) values (tests.id('out'), tests.id('here'), '+16175550101', 'revoked', now())$$),
  ('PT422 reason_required', $$select revoke_opt_out('+16175550101', null)$$), ('PT422 reason_required', $$select revoke_opt_out('+16175550101', '  ')$$),
  ('PT404 not_found', $$select revoke_opt_out('+16175550107', 'asked us to')$$), ('PT404 not_found', $$select revoke_opt_out(null, 'asked us to')$$),
  ('42501', $$update consents set status = 'written'$$), ('42501', $$delete from consents$$), ('23514', $$insert into consents (location_id, phone, status) values (tests.id('here'), '+16175550101', 'maybe')$$),
  ('23503', $$insert into consents (location_id, phone, contact_id, status) values (tests.id('here'), '+16175550101', tests.id('there ann'), 'written')$$),
  ('42501', $$insert into consents (location_id, phone, status, created_by) values (tests.id('here'), '+16175550101', 'written', tests.id('admin'))$$),
  ('42501', $$insert into consents (location_id, phone, status, created_at) values (tests.id('here'), '+16175550101', 'written', '2020-01-01')$$),
  ('42501', $$insert into audit_log (action, table_name, row_id) values ('update', 'contacts', 'x')$$), ('42501', $$delete from audit_log$$)) x (e, s);
select is(tests.probe('other_owner', $$ insert into opt_outs (location_id, phone) values (tests.id('there'), '+16175550101') $$), '23505',
  'a number that is out is out for the whole business: it has one row in force');
select is(tests.answer('other_owner', $$ select count(*) from opt_outs $$), '0', 'another location does not read who is out here');

-- history
create function tests.history() returns text language sql as $$
  select string_agg(concat_ws(' ', event, contact_name, method, keyword, reason, case actor_id when tests.id('owner') then 'by owner' end), '; ' order by id)
  from opt_out_events where phone = '+16175550101'
$$;
select is(tests.history(), 'opted_out Ann Sample keyword STOP', 'an opt-out leaves a line of history with the name');
select is((select status from list_members where contact_id = tests.id('here ann')), 'suppressed',
  'and suppresses the person in his lists');
select is((select status from list_members where contact_id = tests.id('there ann')), 'active', 'and nobody else');
select is(tests.act('owner', $$ select revoke_opt_out('+16175550101', 'called and asked us to') $$), '1 rows',
  'an owner lifts it with a reason');
select is(tests.history(), 'opted_out Ann Sample keyword STOP; revoked Ann Sample keyword STOP called and asked us to by owner',
  'lifting it leaves another line, with reason and person');
select is((select count(*) from opt_outs where phone = '+16175550101' and revoked_at is not null), 1::bigint,
  'the opt-out is ended, not deleted');
select is(tests.act('owner', $$ select revoke_opt_out('+16175550101', 'again') $$), 'PT404 not_found',
  'there is nothing more to lift');
select is(tests.act('service_role', $$ insert into opt_outs (location_id, phone, method, keyword) values (tests.id('here'), '+16175550101', 'keyword', 'QUIT') $$), '1 rows',
  'the person opts out again');
select is((select count(*) from opt_outs where phone = '+16175550101'), 2::bigint, 'that is a second row');
select is(tests.act('service_role', $$ update opt_outs set contact_id = tests.id('here ann') where revoked_at is null and location_id = tests.id('here') $$), '1 rows',
  'the service names the person');
select is((select count(*) from opt_out_events where phone = '+16175550101'), 3::bigint, 'which is no news for the history');
delete from contacts where id = tests.id('here ann');
select is((select count(*) from opt_outs where phone = '+16175550101' and revoked_at is null and contact_id is null), 1::bigint,
  'the number stays out when the person is deleted');
select is((select count(*) from opt_out_events where contact_name = 'Ann Sample'), 3::bigint, 'and the history keeps the name');
select is((select status from consents where phone = '+16175550101'), 'express', 'and so does consent, without the person');
select throws_ok($$ update opt_outs set revoked_at = opted_out_at - interval '1 s' where revoked_at is null and location_id = tests.id('here') $$, '23514', null,
  'an opt-out does not end before it began');
select throws_ok($$ insert into opt_out_events (opt_out_id, location_id, phone, event, at) values (tests.id('out'), tests.id('here'), 'x', 'perhaps', now()) $$, '23514', null,
  'history knows outs and ins');

-- append-only, for everybody
select is(tests.probe(a, format(s, t)), e, format('%s gets %s: ' || s, a, e, t)) from unnest('{opt_out_events,audit_log,consents}'::text[]) t,
  (values ('postgres', 'PT405 append_only'), ('service_role', '42501'), ('owner', '42501'), ('anon', '42501')) x (a, e),
  unnest('{delete from %I,update %I set phone = phone || ''0'',truncate %I}'::text[]) s where not (t = 'audit_log' and s like 'update%');
select throws_ok($$ update audit_log set before = null $$, 'PT405', 'append_only',
  'the audit log is not rewritten, not even by postgres');

-- the audit log
create function tests.last_audit() returns text language sql as $$
  select concat_ws(' ', action, table_name, coalesce(before::text, '-'), coalesce(after::text, '-'), actor_role,
    (select name from tests.people where tests.id(name) = actor_id)) from audit_log order by id desc limit 1
$$;
select tests.act('owner', $$ update contacts set last_name = 'Sole' where id = tests.id('here bob') $$);
select is(tests.last_audit(), 'update contacts {"last_name": "Sample", "edited_fields": []} {"last_name": "Sole", "edited_fields": ["last_name"]} authenticated owner',
  'the audit log has before and after of what changed, and of nothing else');
select tests.act('admin', $$ update properties set city = 'Oakham' where id = tests.id('here house') $$);
select is(tests.last_audit() like 'update properties % authenticated admin', true,
  'a house changed by an admin is in the audit log');
create table tests.mark as select max(id) as id from audit_log;
select tests.act('admin', $$ update properties set city = 'Oakham' where id = tests.id('here house') $$);
select tests.act('service_role', $$ update contacts set last_name = 'Import' where id = tests.id('here bob') $$);
select is((select max(id) from audit_log), (select id from tests.mark),
  'a change of nothing is not in it, nor what an import changes');
select tests.act('service_role', $$ update location_members set role = 'admin' where user_id = tests.id('marketer') $$);
select is(tests.last_audit(), 'update location_members {"role": "marketer"} {"role": "admin"} service_role',
  'a role changed by the service is in it');
select tests.act('owner', $$ update locations set name = 'Here and Now' where id = tests.id('here') $$);
select is(tests.last_audit(), 'update locations {"name": "Here"} {"name": "Here and Now"} authenticated owner', 'so is a location');
select is((select location_id from audit_log order by id desc limit 1), tests.id('here'), 'under its own id');
select tests.act('owner', $$ delete from contact_flags where id = tests.id('here flag') $$);
select is(tests.last_audit() like 'delete contact_flags {%} - authenticated owner', true, 'a flag taken away is in it, as it was');
delete from location_members where user_id = tests.id('technician');
select is(tests.last_audit() like 'delete location_members {%"technician"%} - postgres', true,
  'what a person with a database password does is in it, too');
select is(tests.answer('other_owner', $$ select count(*) from audit_log where location_id = tests.id('here') $$), '0',
  'another location reads none of it');

select * from finish();
rollback;
