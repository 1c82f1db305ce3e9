create or replace function private.contact_by_phone(p_location uuid, p_phone text) returns uuid
language sql stable security definer set search_path = '' as $$
  select contact_id from public.contact_phones where location_id = p_location and phone = p_phone
$$;
