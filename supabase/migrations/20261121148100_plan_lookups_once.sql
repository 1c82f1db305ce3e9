-- Each text that comes in looks its person up: as SQL the look was planned each time. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create or replace function private.contact_by_phone(p_location uuid, p_phone text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select contact_id from public.contact_phones where location_id = p_location and phone = p_phone);
end $$;
