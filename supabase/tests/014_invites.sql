-- Invitations: who sends, renews and ends one, how the mail goes out, and whom its link lets in.
begin;
select plan(163);
\i supabase/tests/support/actors.sql
delete from invites; -- of other tests; put back at the end
update auth.users set email_confirmed_at = now() where id in (select tests.id(name) from tests.people);

create function tests.invite(p_who text, p_role text, p_id text default null) returns text language sql as $$
  select format('select create_invite(tests.id(''here''), %L, %L%s)', case when p_who ~ '[@ ]' or p_who = '' then p_who else p_who || '@tests.example.com' end,
    p_role, coalesce(format(', tests.id(%L)', p_id), ''))
$$;
create function tests.found(p_id text) returns public.invites language sql stable as $$ select i from public.invites i where id = tests.id(p_id) $$;
-- What the worker does: claims, mails, records. The link's token, null when there was nothing to send.
create function tests.mail(p_id text) returns text language sql as $$
  select v ->> 'token' from (select public.issue_invite(tests.id(p_id)) v) x, lateral public.record_invite_sent(tests.id(p_id))
$$;
create table tests.links (name text primary key, token text);
grant select on tests.links to public;
create function tests.link(p_name text) returns text language sql as $$ select format('select accept_invite((select token from tests.links where name = %L))', p_name) $$;
create function tests.standing(p_user text) returns text language sql as $$
  select role || case when is_active then '' else ', ended' end from public.location_members where user_id = tests.id(p_user) and location_id = tests.id('here')
$$;

-- made
select tests.only('{owner,admin}', 'invite a marketer', tests.invite('new', 'marketer'), 'PT403 not_permitted');
select is(tests.probe(a, tests.invite('new', r)), case when exists (select 1 from role_grants where (granter, role) = (a, r)) then '1 rows' else 'PT403 role_not_grantable' end,
  format('%s invites a person as %s, or not, as role_grants has it', a, coalesce(r, 'nothing'))) from unnest('{owner,admin}'::text[]) a,
  unnest('{owner,admin,marketer,technician,boss,null}'::text[]) r;
select is(tests.probe('service_role', tests.invite('new', 'owner')), '42501', 'the service invites nobody');
select is(tests.probe('owner', tests.invite(bad, 'marketer')), 'PT422 invalid_value', 'no address: ' || bad)
  from unnest(array['', ' ', 'a b', '@', 'a@b@c', '@b.example', 'a@', E'a@b.example\nBcc: c@d.example', 'a @b.example', repeat('x', 243) || '@example.com']) bad;
select is(tests.probe('owner', 'select create_invite(tests.id(''here''), null, ''marketer'')'), 'PT422 invalid_value', 'nor is null one');
select is(tests.probe('marketer', tests.invite('a b', 'marketer')), 'PT403 not_permitted', 'who may not invite is told that first');
select is(tests.probe('owner', tests.invite(repeat('x', 242) || '@example.com', 'marketer')), '1 rows', 'an address has up to 254 characters');
select is(tests.answer('owner', tests.invite(' Stranger@TESTS.example.com ', 'marketer', 'one') || '- ''{created_at,updated_at}''::text[]')::jsonb,
  jsonb_build_object('id', tests.id('one'), 'location_id', tests.id('here'), 'email', 'stranger@tests.example.com', 'role', 'marketer', 'expires_at', now() + interval '7 days',
    'sent_at', null, 'send_error', null, 'accepted_at', null, 'accepted_by', null, 'revoked_at', null, 'created_by', tests.id('owner')),
  'an address is kept small, the link is good for seven days, and the answer says nothing of it');
