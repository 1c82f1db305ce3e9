-- For laptops and CI only: one location and four people, password demo-password. Safe to run again.
insert into public.locations (id, name, address, city, state, zip, lat, lon)
values ('00000000-0000-4000-8000-000000000001', 'Demo Foundation Repair', '1 Example Way', 'Fairpond', 'MA', '02728', 42.36, -71.06)
on conflict (id) do nothing;

insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
  raw_user_meta_data, created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)
select '00000000-0000-0000-0000-000000000000', ('00000000-0000-4000-8000-00000000001' || n)::uuid, 'authenticated', 'authenticated',
  role || '@example.com', extensions.crypt('demo-password', extensions.gen_salt('bf')), now(),
  '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', 'Demo ' || initcap(role)), now(), now(), '', '', '', ''
from unnest(array['owner', 'admin', 'marketer', 'technician']) with ordinality p (role, n)
on conflict (id) do nothing;

insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)
select u.id::text, u.id, jsonb_build_object('sub', u.id, 'email', u.email), 'email', now(), now()
from auth.users u where u.id::text like '00000000-0000-4000-8000-00000000001_'
  and not exists (select 1 from auth.identities i where i.user_id = u.id);

insert into public.location_members (user_id, location_id, role)
select ('00000000-0000-4000-8000-00000000001' || n)::uuid, '00000000-0000-4000-8000-000000000001', role
from unnest(array['owner', 'admin', 'marketer', 'technician']) with ordinality p (role, n)
on conflict (user_id, location_id) do nothing;

insert into public.phone_numbers (id, location_id, e164, openphone_id, label)
values ('00000000-0000-4000-8000-000000000021', '00000000-0000-4000-8000-000000000001', '+16175550100', 'PNdemo01', 'Office')
on conflict do nothing;

-- Here, and only here, may a caller say what time it is.
insert into private.switches (name, turned_on) values ('given_time', true) on conflict do nothing;
