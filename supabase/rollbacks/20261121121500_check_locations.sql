create or replace function private.profile_for_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, email, name) values (new.id, coalesce(new.email, ''), new.raw_user_meta_data ->> 'name')
  on conflict (id) do nothing;
  return new;
end $$;
alter table public.profiles drop constraint profiles_lengths;
comment on column public.locations.business_hours is null;
alter table public.locations drop constraint locations_lengths, drop constraint locations_business_hours;
