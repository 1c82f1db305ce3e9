-- Who may make whom what, and what becomes of a person whose role or membership changes.
begin;
select plan(89);
\i supabase/tests/support/actors.sql

create function tests.set(p_user text, p_role text, p_active text default 'null') returns text language sql as $$
  select format('select set_member(tests.id(''here''), tests.id(%L), %L, %s)', p_user, p_role, p_active)
$$;
create function tests.standing(p_user text) returns text language sql as $$
  select role || case when is_active then '' else ', ended' end from public.location_members
  where user_id = tests.id(p_user) and location_id = tests.id('here')
$$;
-- One more person in each role, to be changed by the others.
select tests.make_person('any_' || r, 'here', r) from unnest('{owner,admin,marketer,technician}'::text[]) r;

-- the table
select is(array_agg(granter || ' ' || role order by granter, role), '{admin marketer,admin technician,owner admin,owner marketer,owner owner,owner technician}',
  'an owner grants every role, an admin those below his own') from role_grants;
select tests.only('{owner,admin,marketer,technician,other_owner}', 'read who may grant what', 'select * from role_grants', p_yes => '6 rows');
select is(tests.probe(a, s), '42501', a || ' may not: ' || s) from unnest('{owner,admin,service_role,anon}'::text[]) a,
  unnest(array[$$ insert into role_grants values ('admin', 'owner') $$, $$ update role_grants set role = 'owner' $$, 'delete from role_grants']) s;
select throws_ok($$ insert into role_grants values ('marketer', 'technician') $$, '23514', null, 'nobody below an admin grants anything');

-- every change by every actor, as the table has it
select is(tests.probe(g, tests.set('any_' || f, t)),
    case when (g, f) in (select granter, role from role_grants) and (g, t) in (select granter, role from role_grants)
      then '1 rows' else 'PT403 role_not_grantable' end, format('%s makes %s a person %s, or not, as role_grants has it', g, f, t))
  from unnest('{owner,admin}'::text[]) g, unnest('{owner,admin,marketer,technician}'::text[]) f, unnest('{owner,admin,marketer,technician}'::text[]) t;
select is(tests.probe(a, tests.set('any_technician', 'marketer')), case a when 'anon' then '42501' else 'PT403 not_permitted' end, a || ' changes nobody')
  from unnest('{marketer,technician,other_owner,dormant,dismissed,stranger,anon}'::text[]) a;
select is(tests.probe('service_role', tests.set('any_technician', 'marketer')), '42501', 'the service changes memberships by their table');
select is(tests.probe('other_owner', $$ select set_member(gen_random_uuid(), tests.id('any_admin'), 'owner') $$), 'PT403 not_permitted',
  'a location nobody has is refused like one that is another''s');

-- the rule is data
insert into role_grants values ('admin', 'admin');
select is(tests.probe('admin', tests.set('any_marketer', 'admin')), '1 rows', 'an admin makes admins once the table says so');
delete from role_grants where (granter, role) = ('admin', 'admin');
delete from role_grants where (granter, role) = ('admin', 'technician');
select is(tests.probe('admin', tests.set('any_technician', 'marketer')), 'PT403 role_not_grantable', 'and changes no technician once it does not');
select is(tests.probe('admin', tests.set('any_marketer', 'technician')), 'PT403 role_not_grantable', 'nor makes one');
insert into role_grants values ('admin', 'technician');
select results_eq($$ select action, after ->> 'role', before ->> 'role', actor_role from audit_log where table_name = 'role_grants' order by id $$,
  $$ values ('insert', 'admin', null, 'postgres'), ('delete', null, 'admin', 'postgres'), ('delete', null, 'technician', 'postgres'), ('insert', 'technician', null, 'postgres') $$,
  'what became of the rule is in the audit log');

-- refusals
select is(tests.probe('owner', tests.set('owner', 'admin')), 'PT409 own_membership', 'nobody changes his own role');
select is(tests.probe('admin', tests.set('admin', 'owner')), 'PT409 own_membership', 'nor raises it');
select is(tests.probe('owner', tests.set('owner', null, 'false')), 'PT409 own_membership', 'nobody leaves by himself');
select is(tests.probe('owner', tests.set('stranger', 'admin')), 'PT404 not_found', 'a person who works nowhere is invited, not set');
select is(tests.probe('owner', tests.set('other_marketer', null, 'false')), 'PT404 not_found', 'nor is one of another location');
select is(tests.probe('owner', tests.set('any_marketer', 'boss')), 'PT422 invalid_value', 'a role nobody has is refused');
select is(tests.probe('owner', tests.set('any_marketer', '')), 'PT422 invalid_value', 'and so is none');
select is(tests.probe('admin', tests.set('dormant', null, 'true')), 'PT403 role_not_grantable', 'an admin does not resume an owner');
select is(tests.probe('admin', tests.set('dormant', 'marketer', 'true')), 'PT403 role_not_grantable', 'nor by making him less');

-- effects
select is(tests.act('owner', tests.set('any_marketer', null)) || ', ' || tests.standing('any_marketer'), '1 rows, marketer', 'null leaves role and membership');
select is(tests.act('owner', tests.set('any_marketer', null, 'false')) || ', ' || tests.standing('any_marketer'), '1 rows, marketer, ended', 'a membership ends');
select is(tests.answer('any_marketer', 'select count(*) from private.my_locations()'), '0', 'and every right with it');
select is(tests.act('owner', tests.set('any_marketer', 'technician')) || ', ' || tests.standing('any_marketer'), '1 rows, technician, ended',
  'the role of an ended membership changes and it stays ended');
select is(tests.act('admin', tests.set('any_marketer', null, 'true')) || ', ' || tests.standing('any_marketer'), '1 rows, technician', 'a membership is resumed');
select is(tests.answer('any_marketer', $$ select count(*) from private.my_locations('technician') $$), '1', 'with the rights of its role');
select is(tests.act('owner', tests.set('any_admin', 'owner')), '1 rows', 'an owner makes another owner');
select is(tests.act('any_admin', tests.set('owner', null, 'false')), '1 rows', 'who may end the first');
select is(tests.probe('owner', tests.set('any_admin', 'admin')), 'PT403 not_permitted', 'whose word is nothing from then on');
select is(tests.act('any_admin', tests.set('owner', 'owner', 'true')) || ', ' || tests.standing('owner'), '1 rows, owner', 'role and membership change together');
select results_eq($$ select action, row_id, actor_id, before, after from audit_log where table_name = 'location_members' and actor_id = tests.id('any_admin') order by id $$,
  $$ values ('update', tests.id('owner')::text, tests.id('any_admin'), '{"is_active": true}'::jsonb, '{"is_active": false}'::jsonb),
    ('update', tests.id('owner')::text, tests.id('any_admin'), '{"is_active": false}', '{"is_active": true}') $$,
  'the audit log says who did what, with the columns that changed');
select is((select count(*) from audit_log where table_name = 'location_members' and actor_id = tests.id('owner') and location_id = tests.id('here')), 3::bigint,
  'a change that changes nothing is no line in it');

select * from finish();
rollback;