select is(tests.answer('owner', tests.invite('stranger', 'marketer', 'one') || ' ->> ''id'''), tests.id('one')::text, 'the same id again is the same invitation');
select is(tests.probe('owner', tests.invite('stranger', 'technician', 'one')), 'PT409 already_invited', 'but not for another role');
select is(tests.probe('owner', tests.invite('else', 'marketer', 'one')), 'PT409 already_invited', 'nor another person');
select is(tests.probe('admin', tests.invite('stranger', 'marketer', 'one')), 'PT409 already_invited', 'nor from another person');
select is(tests.probe('owner', tests.invite('STRANGER', 'admin')), 'PT409 already_invited', 'one open invitation for a person, however the address is written');
select is(tests.probe('both', $$ select create_invite(tests.id('there'), 'stranger@tests.example.com', 'marketer') $$), '1 rows', 'and one for each location');
select is(tests.probe('both', $$ select create_invite(tests.id('there'), 'stranger@tests.example.com', 'marketer', tests.id('one')) $$), 'PT409 already_invited', 'under an id of its own');
select is(tests.probe('owner', tests.invite('Marketer', 'marketer')), 'PT409 already_member', 'who works here is not invited');
select is(tests.probe('owner', tests.invite(w, 'marketer')), '1 rows', w || ' is') from unnest('{dormant,other_marketer}'::text[]) w;
select is((select count(*) from audit_log where table_name = 'invites' and actor_id = tests.id('owner') and action = 'insert' and row_id = tests.id('one')::text), 1::bigint,
  'that somebody was invited is in the audit log');

-- seen
select tests.only('{owner,admin}', 'read the invitations of his location', $$ select id, email from invites where id = tests.id('one') $$);
select is(tests.probe(a, 'select token_hash from invites'), '42501', a || ' reads no hash of a link') from unnest('{owner,admin,anon}'::text[]) a;
select is(tests.probe('owner', s), '42501', 'an owner may not: ' || s) from unnest(array['update invites set role = ''owner''', 'delete from invites',
  $$ insert into invites (location_id, email, role) values (tests.id('here'), 'x@example.com', 'owner') $$]) s;

-- mailed
select is(tests.probe(a, s), '42501', format('%s may not: %s', a, s)) from unnest('{owner,anon}'::text[]) a, unnest(array['select invites_to_send()',
  'select issue_invite(tests.id(''one''))', 'select record_invite_sent(tests.id(''one''))', 'select first_owner(''x@example.com'', ''X'')']) s;
select is(array(select invites_to_send()), array[tests.id('one')], 'what was not mailed is to be mailed');
select is(public.issue_invite(gen_random_uuid()), null, 'nothing is claimed of what is not there');
insert into tests.links select 'lost', v ->> 'token' from (select public.issue_invite(tests.id('one')) v) x;
select matches((select token from tests.links), '^[A-Za-z0-9_-]{43}$', 'a link has 256 random bits');
select is((tests.found('one')).token_hash, encode(sha256(convert_to((select token from tests.links), 'utf8')), 'hex'), 'only their sha256 is kept');
select is((select count(*) from invites_to_send()), 0::bigint, 'what one worker has claimed is nobody else''s');
select is(public.issue_invite(tests.id('one')), null, 'nor is it claimed again');
select is(tests.probe('owner', $$ select resend_invite(tests.id('one')) $$), 'PT429 sent_just_now', 'nor sent anew meanwhile');
select ok((tests.found('one')).send_after between clock_timestamp() + interval '1 minute 50 s' and clock_timestamp() + interval '2 minutes', 'for two minutes');
update invites set send_after = clock_timestamp() where id = tests.id('one');
select is(array(select invites_to_send()), array[tests.id('one')], 'then the worker is taken for dead');
insert into tests.links select 'first', v ->> 'token' from (select public.issue_invite(tests.id('one')) v) x;
select is(tests.probe('stranger', tests.link('lost')), 'PT404 invite_not_found', 'and the link it may have sent opens nothing');
select record_invite_sent(tests.id('one'), repeat('x', 600));
select is(((tests.found('one')).sent_at, length((tests.found('one')).send_error))::text, '(,500)', 'a mail that was refused was not sent, and the office sees why');
select is(round(extract(epoch from (tests.found('one')).send_after - clock_timestamp())), 60::numeric, 'the second try is followed by a minute''s pause: 15 s times the square');
select is(tests.probe('stranger', tests.link('first')), '1 rows', 'its link is good, for it may have arrived all the same');
update invites set send_attempts = 10, send_after = clock_timestamp() where id = tests.id('one');
select is((select count(*) from invites_to_send()), 0::bigint, 'after ten tries nobody tries again');
select is(tests.act('owner', $$ select resend_invite(tests.id('one')) $$), '1 rows', 'until somebody asks for it');
select record_invite_sent(tests.id('one'));
select is(array(select invites_to_send()), array[tests.id('one')], 'a word on a mail nobody has claimed is not believed');
insert into tests.links values ('second', tests.mail('one'));
select is((tests.found('one')).sent_at, now(), 'a mail that went out was sent');
select is((select count(*) from invites_to_send()), 0::bigint, 'and is not sent again');
select record_invite_sent(tests.id('one'), 'late');
select is((tests.found('one')).send_error, null, 'nor refused afterwards');

