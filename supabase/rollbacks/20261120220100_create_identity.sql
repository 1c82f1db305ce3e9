drop trigger profile_for_new_user on auth.users;
drop function private.profile_for_new_user();
drop table public.audit_log, public.location_members, public.profiles, public.locations cascade;
drop function private.audit(), private.my_colleagues(), private.my_locations(text[]), private.custom_access_token(jsonb);
