-- An owner who may not import for want of the second factor is told that, not that his role is wrong.
set lock_timeout = '4s';

create or replace function public.import_location(p_location_id uuid default null) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_mine uuid[] := array(select private.my_locations('owner', 'admin'));
  v_location uuid := coalesce(p_location_id, case cardinality(v_mine) when 1 then v_mine[1]
    when 0 then (select a.location_id from public.my_access() a where a.second_factor_needed limit 1) end);
begin
  if v_location is null and cardinality(v_mine) > 1 then
    perform private.refuse(422, 'location_required', 'You work at several locations.', 'Name one in location_id.');
  end if;
  perform private.require_role(v_location, 'owner', 'admin');
  return v_location;
end $$;