-- sent anew
select is(tests.probe('owner', $$ select resend_invite(tests.id('one')) $$), 'PT429 sent_just_now', 'a minute lies between two mails');
update invites set sent_at = now() - interval '1 minute', expires_at = now() where id = tests.id('one');
select tests.only('{owner,admin}', 'send an invitation anew', $$ select resend_invite(tests.id('one')) $$, 'PT404 not_found');
select is(tests.act('owner', $$ select resend_invite(tests.id('one')) $$), '1 rows', 'an invitation that has expired is sent anew');
select is((tests.found('one')).expires_at, now() + interval '7 days', 'for seven days');
select is(tests.probe('stranger', tests.link('second')), 'PT404 invite_not_found', 'the former link opens nothing from then on');
insert into tests.links values ('third', tests.mail('one'));
select tests.act('owner', tests.invite('boss', 'owner', 'boss'));
select is(tests.probe('admin', format('select %s_invite(tests.id(''boss''))', verb)), 'PT403 role_not_grantable', format('an admin does not %s an owner''s invitation', verb))
  from unnest('{resend,revoke}'::text[]) verb;

-- accepted
update auth.users set email_confirmed_at = null where id = tests.id('stranger');
select is(tests.probe('stranger', tests.link('third')), 'PT403 invite_for_another', 'an address nobody has confirmed is nobody''s');
update auth.users set email_confirmed_at = now() where id = tests.id('stranger');
select is(tests.probe(a, tests.link('third')), said, format('%s accepts the stranger''s invitation: %s', a, said)) from (values ('other_owner', 'PT403 invite_for_another'),
  ('owner', 'PT403 invite_for_another'), ('dismissed', 'PT401 invalid_token'), ('anon', '42501'), ('service_role', '42501')) p (a, said);
select is(tests.probe('stranger', format('select accept_invite(%s)', bad)), 'PT404 invite_not_found', 'a token of nothing: ' || bad)
  from unnest(array['null', '''''', '''x''', 'repeat(''A'', 43)', quote_literal((tests.found('one')).token_hash)]) bad;
