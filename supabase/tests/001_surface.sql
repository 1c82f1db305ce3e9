-- What is open to whom, read from the catalog: a table, view or function that is added without thought fails here.
begin;
select plan(21);
\i supabase/tests/support/actors.sql

create view tests.ours as select c.*, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private');
create view tests.our_functions as select p.*, n.nspname, p.oid::regprocedure::text as signature from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private');

select is_empty($$ select relname from tests.ours where relkind in ('r', 'p') and not relrowsecurity $$,
  'row level security is on for every table of public and private');
select is_empty($$ select relname from tests.ours c where relkind in ('r', 'p')
    and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary) $$, 'every table has a primary key');
select is_empty($$ select relname, privilege from tests.ours c,
    unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) privilege
    where relkind in ('r', 'p', 'v', 'm') and has_table_privilege('anon', c.oid, privilege) $$, 'anon has no right on any table or view');
select is_empty($$ select relname, privilege from tests.ours c, unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) privilege
    where relkind in ('r', 'p', 'v', 'm') and has_any_column_privilege('anon', c.oid, privilege) $$, 'anon has no right on any column');
select is_empty($$ select relname from tests.ours where relkind = 'S' and (has_sequence_privilege('anon', oid, 'USAGE')
    or has_sequence_privilege('authenticated', oid, 'USAGE')) $$, 'nobody from outside draws from a sequence');
select is_empty($$ select signature from tests.our_functions where has_function_privilege('anon', oid, 'EXECUTE') $$,
  'anon may execute no function of ours');
select is_empty($$ select nspname from pg_namespace where nspname in ('public', 'private') and (has_schema_privilege('anon', oid, 'USAGE')
    or has_schema_privilege('authenticated', oid, 'CREATE') or has_schema_privilege('service_role', oid, 'CREATE')) $$,
  'anon may not enter our schemas and no API role may create in them');
select is_empty($$ select relname from tests.ours where relkind = 'r' and nspname = 'private'
    and (has_table_privilege('authenticated', oid, 'SELECT,INSERT,UPDATE,DELETE')
      or has_any_column_privilege('authenticated', oid, 'SELECT,INSERT,UPDATE')) $$, 'a signed-in person reaches no table of private');
select is_empty($$ select relname from tests.ours where relkind in ('r', 'p')
    and has_table_privilege('authenticated', oid, 'TRUNCATE,REFERENCES,TRIGGER') $$,
  'a signed-in person may not truncate, reference or put triggers');
select is_empty($$ select relname from tests.ours where relkind in ('v', 'm')
    and not coalesce('security_invoker=true' = any (reloptions), false) $$, 'every view runs with the rights of its reader');
select is_empty($$ select signature from tests.our_functions where prokind = 'f'
    and not coalesce('search_path=""' = any (proconfig), false) $$, 'every function of ours pins its search_path to nothing');

