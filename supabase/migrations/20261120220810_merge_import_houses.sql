-- The merge, its houses: found by APN or address, made, refreshed.
set lock_timeout = '4s';

-- A house is found by its APN. Without one, or unknown, by its address: a row without APN is rather the house without one.
create function private.import_properties(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
-- The older of two houses is found, so no two may be equally old: a microsecond apart, in the file's order.
declare v_now timestamptz := clock_timestamp();
begin
  update private.import_stage_rows s set (property_id, property_outcome) = (
    select coalesce(m.id, s.property_id), case when m.id is null then 'created' else 'unchanged' end
    from (select coalesce(
      (select p.id from public.properties p where p.location_id = p_import.location_id and p.apn = s.apn),
      (select p.id from public.properties p
       where p.location_id = p_import.location_id and s.address_norm <> '' and p.address_norm = s.address_norm
         and p.city_norm = s.city_norm and coalesce(p.zip, '') = s.zip
         and (s.apn is null or p.apn is null and 'apn' <> all (p.edited_fields))
       order by p.apn is not null, p.created_at, p.id limit 1)) as id offset 0) m)
  where s.import_id = p_import.id and s.stage_no = p_stage and s.reject is null;

  insert into public.properties (id, location_id, source, source_list_id, last_enriched_at, created_at, updated_at,
    apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet, bedrooms,
    bathrooms, est_value, est_equity_amount, est_equity_percent, high_equity, purchase_date, purchase_months_since,
    owner_name, mailing_address, mailing_city, mailing_state, mailing_zip, owner_occupied, listed_for_sale,
    listing_status, foreclosure, metadata)
  select s.property_id, p_import.location_id, p_import.format, p_import.list_id, v_now,
      v_now + row_number() over file * interval '1 microsecond', v_now + row_number() over file * interval '1 microsecond',
      r.apn, r.address, r.city, coalesce(r.state, 'MA'), r.zip, r.zip4, r.subdivision, r.lat, r.lon, r.property_type,
      r.year_built, r.square_feet, r.bedrooms, r.bathrooms, r.est_value, r.est_equity_amount, r.est_equity_percent,
      r.high_equity, r.purchase_date, r.purchase_months_since, r.owner_name, r.mailing_address, r.mailing_city,
      r.mailing_state, r.mailing_zip, r.owner_occupied, r.listed_for_sale, r.listing_status, r.foreclosure,
      coalesce(r.metadata, '{}')
  from private.import_stage_rows s cross join lateral jsonb_populate_record(null::public.properties, s.data) r
  where s.import_id = p_import.id and s.stage_no = p_stage and s.property_outcome = 'created'
  window file as (order by s.row_no) order by s.apn, s.address_norm;

  perform private.import_property_updates(p_import, p_stage);
  update private.import_stage_people s set property_id = (select r.property_id from private.import_stage_rows r
      where r.import_id = s.import_id and r.stage_no = s.stage_no and r.row_no = s.row_no)
    where s.import_id = p_import.id and s.stage_no = p_stage;
end $$;

-- Valuation and market status are refreshed, the rest fills blanks (replace: everything the file says). The place is one thing: of
-- another address no ZIP is taken, and a row without APN must find its house again, so only the first mention completes it.
create function private.import_house_patch(p_import public.imports, p_house public.properties, p_row private.import_stage_rows,
  p_is_first_mention boolean) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_place constant text[] := array['address', 'city', 'state', 'zip', 'zip4'];
  v_is_elsewhere boolean := p_house.address_norm <> p_row.address_norm and '' not in (p_house.address_norm, p_row.address_norm)
    or p_house.city_norm <> p_row.city_norm and '' not in (p_house.city_norm, p_row.city_norm)
    or p_house.zip <> p_row.zip and p_row.zip <> '';
  v_keeps_place boolean := case when p_is_first_mention
    then v_is_elsewhere and (p_import.duplicates <> 'replace' or p_house.edited_fields && v_place)
    else v_is_elsewhere or p_house.address_norm <> '' end;
begin
  return private.import_patch(to_jsonb(p_house), p_row.data - case when v_keeps_place then v_place else '{}' end, p_house.edited_fields,
    case when p_is_first_mention or p_import.duplicates = 'skip' then p_import.duplicates else 'fill' end,
    '{est_value,est_equity_amount,est_equity_percent,high_equity,listed_for_sale,listing_status,foreclosure}');
end $$;

create function private.import_property_updates(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows s set (patch, changes) = (
    select x.patch, private.import_changes(to_jsonb(p), x.patch)
    from public.properties p
    cross join lateral (select private.import_house_patch(p_import, p, s, not exists (
      select 1 from public.import_rows e where e.property_id = p.id and e.import_id = p_import.id)) as patch offset 0) x
    where p.id = s.property_id)
  where s.import_id = p_import.id and s.stage_no = p_stage and s.property_outcome = 'unchanged';

  update public.properties p set last_enriched_at = now(), (
    apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet, bedrooms,
    bathrooms, est_value, est_equity_amount, est_equity_percent, high_equity, purchase_date, purchase_months_since,
    owner_name, mailing_address, mailing_city, mailing_state, mailing_zip, owner_occupied, listed_for_sale,
    listing_status, foreclosure, metadata) = (select
    r.apn, r.address, r.city, r.state, r.zip, r.zip4, r.subdivision, r.lat, r.lon, r.property_type, r.year_built,
    r.square_feet, r.bedrooms, r.bathrooms, r.est_value, r.est_equity_amount, r.est_equity_percent, r.high_equity,
    r.purchase_date, r.purchase_months_since, r.owner_name, r.mailing_address, r.mailing_city, r.mailing_state,
    r.mailing_zip, r.owner_occupied, r.listed_for_sale, r.listing_status, r.foreclosure, r.metadata
    from jsonb_populate_record(p, s.patch) r)
  from private.import_stage_rows s
  where s.import_id = p_import.id and s.stage_no = p_stage and s.patch is not null and p.id = s.property_id;

  update private.import_stage_rows s set property_outcome = 'updated'
  where s.import_id = p_import.id and s.stage_no = p_stage and s.patch is not null;

  update private.import_stage_rows s set warnings = s.warnings || jsonb_build_array(jsonb_build_object('column', 'Address',
      'code', 'address_differs', 'value', s.data ->> 'address',
      'message', format('This APN is stored at %s; the stored address was kept.', p.address)))
  from public.properties p
  where s.import_id = p_import.id and s.stage_no = p_stage and s.property_outcome <> 'created'
    and p.id = s.property_id and s.address_norm <> '' and p.address_norm <> '' and p.address_norm <> s.address_norm;
end $$;