update invites set expires_at = now() + interval '1 second' where id = tests.id('one');
select is(tests.probe('stranger', tests.link('third')), '1 rows', 'a second before the seven days are over it is good');
update invites set expires_at = now() where id = tests.id('one');
select is(tests.probe('stranger', tests.link('third')), 'PT410 invite_expired', 'and then it is not');
update invites set expires_at = now() + interval '1 day' where id = tests.id('one');
update location_members set role = 'marketer' where user_id = tests.id('owner');
select is(tests.probe('stranger', tests.link('third')), 'PT410 invite_expired', 'nor when the inviter may invite no longer');
update location_members set role = 'admin' where user_id = tests.id('owner');
select is(tests.probe('stranger', tests.link('third')), '1 rows', 'it is as long as he may');
update location_members set role = 'owner', is_active = false where user_id = tests.id('owner');
select is(tests.probe('stranger', tests.link('third')), 'PT410 invite_expired', 'nor when he works here no longer');
update location_members set is_active = true where user_id = tests.id('owner');
update profiles set is_active = false where id = tests.id('owner');
select is(tests.probe('stranger', tests.link('third')), 'PT410 invite_expired', 'nor when his account is ended');
update profiles set is_active = true where id = tests.id('owner');
update invites set created_by = null where id = tests.id('one');
select is(tests.probe('stranger', tests.link('third')), 'PT410 invite_expired', 'nor when he is deleted');
update invites set created_by = tests.id('owner') where id = tests.id('one');
select is(tests.act('stranger', tests.link('third')) || ', ' || tests.standing('stranger'), '1 rows, marketer', 'the person who was invited becomes what he was invited to be');
select is(((tests.found('one')).accepted_at, (tests.found('one')).accepted_by)::text, (now(), tests.id('stranger'))::text, 'which the invitation says');
select is(tests.answer('stranger', 'select count(*) from private.my_locations(''marketer'')'), '1', 'and the rights follow');
select is(tests.act('stranger', tests.link('third')) || ', ' || tests.standing('stranger'), '1 rows, marketer', 'the same link by the same person is the same again');
update auth.users set email = 'moved@tests.example.com' where id = tests.id('stranger');
update auth.users set email = 'stranger@tests.example.com' where id = tests.id('technician');
select is(tests.probe('technician', tests.link('third')), 'PT409 invite_used', 'by another at the same address it is used');
update auth.users set email = 'technician@tests.example.com' where id = tests.id('technician');
update auth.users set email = 'stranger@tests.example.com' where id = tests.id('stranger');
select is(tests.probe('owner', format('select %s_invite(tests.id(''one''))', verb)), 'PT409 invite_ended', format('nobody may %s it', verb))
  from unnest('{resend,revoke}'::text[]) verb;
select is(tests.answer('owner', tests.invite('stranger', 'marketer', 'one') || ' ->> ''accepted_by'''), tests.id('stranger')::text, 'the request that made it still answers it');
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('stranger'), null, false) $$);
select is(tests.act('stranger', tests.link('third')) || ', ' || tests.standing('stranger'), '1 rows, marketer, ended', 'a link that was used takes up no membership that ended');

-- anew, for who worked here before
select is(tests.act('owner', tests.invite('stranger', 'technician', 'two')), '1 rows', 'he may be invited again');
insert into tests.links values ('fourth', tests.mail('two'));
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('stranger'), 'admin', true) $$);
select is(tests.act('stranger', tests.link('fourth')), 'PT409 already_member', 'the invitation of a person who works here again changes no role');
select tests.act('owner', $$ select set_member(tests.id('here'), tests.id('stranger'), null, false) $$);
select is(tests.act('stranger', tests.link('fourth')), 'PT404 invite_not_found', 'and is void once he is sent away');
select tests.act('owner', tests.invite('stranger', 'technician', 'three'));
insert into tests.links values ('fifth', tests.mail('three'));
select is(tests.act('stranger', tests.link('fifth')) || ', ' || tests.standing('stranger'), '1 rows, technician', 'a new one takes the membership up, in the role it names');

