alter table public.profiles drop constraint profiles_lengths;
comment on column public.locations.business_hours is null;
alter table public.locations drop constraint locations_lengths, drop constraint locations_business_hours;
