-- Two locations, their people, and ways to act as each. Every test file includes this inside its own transaction, from the
-- checkout's root:  \i supabase/tests/support/actors.sql
-- Locations: here, there. People at here: owner, admin, marketer, technician; dormant (an owner whose membership is ended),
-- dismissed (an owner whose profile is ended). other_owner and other_marketer work there; both owns here and there; stranger nowhere.
create schema tests;
grant usage on schema tests to public;
create table tests.people (name text primary key, claims jsonb not null);

create function tests.id(p_name text) returns uuid language sql immutable as $$ select md5(p_name)::uuid $$;
grant execute on function tests.id(text) to public;

create function tests.make_location(p_name text) returns void language sql as $$
  insert into public.locations (id, name) values (tests.id(p_name), initcap(p_name))
$$;

-- A person with a token whose claims promise more than the tables give: rights must come from the tables.
create function tests.make_person(p_name text, p_location text default null, p_role text default null) returns void language plpgsql as $$
begin
  insert into auth.users (id, aud, role, email, raw_user_meta_data) values
    (tests.id(p_name), 'authenticated', 'authenticated', p_name || '@tests.example.com', jsonb_build_object('name', initcap(p_name)));
  if p_location is not null then
    insert into public.location_members (user_id, location_id, role) values (tests.id(p_name), tests.id(p_location), p_role);
  end if;
  insert into tests.people values (p_name, jsonb_build_object('sub', tests.id(p_name), 'role', 'authenticated', 'aal', 'aal1',
    'user_metadata', jsonb_build_object('role', 'owner'),
    'app_metadata', jsonb_build_object('locations', jsonb_build_array(jsonb_build_object('id', tests.id('here'), 'role', 'owner')))));
end $$;

create function tests.become(p_actor text) returns void language plpgsql as $$
declare v_claims jsonb := (select claims from tests.people where name = p_actor);
begin
  if v_claims is null and p_actor not in ('anon', 'service_role', 'postgres') then raise exception 'nobody is called %', p_actor; end if;
  perform set_config('request.jwt.claims', case when p_actor = 'postgres' then ''
    else coalesce(v_claims, jsonb_build_object('role', p_actor))::text end, true);
  perform set_config('role', case when v_claims is null then p_actor else 'authenticated' end, true);
end $$;

-- '3 rows', or the SQLSTATE with the message where that is one of our codes: '42501', 'PT422 reason_required'.
create function tests.run(p_actor text, p_sql text, p_keep boolean) returns text language plpgsql as $$
declare
  v_count bigint;
begin
  perform tests.become(p_actor);
  execute p_sql;
  get diagnostics v_count = row_count;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  if not p_keep then raise exception using errcode = 'UNDO1', message = v_count || ' rows'; end if;
  return v_count || ' rows';
exception
  when sqlstate 'UNDO1' then return sqlerrm;
  -- anon may not enter the schema, so a table's bare name means nothing to it.
  when undefined_table or undefined_function then return case when p_actor = 'anon' then '42501' else sqlerrm end;
  when others then return sqlstate || case when sqlerrm ~ '^[a-z_]+$' then ' ' || sqlerrm else '' end;
end $$;
create function tests.probe(p_actor text, p_sql text) returns text language sql as $$ select tests.run(p_actor, p_sql, false) $$;
create function tests.act(p_actor text, p_sql text) returns text language sql as $$ select tests.run(p_actor, p_sql, true) $$;

-- The first column of what an actor's query gives, comma-separated; its refusal as above.
create function tests.answer(p_actor text, p_sql text) returns text language plpgsql as $$
declare v_answer text;
begin
  perform tests.become(p_actor);
  execute format('select string_agg(x.v::text, '', '') from (%s) x (v)', p_sql) into v_answer;
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
  return v_answer;
exception when others then return sqlstate || case when sqlerrm ~ '^[a-z_]+$' then ' ' || sqlerrm else '' end;
end $$;

-- One assertion for each actor: those named get p_yes, the others p_no, anon is refused outright. Nothing is kept.
create function tests.only(p_may text[], p_what text, p_sql text, p_no text default '0 rows', p_yes text default '1 rows')
returns setof text language plpgsql as $$
declare a text;
begin
  foreach a in array '{owner,admin,marketer,technician,other_owner,dormant,dismissed,stranger,anon}'::text[] loop
    return next is(tests.probe(a, p_sql), case when a = any (p_may) then p_yes when a = 'anon' then '42501' else p_no end,
      format('%s %s %s', a, case when a = any (p_may) then 'may' else 'may not' end, p_what));
  end loop;
end $$;

do $$
declare p text[];
begin
  perform tests.make_location('here');
  perform tests.make_location('there');
  foreach p slice 1 in array '{{owner,here,owner},{admin,here,admin},{marketer,here,marketer},{technician,here,technician},
      {dormant,here,owner},{dismissed,here,owner},{other_owner,there,owner},{other_marketer,there,marketer},{both,here,owner}}'::text[] loop
    perform tests.make_person(p[1], p[2], p[3]);
  end loop;
  perform tests.make_person('stranger');
  insert into public.location_members (user_id, location_id, role) values (tests.id('both'), tests.id('there'), 'owner');
  update public.location_members set is_active = false where user_id = tests.id('dormant');
  update public.profiles set is_active = false where id = tests.id('dismissed');
end $$;