create table tests.definers (signature text, who text);
insert into tests.definers values
  ('private.audit()', ''), ('private.broadcast_contacts(uuid[],uuid[])', ''), ('private.contact_by_phone(uuid,text)', 'service_role'),
  ('private.contacts_changed()', ''), ('private.contacts_deleted()', ''), ('private.contacts_inserted()', ''),
  ('private.copy_primary_phone(uuid[])', ''), ('private.custom_access_token(jsonb)', 'supabase_auth_admin'),
  ('private.end_import(uuid,text,text)', ''), ('private.hold_import(uuid,uuid)', ''),
  ('private.import_contact_patch(imports,contacts,jsonb,text,boolean)', ''), ('private.import_contact_updates(imports,integer)', ''),
  ('private.import_contacts(imports,integer,text)', ''), ('private.import_counts(uuid)', ''), ('private.import_discrepancy(imports)', ''),
  ('private.import_links(imports,integer)', ''), ('private.import_list(uuid,text,text)', ''), ('private.import_members(imports,integer)', ''),
  ('private.import_merge(imports,integer,jsonb)', ''), ('private.import_more_numbers(imports,integer)', ''),
  ('private.import_new_contacts(imports,integer)', ''), ('private.import_people(imports,integer)', ''), ('private.import_phoneless(imports,integer,text)', ''),
  ('private.import_properties(imports,integer)', ''), ('private.import_property_updates(imports,integer)', ''),
  ('private.import_record(imports,integer,integer)', ''), ('private.import_row_by_row(imports,integer,jsonb)', ''),
  ('private.import_stage(imports,integer,jsonb)', ''), ('private.import_touches(imports,integer,integer[])', ''),
  ('private.import_turns(imports,integer)', ''), ('private.imports_progressed()', ''), ('private.is_suppressed(uuid,uuid)', ''),
  ('private.links_removed()', ''), ('private.links_written()', ''), ('private.may_join(text)', 'authenticated'),
  ('private.my_colleagues()', 'authenticated service_role'), ('private.my_locations(text[])', 'authenticated service_role'),
  ('private.phones_changed()', ''), ('private.phones_removed()', ''), ('private.phones_written()', ''),
  ('private.profile_for_new_user()', ''), ('private.record_opt_out()', ''), ('private.refresh_cards(uuid[])', ''),
  ('private.refuse_taken_phones(uuid[])', ''), ('private.spread_changed_contacts()', ''), ('private.spread_new_contacts()', ''),
  ('private.suppress_flagged()', ''), ('private.suppress_member()', ''), ('private.towns_changed()', ''),
  ('begin_import(uuid,uuid,text,text,jsonb,integer,integer,jsonb)', 'service_role'), ('business_counts()', 'service_role'), ('cancel_import(uuid)', 'authenticated'),
  ('claim_import(uuid,uuid,integer)', 'service_role'),
  ('create_import(uuid,uuid,text,text,bigint,text,text,text,text,text)', 'authenticated'), ('fail_import(uuid,uuid,text)', 'service_role'),
  ('finish_import(uuid,uuid)', 'service_role'), ('import_batch(uuid,uuid,integer,jsonb)', 'service_role'),
  ('import_location(uuid)', 'authenticated'), ('imports_to_ring()', 'service_role'), ('release_import(uuid,uuid,text)', 'service_role'),
  ('renew_import(uuid,uuid)', 'service_role'), ('revoke_opt_out(text,text)', 'authenticated'),
  ('private.key_may(text)', 'authenticated service_role'), ('private.session_stands()', 'authenticated service_role'),
  ('private.key_stands()', 'authenticated service_role'), ('private.second_factor_given()', 'authenticated service_role'), ('private.my_role(uuid)', 'authenticated service_role'),
  ('private.require_role(uuid,text[])', 'authenticated service_role'), ('private.guard_second_factor()', ''), ('private.profile_follows_user()', ''),
  ('private.require_grant(uuid,text)', ''), ('private.new_api_key(uuid,uuid,text,text[],timestamp with time zone)', ''),
  ('private.open_invite(uuid)', ''), ('private.inviter_still_may(invites)', ''), ('private.check_setting()', ''),
  ('private.has_owner()', ''), ('private.end_invites_of_member()', ''), ('search_contacts(uuid,text,integer)', 'authenticated'), ('search_cards(uuid,text,integer)', 'authenticated'),
  ('my_access()', 'authenticated'),
  ('set_member(uuid,uuid,text,boolean)', 'authenticated'), ('create_api_key(uuid,text,text[],timestamp with time zone,uuid)', 'authenticated'),
  ('rotate_api_key(uuid,integer)', 'authenticated'), ('revoke_api_key(uuid)', 'authenticated'), ('use_api_key()', 'authenticated'),
  ('create_invite(uuid,text,text,uuid)', 'authenticated'), ('resend_invite(uuid)', 'authenticated'), ('revoke_invite(uuid)', 'authenticated'),
  ('accept_invite(text)', 'authenticated'), ('invites_to_send(integer)', 'service_role'), ('issue_invite(uuid)', 'service_role'),
  ('record_invite_sent(uuid,text)', 'service_role'), ('first_owner(text,text,text)', 'service_role'), ('my_settings(uuid)', 'authenticated'),
  ('save_setting(uuid,text,jsonb)', 'authenticated'), ('save_preference(uuid,text,jsonb)', 'authenticated'), ('begin_export(text,uuid,jsonb)', 'authenticated'),
  ('private.require_person()', ''), ('begin_request(text,text,text)', 'authenticated'), ('who_am_i()', 'authenticated'),
  ('finish_request(text,integer,integer,text,uuid)', 'authenticated'), ('abandon_request(text,integer,boolean)', 'authenticated'),
  ('claim_media(uuid,uuid,integer,timestamp with time zone)', 'service_role'), ('fail_media(uuid,uuid,text,text,integer,timestamp with time zone)', 'service_role'),
  ('media_to_fetch(integer,timestamp with time zone)', 'service_role'), ('place_media(uuid,uuid,text,text,text,timestamp with time zone)', 'service_role'),
  ('renew_media(uuid,uuid,text)', 'service_role'), ('store_media(uuid,uuid,jsonb,timestamp with time zone)', 'service_role'), ('retry_media(uuid)', 'authenticated'),
  ('private.give_up_media(media,text)', ''), ('private.held_media(uuid,uuid)', ''), ('private.media_is_stored(media)', ''), ('private.media_changed()', ''),
  ('private.validation_copied()', ''), ('private.new_phones_checked()', ''), ('private.phone_corrected()', ''), ('private.want_number_checks(uuid,text[],uuid,timestamp with time zone)', ''),
  ('request_number_checks(uuid,uuid,text[],timestamp with time zone)', 'authenticated'), ('numbers_to_check(uuid,integer,integer,timestamp with time zone)', 'service_role'),
  ('private.record_checked(jsonb,timestamp with time zone)', ''), ('record_number_checks(uuid,jsonb,timestamp with time zone)', 'service_role'),
  ('number_checks_stopped(text,timestamp with time zone)', 'service_role'),
  ('list_sendability(uuid,timestamp with time zone)', 'authenticated'), ('private.count_members(uuid)', 'authenticated service_role'),
  ('open_inbox(text)', 'service_role'), ('close_inbox(text)', 'service_role'), ('private.clock(timestamp with time zone)', ''),
  ('private.add_todo(uuid,text,text,text,uuid,uuid,integer,timestamp with time zone,text)', ''), ('private.notify(uuid,text,text,text,text,jsonb,uuid)', ''),
  ('private.notifications_written()', ''), ('private.broadcast_todos(uuid[],uuid[],uuid[])', ''), ('private.todos_written()', ''), ('private.todos_changed()', ''),
  ('private.check_assignee()', ''),
  ('receive_webhooks(text,jsonb)', 'authenticated'), ('count_webhook_refusals(jsonb)', 'service_role'), ('health_heard(text)', 'service_role'),
  ('claim_webhook_events(integer,integer)', 'service_role'), ('apply_webhook_events(uuid,jsonb)', 'service_role'), ('apply_facts(uuid,jsonb,text)', 'service_role'),
  ('dead_texts(uuid,integer)', 'authenticated'), ('dismiss_texts(uuid,bigint[],text)', 'authenticated'),
  ('dead_webhooks(text,bigint,integer)', 'authenticated'), ('replay_webhooks(bigint[],text)', 'authenticated'), ('webhooks_to_ask(integer)', 'service_role'),
  ('watch_webhooks(timestamp with time zone)', 'service_role'), ('private.contact_for_phone(uuid,text)', ''), ('private.conversation_for(uuid,uuid,text[],text)', ''),
  ('add_number(uuid,text,text)', 'authenticated'), ('remove_number(uuid)', 'authenticated'), ('connect_number(uuid,text,text,text)', 'service_role'),
  ('private.said()', ''), ('private.said_otherwise()', ''), ('private.mark_campaigns()', ''), ('private.mark_media()', ''), ('private.call_came()', ''),
  ('private.message_came()', ''), ('private.send_settled()', ''), ('private.number_known()', ''), ('private.require_office()', ''),
  ('private.held_sync(uuid,uuid)', ''), ('private.new_sync(uuid,text,timestamp with time zone,uuid,timestamp with time zone,uuid)', ''),
  ('start_sync(uuid,text,timestamp with time zone,uuid)', 'authenticated'), ('private.steer_sync(uuid,text[],text)', ''), ('pause_sync(uuid)', 'authenticated'),
  ('resume_sync(uuid)', 'authenticated'), ('cancel_sync(uuid)', 'authenticated'), ('vendor_work(timestamp with time zone)', 'service_role'),
  ('claim_sync(uuid,uuid,integer,timestamp with time zone)', 'service_role'), ('sync_step(uuid,uuid,jsonb,jsonb,integer)', 'service_role'),
  ('take_numbers(uuid,uuid,jsonb)', 'service_role'), ('private.take_conversations(uuid,jsonb)', ''),
  ('calls_to_complete(uuid,uuid,text,integer)', 'service_role'), ('scan_keywords(uuid,uuid,integer,timestamp with time zone)', 'service_role'),
  ('private.tell_of_sync(sync_runs,text,text,text)', ''), ('finish_sync(uuid,uuid)', 'service_role'),
  ('let_sync_go(uuid,uuid,text,integer,boolean,timestamp with time zone)', 'service_role'), ('private.sync_changed()', ''),
  ('watch_messaging(text,timestamp with time zone)', 'service_role'), ('messaging_health(uuid)', 'authenticated'),
  ('begin_contact_pushes(timestamp with time zone)', 'service_role'), ('contacts_to_push(uuid,uuid,integer,integer)', 'service_role'),
  ('record_push(uuid,uuid,uuid,text,jsonb,text,text,integer)', 'service_role'),
  ('private.opt_out_by_carrier(uuid,text,timestamp with time zone)', ''), ('opt_out_number(uuid,text,text,text)', 'authenticated'),
  ('private.take_keyword(uuid,boolean,timestamp with time zone)', ''), ('resolve_hold(uuid,text,text)', 'authenticated'),
  ('claim_outbound(integer,integer,timestamp with time zone)', 'service_role'), ('start_send(uuid,uuid,integer,timestamp with time zone)', 'service_role'),
  ('finish_send(uuid,uuid,text,text,integer,text,text,numeric,timestamp with time zone)', 'service_role'), ('reap_outbound(integer,timestamp with time zone)', 'service_role'),
  ('outbound_to_reconcile(integer,timestamp with time zone)', 'service_role'), ('reconcile_send(uuid,text[],timestamp with time zone)', 'service_role'),
  ('settle_send(uuid,text,timestamp with time zone)', 'authenticated'), ('queue_message(uuid,uuid,text,uuid,uuid,text,uuid,uuid,timestamp with time zone)', 'authenticated'),
  ('preview_message(uuid,text,uuid,uuid,text,uuid,uuid,timestamp with time zone)', 'authenticated'), ('private.addressee_of(uuid,text,uuid,uuid,uuid)', ''),
  ('private.send_refusal(uuid,uuid,text,text[],timestamp with time zone,boolean)', ''), ('private.ask_number_check(uuid,jsonb,timestamp with time zone)', ''),
  ('private.place_text(uuid,uuid,text,text[],text,text,uuid,uuid,uuid,timestamp with time zone,uuid)', ''), ('private.cancel_sends(text,text,timestamp with time zone)', ''),
  ('private.outbound_reported(uuid,text,timestamp with time zone,text,text)', ''), ('private.settle_unconfirmed(uuid,text,timestamp with time zone)', ''),
  ('private.check_template()', ''), ('private.mirror_outbound()', ''), ('private.cap_changed()', ''), ('private.number_resumes()', ''),
  ('opt_out_report(uuid,integer,timestamp with time zone)', 'authenticated'), ('list_opt_outs(uuid,timestamp with time zone,uuid,integer)', 'authenticated'),
  ('private.mark_words()', ''), ('private.mark_calls()', ''), ('private.note_incoming(uuid[])', ''), ('private.conversations_made()', ''),
  ('private.conversations_grew()', ''), ('private.hand_back_work()', ''), ('private.broadcast_said(text,uuid[],uuid[],uuid[])', ''),
  ('private.conversations_changed()', ''), ('private.said_live()', ''), ('private.said_otherwise_live()', ''), ('private.recordings_live()', ''),
  ('private.holds_live()', ''), ('private.holds_changed()', ''), ('private.broadcast_reads(uuid[],uuid[],uuid[])', ''), ('private.reads_made()', ''),
  ('private.reads_changed()', ''), ('private.notifications_read()', ''), ('list_inbox(uuid,jsonb,jsonb,integer)', 'authenticated'),
  ('conversation_thread(uuid,jsonb,integer)', 'authenticated'), ('person_context(uuid,uuid)', 'authenticated'),
  ('mark_read(uuid,timestamp with time zone)', 'authenticated'), ('mark_unread(uuid)', 'authenticated'),
  ('bulk_conversations(uuid[],text,text)', 'authenticated'), ('unread_counts(uuid,timestamp with time zone)', 'authenticated'),
  ('list_todos(uuid,text,boolean,integer,integer,timestamp with time zone)', 'authenticated'), ('finish_todos(uuid[],boolean)', 'authenticated'),
  ('read_notifications(uuid,uuid[])', 'authenticated'),
  ('forget_requests(integer)', 'service_role'), ('forget_notifications(integer)', 'service_role');
