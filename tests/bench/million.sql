-- 1,000,000 people at 50 locations: 902,000 at the demo location, 2,000 at each other; names and towns as unevenly spread as real
-- ones. Run by psql as the superuser: without triggers and foreign keys it takes a minute, not an hour.
\set ON_ERROR_STOP 1
set session_replication_role = replica;
set synchronous_commit = off;
select setseed(0.42) \g /dev/null

create temp table places as select n, case n when 1 then '00000000-0000-4000-8000-000000000001'::uuid
    else ('00000000-0000-4000-8000-00000000a' || lpad(n::text, 3, '0'))::uuid end as id
  from generate_series(1, 50) n;
insert into public.locations (id, name) select id, 'Branch ' || n from places on conflict do nothing;

-- branch@example.com: an owner of one of the small ones, who signs in as the demo's owner does.
insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
    created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)
  select instance_id, '00000000-0000-4000-8000-0000000000b7', aud, role, 'branch@example.com', encrypted_password, email_confirmed_at,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at, '', '', '', '' from auth.users where email = 'owner@example.com';
insert into public.profiles (id, email) values ('00000000-0000-4000-8000-0000000000b7', 'branch@example.com');
insert into public.location_members (user_id, location_id, role)
  select '00000000-0000-4000-8000-0000000000b7', id, 'owner' from places where n = 7;

-- A name is as common as its rank is low: the first of 3,000 surnames is some 1.4 % of all people, the last a handful.
create temp table given as select row_number() over () as n, name from unnest(string_to_array(
  'James Mary John Linda Robert Patricia Michael Susan William Karen David Lisa Richard Nancy Joseph Betty Thomas Helen Charles Sandra '
  'José Donna Daniel Carol Matthew Ruth Anthony Sharon Donald Michelle Mark Laura Paul Sarah Steven Kimberly Andrew Deborah Kenneth '
  'Jessica Zoë Renée André Jürgen Søren Siobhán Tess Wade Leo Mona Beth Norwood', ' ')) name where name <> '';
create temp table family as select n, initcap(a || b || c) as name from (select row_number() over () as n, a, b, c
  from unnest('{sm,wil,an,jo,mar,tho,gar,mil,dav,rod,cam,fen,hol,kel,lam}'::text[]) a,
    unnest('{i,er,on,al,e,u,ar,o,is,en}'::text[]) b,
    unnest('{th,son,ez,ton,ley,man,ski,field,berg,well,wood,ham,ford,by,ens,ini,ot,aux,ic,ka}'::text[]) c order by md5(a || b || c)) x;
create temp table towns as select n, (array['WEST','EAST','NORTH','SOUTH','NEW','OLD','FAIR','MILL','OAK','STONE'])[1 + n % 10]
    || (array['CLIFF','POND','FORD','BURY','TON','FIELD','HAM','BROOK','BRIDGE','PORT','WICH','DALE'])[1 + n % 12]
    || case when n % 3 = 0 then ' FALLS' else '' end as name from generate_series(0, 59) n;

create temp table people as
select gen_random_uuid() as id, gen_random_uuid() as house, p.id as location_id, i as n, g.name as first_name, f.name as last_name,
  '+1' || (201 + i / 10000 % 780) || (2000000 + (i::bigint * 7919) % 8000000) as phone, t.name as city,
  now() - (i % 900) * interval '1 day' - (i % 86400) * interval '1 second' as created_at
from (select i, case when i <= :big then 1 else 2 + i % 49 end as place, random() as r1, random() as r2, random() as r3
      from generate_series(1, :people) i offset 0) x
join places p on p.n = x.place
join given g on g.n = 1 + floor(52 * r1 ^ 1.3)::int
join family f on f.n = 1 + floor(3000 * r2 ^ 2.2)::int
join towns t on t.n = floor(60 * r3 ^ 1.5)::int;

insert into public.contacts (id, location_id, first_name, last_name, display_name, phone, email, lead_source, created_at)
  select id, location_id, first_name, last_name, first_name || ' ' || last_name, phone,
    lower(translate(first_name, 'éëüøá', 'eeuoa') || '.' || last_name) || n || '@example.com', 'propertyradar', created_at from people;
insert into public.contact_phones (location_id, contact_id, phone, is_primary) select location_id, id, phone, true from people;
insert into public.contact_emails (location_id, contact_id, email)
  select location_id, id, email from public.contacts where email is not null and lead_source = 'propertyradar';
insert into public.contact_cards (contact_id, location_id, first_name, city) select id, location_id, first_name, city from people;
insert into public.properties (id, location_id, address, city, zip)
  select house, location_id, 1 + n % 400 || ' ' || initcap((array['oak','elm','hill','grove','main','church','pine','lake'])[1 + n % 8])
    || ' ' || n / 400 || ' ST', city, lpad((2700 + length(city))::text, 5, '0') from people;
insert into public.property_contacts (location_id, property_id, contact_id, is_primary) select location_id, house, id, true from people;
analyze public.contacts, public.contact_phones, public.contact_emails, public.contact_cards, public.properties, public.property_contacts;
