drop view public.list_summaries;
alter table public.property_contacts drop constraint property_contacts_source_list_id_location_id_fkey;
alter table public.properties drop constraint properties_source_list_id_location_id_fkey;
drop table public.list_members, public.lists;