select set_eq($$ select signature, coalesce((select string_agg(r, ' ' order by r)
      from unnest('{anon,authenticated,service_role,supabase_auth_admin}'::text[]) r where has_function_privilege(r, f.oid, 'EXECUTE')), '')
    from tests.our_functions f where prosecdef $$, $$ select signature, who from tests.definers $$,
  'the security definer functions are those listed here, each for those listed here');
select is_empty($$ select proname from tests.our_functions where prosecdef and proowner <> 'postgres'::regrole $$,
  'no security definer function runs as anyone but postgres');
select is_empty($$ select signature from tests.our_functions where not prosecdef and nspname = 'public'
    and has_function_privilege('authenticated', oid, 'EXECUTE') $$, 'every function the API shows to people checks its caller itself (none is an invoker)');

-- A key into another table needs an index that begins with the id it names. Rows are never looked up by location alone when one
-- is deleted (locations are not), so a partial index is enough for location_id.
select is_empty($$ select c.conrelid::regclass, c.conname from pg_constraint c join tests.ours t on t.oid = c.conrelid
    where c.contype = 'f' and not exists (select 1 from pg_index i
      left join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1] and (i.indpred is null or a.attname = 'location_id'
        or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname))) $$, 'every foreign key has an index');
select is_empty($$ select c.conrelid::regclass, a.attname from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid
      and a.attnum = c.conkey[1] join tests.ours t on t.oid = c.conrelid
    where c.contype = 'f' and cardinality(c.conkey) = 1 and c.confrelid in ('public.contacts'::regclass, 'public.properties'::regclass,
        'public.companies'::regclass, 'public.lists'::regclass, 'public.tags'::regclass)
      and (has_column_privilege('authenticated', c.conrelid, a.attnum, 'INSERT')
        or has_column_privilege('authenticated', c.conrelid, a.attnum, 'UPDATE')) $$,
  'a person, house, company, list or tag named by a browser''s row belongs to the row''s location');
select is_empty($$ select c.oid::regclass from tests.ours c join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and a.attname in ('location_id', 'created_by', 'created_at', 'updated_at', 'edited_fields')
      and has_column_privilege('authenticated', c.oid, a.attnum, 'UPDATE') $$,
  'no browser moves a row to another location or writes who made it and when');
select is_empty($$ select extname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where nspname in ('public', 'private') $$,
  'no extension lies in public or private');
select is_empty($$ select id from storage.buckets where public or public is null or file_size_limit is null or allowed_mime_types is null $$,
  'every bucket is private and limits size and type');
select is_empty($$ select tablename, policyname from pg_policies where schemaname in ('public', 'private', 'storage', 'realtime')
    and roles <> '{authenticated}' $$, 'every policy is for signed-in people only');
select is_empty($$ select tablename, policyname from pg_policies where (coalesce(qual, '') || coalesce(with_check, ''))
    ~* 'user_metadata|app_metadata' $$, 'no policy believes what a token says of its person');

select * from finish();
rollback;