-- ended
select tests.act('owner', tests.invite('gone', 'marketer', 'gone'));
insert into tests.links values ('gone', tests.mail('gone'));
select tests.only('{owner,admin}', 'revoke an invitation', $$ select revoke_invite(tests.id('gone')) $$, 'PT404 not_found');
update auth.users set email = 'gone@tests.example.com' where id = tests.id('other_marketer');
select is(tests.probe('other_marketer', tests.link('gone')), '1 rows', 'before it is revoked the link is good');
select is(tests.act('admin', $$ select revoke_invite(tests.id('gone')) $$), '1 rows', 'an admin ends an invitation of an owner');
select is(tests.probe('other_marketer', tests.link('gone')), 'PT404 invite_not_found', 'its link opens nothing');
select is(tests.probe('admin', $$ select revoke_invite(tests.id('gone')) $$), 'PT409 invite_ended', 'it ends once');
select is(tests.probe('admin', tests.invite('gone', 'marketer')), '1 rows', 'then the person may be invited anew');
select tests.act('owner', tests.invite('slow', 'marketer', 'slow'));
update invites set expires_at = now() where id = tests.id('slow');
select is(tests.act('owner', tests.invite('slow', 'technician', 'slower')), '1 rows', 'and so may one whose invitation expired');
select is((tests.found('slow')).revoked_at, now(), 'which ends the old one');
select tests.act('owner', tests.invite('unsent', 'marketer', 'unsent'));
select tests.act('owner', $$ select revoke_invite(tests.id('unsent')) $$);
select is((select count(*) from invites_to_send() i where i in (tests.id('gone'), tests.id('slow'), tests.id('unsent'))), 0::bigint, 'what is ended is not mailed');
select is((select count(*) from audit_log where table_name = 'invites' and concat(before, after) ~ '[0-9a-f]{64}'), 0::bigint, 'no hash of a link is in the audit log');

-- the first owner
select throws_ok($$ select first_owner('first@tests.example.com', 'First') $$, 'PT409', 'owner_exists', 'where somebody owns something there is no first owner');
update location_members set role = 'admin' where role = 'owner' and location_id = tests.id('there');
update location_members set is_active = false where role = 'owner';
select throws_ok($$ select first_owner('first@tests.example.com', 'First') $$, 'PT409', 'owner_exists', 'nor where somebody did');
delete from location_members where role = 'owner';
select throws_ok(format('select first_owner(%s)', bad), code, null, 'no first owner: ' || bad) from (values ($$ 'nobody', 'First' $$, 'PT422'), ($$ 'a@b.example', ' ' $$, '23514'),
  ($$ 'a@b.example', 'First', 'Mars/Olympus' $$, '22023')) b (bad, code);
insert into tests.links select 'typo', v::text from (select first_owner('Frist@tests.example.com', ' First ')) x (v);
select is((select (l.name, l.timezone, i.role, i.email, i.created_by)::text from invites i join locations l on l.id = i.location_id where i.id::text = (select token from tests.links where name = 'typo')),
  '(First,America/New_York,owner,frist@tests.example.com,)', 'the command makes the location and invites the first owner');
insert into tests.links select 'right', v::text from (select first_owner('other_owner@tests.example.com', 'The First', 'America/Chicago')) x (v);
select is((select array_agg((l.name, l.timezone, i.email, i.revoked_at is not null)::text order by i.revoked_at) from invites i join locations l on l.id = i.location_id where created_by is null and i.role = 'owner'),
  '{"(\"The First\",America/Chicago,frist@tests.example.com,t)","(\"The First\",America/Chicago,other_owner@tests.example.com,f)"}', 'asked again, the later word counts, for the same location');
insert into tests.links select 'in', v ->> 'token' from (select issue_invite(token::uuid) v from tests.links where name = 'right') x;
select is(tests.probe('other_owner', tests.link('in')), '1 rows', 'who was invited so becomes the owner');
update location_members set role = 'owner' where user_id = tests.id('both') and location_id = tests.id('there');
select is(tests.probe('other_owner', tests.link('in')), 'PT410 invite_expired', 'unless somebody owns something by then');
update location_members set role = 'admin' where user_id = tests.id('both');
select tests.act('other_owner', tests.link('in'));
select throws_ok($$ select first_owner('first@tests.example.com', 'First') $$, 'PT409', 'owner_exists', 'after which the command is refused');

select * from finish();
rollback;
