create or replace function public.import_location(p_location_id uuid default null) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare v_mine uuid[] := array(select private.my_locations('owner', 'admin'));
begin
  if p_location_id = any (v_mine) then return p_location_id; end if;
  if p_location_id is not null or cardinality(v_mine) = 0 then
    perform private.refuse(403, 'not_permitted', 'Only an owner or admin of the location may import.', 'Ask the owner for the role.');
  end if;
  if cardinality(v_mine) > 1 then
    perform private.refuse(422, 'location_required', 'You work at several locations.', 'Name one in location_id.');
  end if;
  return v_mine[1];
end $$;
