-- Hours of business decide when people may be texted, so what is no hours is refused where it is typed, not by the first text sent.
set lock_timeout = '4s';

alter table public.locations
  add constraint locations_business_hours check (coalesce(jsonb_typeof(business_hours) = 'object'
    and business_hours - '{days,start,end}'::text[] = '{}'
    and jsonb_typeof(business_hours -> 'days') = 'array' and business_hours -> 'days' <@ '[1,2,3,4,5,6,7]'
    and jsonb_array_length(business_hours -> 'days') <= 7
    and business_hours ->> 'start' ~ '^([01]\d|2[0-3]):[0-5]\d$' and business_hours ->> 'end' ~ '^([01]\d|2[0-3]):[0-5]\d$'
    and business_hours ->> 'start' < business_hours ->> 'end', false)),
  add constraint locations_lengths check (length(concat(name, address, city, state)) <= 500);
comment on column public.locations.business_hours is 'days: ISO, 1 is Monday; start, end: HH:MM in the location''s own time.';
alter table public.profiles add constraint profiles_lengths check (length(name) <= 200);
-- Whoever makes an account may call the person anything; that must not keep him out.
create or replace function private.profile_for_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, email, name) values (new.id, coalesce(new.email, ''), left(new.raw_user_meta_data ->> 'name', 200))
  on conflict (id) do nothing;
  return new;
end $$;
