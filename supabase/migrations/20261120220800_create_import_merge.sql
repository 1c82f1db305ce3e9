-- The merge: ~1,000 rows a batch, set-based, one transaction, the same result in whatever pieces a file is cut, as if row by row.
-- Staged rows are never joined with each other but by primary key: the planner has no statistics of what this transaction has
-- only just staged, takes it for one row, and is right to drive every look-up from it (joined twice it took 5 s a batch, not 0.4).
-- `offset 0` keeps the planner from turning a look-up round into a scan, which it does while the tables have no statistics.
set lock_timeout = '4s';

-- What of p_new is to be written over p_old: the columns in p_refresh, the others where blank (replace: everywhere), never what a
-- person typed. 'fill' is for a later mention in the same file: the first is the file's word, so a file that contradicts itself
-- changes nothing when it comes again. Skip takes but the APN a house had not, as the next file would not find it otherwise.
-- Null when nothing would change.
create function private.import_patch(p_old jsonb, p_new jsonb, p_edited text[], p_strategy text, p_refresh text[]) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_object_agg(n.key, n.value)
  from (select key, case when key <> 'metadata' then value
      when p_strategy = 'fill' then value || coalesce(p_old -> 'metadata', '{}')
      else coalesce(p_old -> 'metadata', '{}') || value end as value
    from jsonb_each(p_new)) n
  where n.key <> all (p_edited) and (p_old -> n.key) is distinct from n.value and (p_strategy <> 'skip' or n.key = 'apn')
    and (p_strategy = 'replace' or p_strategy = 'merge' and n.key = any (p_refresh) or n.key = 'metadata'
      or coalesce(p_old -> n.key, 'null') = 'null')
$$;

create function private.import_changes(p_old jsonb, p_patch jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select jsonb_object_agg(key, jsonb_build_array(p_old -> key, value)) from jsonb_each(p_patch)
$$;

create function private.import_stage(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.import_stage_rows (import_id, stage_no, row_no, data, apn, address_norm, city_norm, zip, reject, warnings, cells)
  select p_import.id, p_batch, (r ->> 'row_no')::int, d, d ->> 'apn', private.normalize_address(d ->> 'address'),
    private.normalize_city(d ->> 'city'), coalesce(d ->> 'zip', ''), nullif(r -> 'reject', 'null'), coalesce(r -> 'warnings', '[]'),
    r -> 'cells'
  from (select r, coalesce(r -> 'property', '{}') as d from jsonb_array_elements(p_rows) r) j;

  insert into private.import_stage_people (import_id, stage_no, row_no, slot, data, phone, email, name_key)
  select p_import.id, p_batch, (r ->> 'row_no')::int, p ->> 'slot', p, p ->> 'phone', p ->> 'email',
    private.name_key(p ->> 'display_name')
  from jsonb_array_elements(p_rows) r cross join lateral jsonb_array_elements(coalesce(r -> 'people', '[]')) p
  where coalesce(r -> 'reject', 'null') = 'null';
end $$;

-- Everything by which the row p_rows[n] may meet another: parcel, street address (of the house stored under its APN, too), numbers,
-- and the people known by them or at the house.
create function private.import_touches(p_import public.imports, p_batch int, p_rows int[]) returns table (n int, thing text)
language sql stable security definer set search_path = '' as $$
  select r.n::int, t.thing from unnest(p_rows) with ordinality r (row_no, n)
  cross join lateral (select * from private.import_stage_rows s
    where s.import_id = p_import.id and s.stage_no = p_batch and s.row_no = r.row_no offset 0) s
  cross join lateral (
    select 'apn ' || s.apn as thing
    union all select 'at ' || nullif(s.address_norm, '')
    union all select unnest(array['at ' || nullif(p.address_norm, '')] || array(
        select 'who ' || l.contact_id from public.property_contacts l where l.property_id = p.id))
      from (select h.id, h.address_norm from public.properties h where h.location_id = p_import.location_id and h.apn = s.apn
        union all
        select h.id, null from public.properties h
        where h.location_id = p_import.location_id and s.address_norm <> '' and h.address_norm = s.address_norm) p
    union all select unnest(array['tel ' || m.phone, 'who ' || (select c.contact_id from public.contact_phones c
        where c.location_id = p_import.location_id and c.phone = m.phone)])
      from private.import_stage_people m
      where m.import_id = p_import.id and m.stage_no = p_batch and m.row_no = s.row_no and m.phone is not null) t
  where t.thing is not null
$$;

-- Rows that touch the same thing, directly or through others, take turns in the file's order; the rows of one turn have nothing in
-- common, so each turn is set-based. Nearly all rows of a file have the first turn. The others' turns: {row_no: turn}.
create function private.import_turns(p_import public.imports, p_batch int) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_rows int[] := array(select row_no from private.import_stage_rows
    where import_id = p_import.id and stage_no = p_batch and reject is null order by row_no);
  v_kin int[] := array(select generate_series(1, cardinality(v_rows))); -- a lower row of the same kind, or itself
  v_turns int[] := array_fill(0, array[cardinality(v_rows)]);
  v_taken int[] := v_turns; -- turns given out, by the first row of a kind
  v_group int[];
  v_one int;
  v_other int;
begin
  for v_group in select array_agg(distinct t.n) from private.import_touches(p_import, p_batch, v_rows) t
      group by t.thing having count(distinct t.n) > 1 loop
    foreach v_other in array v_group loop
      v_one := v_group[1];
      while v_kin[v_one] <> v_one loop v_one := v_kin[v_one]; end loop;
      while v_kin[v_other] <> v_other loop v_other := v_kin[v_other]; end loop;
      v_kin[greatest(v_one, v_other)] := least(v_one, v_other);
    end loop;
  end loop;
  for v_n in 1 .. cardinality(v_rows) loop
    v_kin[v_n] := v_kin[v_kin[v_n]]; -- lower rows already point at the first of their kind
    v_taken[v_kin[v_n]] := v_taken[v_kin[v_n]] + 1;
    v_turns[v_n] := v_taken[v_kin[v_n]];
  end loop;
  return (select coalesce(jsonb_object_agg(x.row_no, x.turn), '{}') from unnest(v_rows, v_turns) x (row_no, turn) where x.turn > 1);
end $$;

-- A house is found by its APN. Without one, or unknown, by its address: a row without APN is rather the house without one.
create function private.import_properties(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := clock_timestamp(); -- the older of two houses is found: one transaction's now() would not tell
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
  select s.property_id, p_import.location_id, p_import.format, p_import.list_id, v_now, v_now, v_now,
      r.apn, r.address, r.city, coalesce(r.state, 'MA'), r.zip, r.zip4, r.subdivision, r.lat, r.lon, r.property_type,
      r.year_built, r.square_feet, r.bedrooms, r.bathrooms, r.est_value, r.est_equity_amount, r.est_equity_percent,
      r.high_equity, r.purchase_date, r.purchase_months_since, r.owner_name, r.mailing_address, r.mailing_city,
      r.mailing_state, r.mailing_zip, r.owner_occupied, r.listed_for_sale, r.listing_status, r.foreclosure,
      coalesce(r.metadata, '{}')
  from private.import_stage_rows s cross join lateral jsonb_populate_record(null::public.properties, s.data) r
  where s.import_id = p_import.id and s.stage_no = p_stage and s.property_outcome = 'created'
  order by s.apn, s.address_norm;

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

-- People with a number: found by it, else (once) by name among the house's people who have none, else new.
create function private.import_contacts(p_import public.imports, p_stage int, p_slot text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set (contact_id, contact_outcome) = (
    select coalesce(m.id, s.contact_id), case when m.id is null then 'created' else 'unchanged' end
    from (select coalesce(private.contact_by_phone(p_import.location_id, s.phone),
      (select c.id from public.property_contacts l
       cross join lateral (select * from public.contacts c where c.id = l.contact_id offset 0) c
       where l.property_id = s.property_id and c.phone is null and c.name_key = s.name_key and c.deleted_at is null
       order by c.created_at, c.id limit 1)) as id offset 0) m)
  where s.import_id = p_import.id and s.stage_no = p_stage and s.slot = p_slot and s.phone is not null;
end $$;

-- People without a number are matched by house and name (or alias); without a name, by house and e-mail. Rather by the name itself
-- than by an alias, rather somebody without a number, and who came to the house first: so the one a row made is found again,
-- whoever has come since.
create function private.import_phoneless(p_import public.imports, p_stage int, p_slot text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set (contact_id, contact_outcome) = (
    select coalesce(m.id, s.contact_id), case when m.id is null then 'created' else 'unchanged' end
    from (select (select c.id from public.property_contacts l
      cross join lateral (select * from public.contacts c where c.id = l.contact_id offset 0) c
      where l.property_id = s.property_id and case when s.name_key is not null
          then c.name_key = s.name_key or exists (select 1 from unnest(c.aliases) a where private.name_key(a) = s.name_key)
          else exists (select 1 from public.contact_emails e where e.contact_id = c.id and e.email = s.email) end
      order by c.deleted_at nulls first, c.name_key is distinct from s.name_key, c.phone is not null, l.created_at, c.created_at, c.id
      limit 1) as id offset 0) m)
  where s.import_id = p_import.id and s.stage_no = p_stage and s.slot = p_slot and s.phone is null;
end $$;

-- The next three work on the people matched a moment ago: those whose link is not yet spoken of.
create function private.import_new_contacts(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := clock_timestamp();
begin
  with fresh as (
    select * from private.import_stage_people s
    where s.import_id = p_import.id and s.stage_no = p_stage and s.contact_outcome = 'created' and s.link_outcome is null
  ), people as (
    insert into public.contacts (id, location_id, first_name, last_name, display_name, is_entity, phone, email, lead_source,
      created_at, updated_at)
    select s.contact_id, p_import.location_id, s.data ->> 'first_name', s.data ->> 'last_name', s.data ->> 'display_name',
      coalesce((s.data ->> 'is_entity')::boolean, false), s.phone, s.email, p_import.format, v_now, v_now
    from fresh s order by s.phone, s.row_no, s.slot
  ), phones as (
    insert into public.contact_phones (location_id, contact_id, phone, is_primary, source, source_status)
    select p_import.location_id, s.contact_id, s.phone, true, p_import.format, s.data ->> 'phone_status'
    from fresh s where s.phone is not null order by s.phone
  )
  insert into public.contact_emails (location_id, contact_id, email, source, source_status, source_hash)
  select p_import.location_id, s.contact_id, s.email, p_import.format, s.data ->> 'email_status', s.data ->> 'email_hash'
  from fresh s where s.email is not null;
end $$;

-- What a file has to say of somebody we know. The name a number has stays, and another one becomes an alias, so that households
-- do not overwrite each other; only the nameless are named, and replace renames by the first mention in the file. A name is
-- taken as a whole, and never where a person typed part of it.
create function private.import_contact_patch(p_import public.imports, p_contact public.contacts, p_data jsonb, p_name_key text,
  p_is_first_mention boolean) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_names constant text[] := array['first_name', 'last_name', 'display_name', 'is_entity'];
  v_new jsonb := p_data - '{slot,phone,phone_status,email_status,email_hash,first_name,last_name,display_name,is_entity}'::text[];
  v_is_same boolean := p_contact.name_key is not distinct from p_name_key;
  v_takes_name boolean := p_name_key is not null and not p_contact.edited_fields && v_names
    and (p_contact.name_key is null or p_import.duplicates = 'replace' and p_is_first_mention);
  v_aliases jsonb := jsonb '{}';
begin
  if p_import.duplicates = 'skip' or p_contact.deleted_at is not null then return null; end if;
  if v_takes_name then
    v_new := v_new || jsonb_build_object('first_name', p_data -> 'first_name', 'last_name', p_data -> 'last_name',
      'display_name', p_data -> 'display_name', 'is_entity', coalesce(p_data -> 'is_entity', 'false'));
  elsif not v_is_same and p_name_key is not null and 'aliases' <> all (p_contact.edited_fields)
      and not exists (select 1 from unnest(p_contact.aliases) a where private.name_key(a) = p_name_key) then
    v_aliases := jsonb_build_object('aliases', to_jsonb(p_contact.aliases || (p_data ->> 'display_name')));
  end if;
  return nullif(v_aliases || coalesce(private.import_patch(to_jsonb(p_contact), v_new, p_contact.edited_fields,
    case when p_is_first_mention and (v_takes_name or v_is_same) then p_import.duplicates else 'merge' end,
    case when v_takes_name then v_names else '{}' end), '{}'), '{}');
end $$;

create function private.import_contact_updates(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  -- Who is found by an alias is not renamed to it.
  update private.import_stage_people s set (is_deleted, patch, changes) = (
    select c.deleted_at is not null, x.patch, private.import_changes(to_jsonb(c), x.patch)
    from public.contacts c
    cross join lateral (select private.import_contact_patch(p_import, c, s.data, s.name_key,
      p_import.duplicates = 'replace' and (s.phone is not null or c.name_key is not distinct from s.name_key)
        and not exists (select 1 from public.import_people e where e.contact_id = c.id and e.import_id = p_import.id)
        and not exists (select 1 from private.import_stage_people o where o.import_id = p_import.id and o.stage_no = p_stage
          and o.row_no = s.row_no and o.contact_id = c.id and o.link_outcome is not null)) as patch offset 0) x
    where c.id = s.contact_id)
  where s.import_id = p_import.id and s.stage_no = p_stage and s.contact_outcome = 'unchanged'
    and s.link_outcome is null;

  -- Before the person's own copy of the e-mail, whose trigger knows nothing of its source.
  perform private.import_more_numbers(p_import, p_stage);

  update public.contacts c set (first_name, last_name, display_name, is_entity, email, aliases) =
    (select case when r.is_entity then null else r.first_name end, r.last_name, r.display_name, r.is_entity, r.email, r.aliases
     from jsonb_populate_record(c, s.patch) r)
  from private.import_stage_people s
  where s.import_id = p_import.id and s.stage_no = p_stage and s.link_outcome is null
    and s.patch is not null and c.id = s.contact_id;

  update private.import_stage_people s set contact_outcome = 'updated'
  where s.import_id = p_import.id and s.stage_no = p_stage and s.link_outcome is null and s.patch is not null;
end $$;

-- A number or an e-mail that is new for a person we know.
create function private.import_more_numbers(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with fresh as (
    update private.import_stage_people s set contact_outcome = 'updated',
      changes = coalesce(s.changes, '{}') || jsonb_build_object('phone', jsonb_build_array(null, s.phone))
    where s.import_id = p_import.id and s.stage_no = p_stage and s.link_outcome is null
      and s.phone is not null and s.contact_outcome = 'unchanged' and not s.is_deleted
      and private.contact_by_phone(p_import.location_id, s.phone) is null
    returning s.*
  )
  insert into public.contact_phones (location_id, contact_id, phone, is_primary, source, source_status)
  select p_import.location_id, s.contact_id, s.phone, false, p_import.format, s.data ->> 'phone_status'
  from fresh s order by s.phone;

  with fresh as (
    update private.import_stage_people s set contact_outcome = 'updated',
      changes = jsonb_build_object('email', jsonb_build_array(null, s.email)) || coalesce(s.changes, '{}')
    where s.import_id = p_import.id and s.stage_no = p_stage and s.link_outcome is null
      and s.email is not null and s.contact_outcome in ('unchanged', 'updated') and not s.is_deleted
      and p_import.duplicates <> 'skip'
      and not exists (select 1 from public.contact_emails e where e.contact_id = s.contact_id and e.email = s.email)
    returning s.*
  )
  insert into public.contact_emails (location_id, contact_id, email, source, source_status, source_hash)
  select p_import.location_id, s.contact_id, s.email, p_import.format, s.data ->> 'email_status', s.data ->> 'email_hash'
  from fresh s;
end $$;

create function private.import_links(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := clock_timestamp();
begin
  insert into public.property_contacts (property_id, contact_id, location_id, slot, is_primary, source_list_id, created_at)
  select s.property_id, s.contact_id, p_import.location_id, s.slot, not exists (
      select 1 from public.property_contacts l where l.property_id = s.property_id and l.is_primary), p_import.list_id, v_now
  from private.import_stage_people s
  where s.import_id = p_import.id and s.stage_no = p_stage and s.contact_outcome is not null
    and s.link_outcome is null
  on conflict (property_id, contact_id) do nothing;

  update private.import_stage_people s set link_outcome = case when exists (
      select 1 from public.property_contacts l where l.property_id = s.property_id and l.contact_id = s.contact_id
        and l.created_at = v_now) then 'created' else 'unchanged' end
  where s.import_id = p_import.id and s.stage_no = p_stage and s.contact_outcome is not null
    and s.link_outcome is null;
end $$;

-- The people of a turn's rows, one a row at a time: first those with a number, so that nobody is there twice because one slot has it.
create function private.import_people(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
declare v_kind record;
begin
  for v_kind in select distinct s.phone is null as phoneless, s.slot from private.import_stage_people s
      where s.import_id = p_import.id and s.stage_no = p_stage order by 1, 2 loop
    if v_kind.phoneless then
      perform private.import_phoneless(p_import, p_stage, v_kind.slot);
    else
      perform private.import_contacts(p_import, p_stage, v_kind.slot);
    end if;
    perform private.import_new_contacts(p_import, p_stage);
    perform private.import_contact_updates(p_import, p_stage);
    perform private.import_links(p_import, p_stage);
  end loop;
end $$;

-- Who in the batch may not be texted: opted out anywhere, or flagged here.
create function private.is_suppressed(p_location uuid, p_contact uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.contact_phones n where n.contact_id = p_contact and exists (
      select 1 from public.opt_outs o where o.phone = n.phone and o.revoked_at is null offset 0))
    or exists (select 1 from public.contact_flags f where f.contact_id = p_contact
      and f.flag <> 'recently_texted' and f.applies_to <> 'email' and (f.expires_at is null or f.expires_at > now()))
    or exists (select 1 from public.contact_phones n where n.contact_id = p_contact and exists (
      select 1 from public.contact_flags f where f.phone = n.phone and f.location_id = p_location
        and f.flag <> 'recently_texted' and f.applies_to <> 'email' and (f.expires_at is null or f.expires_at > now()) offset 0))
$$;

-- A list is whom to text: people with a number. Suppressed people join as such; who was removed comes back.
create function private.import_members(p_import public.imports, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set member_outcome = coalesce(
    (select case when m.status <> 'removed' then 'unchanged' else 'updated' end
     from public.list_members m where m.list_id = p_import.list_id and m.contact_id = s.contact_id), 'created')
  where s.import_id = p_import.id and s.stage_no = p_stage and s.phone is not null
    and not s.is_deleted and p_import.list_id is not null and p_import.tier is distinct from 'database';

  insert into public.list_members (list_id, contact_id, location_id, property_id, status, import_id, import_row_no)
  select p_import.list_id, p.contact_id, p_import.location_id, p.property_id,
    case when private.is_suppressed(p_import.location_id, p.contact_id) then 'suppressed' else 'active' end,
    p_import.id, p.row_no
  from (select distinct on (s.contact_id) s.contact_id, s.property_id, s.row_no from private.import_stage_people s
        where s.import_id = p_import.id and s.stage_no = p_stage
          and s.member_outcome <> 'unchanged'
        order by s.contact_id, s.row_no, s.slot) p
  on conflict (list_id, contact_id) do update set status = excluded.status;

  insert into public.consents (location_id, phone, contact_id, status, source, import_id, created_by)
  select distinct on (s.phone) p_import.location_id, s.phone, s.contact_id, p_import.consent, 'import', p_import.id, p_import.created_by
  from private.import_stage_people s
  where s.import_id = p_import.id and s.stage_no = p_stage and s.phone is not null
    and p_import.consent <> 'unknown' and not exists (select 1 from public.consents k
      where k.location_id = p_import.location_id and k.phone = s.phone and k.status <> 'unknown')
  order by s.phone, s.row_no, s.slot;
end $$;

create function private.import_record(p_import public.imports, p_batch int, p_stage int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows r set warnings = r.warnings || (
    select jsonb_agg(jsonb_build_object('column', s.slot, 'code', 'deleted_contact',
      'message', 'This person was deleted here and was not brought back.'))
    from private.import_stage_people s
    where s.import_id = r.import_id and s.stage_no = r.stage_no and s.row_no = r.row_no and s.is_deleted)
  where r.import_id = p_import.id and r.stage_no = p_stage and r.row_no = any (array(
    select s.row_no from private.import_stage_people s where s.import_id = p_import.id and s.stage_no = p_stage and s.is_deleted));

  insert into public.import_rows (import_id, row_no, batch_no, location_id, outcome, reason, warnings, cells,
    property_id, property_outcome, changes)
  select r.import_id, r.row_no, p_batch, p_import.location_id,
    case when r.reject is not null then 'rejected'
         when r.property_outcome = 'created' or p.is_created then 'created'
         when r.property_outcome = 'updated' or p.is_updated then 'updated'
         when p_import.duplicates = 'skip' then 'skipped' else 'unchanged' end,
    r.reject ->> 'message', r.warnings, case when r.reject is not null or r.warnings <> '[]' then r.cells end,
    case when r.reject is null then r.property_id end, r.property_outcome, r.changes
  from private.import_stage_rows r
  left join lateral (
    select bool_or(s.contact_outcome = 'created') as is_created,
      bool_or(s.contact_outcome = 'updated' or s.link_outcome = 'created') as is_updated
    from private.import_stage_people s
    where s.import_id = r.import_id and s.stage_no = r.stage_no and s.row_no = r.row_no) p on true
  where r.import_id = p_import.id and r.stage_no = p_stage order by r.row_no;

  insert into public.import_people (import_id, row_no, slot, location_id, contact_id, has_phone, contact_outcome, link_outcome,
    member_outcome, changes)
  select s.import_id, s.row_no, s.slot, p_import.location_id, s.contact_id, s.phone is not null, s.contact_outcome, s.link_outcome,
    s.member_outcome, s.changes
  from private.import_stage_people s where s.import_id = p_import.id and s.stage_no = p_stage order by s.row_no, s.slot;

  delete from private.import_stage_people where import_id = p_import.id and stage_no = p_stage;
  delete from private.import_stage_rows where import_id = p_import.id and stage_no = p_stage;
end $$;

-- One turn after the other, from staging into the books: each finds what those before it have done.
create function private.import_merge(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_later jsonb;
  v_stage int;
begin
  perform private.import_stage(p_import, p_batch, p_rows);
  v_later := private.import_turns(p_import, p_batch);
  if v_later <> '{}' then
    update private.import_stage_people set stage_no = - (v_later ->> row_no::text)::int
      where import_id = p_import.id and stage_no = p_batch and v_later ? row_no::text;
    update private.import_stage_rows set stage_no = - (v_later ->> row_no::text)::int
      where import_id = p_import.id and stage_no = p_batch and v_later ? row_no::text;
  end if;
  for v_turn in 1 .. (select coalesce(max(value::int), 1) from jsonb_each(v_later)) loop
    v_stage := case v_turn when 1 then p_batch else - v_turn end;
    perform private.import_properties(p_import, v_stage);
    perform private.import_people(p_import, v_stage);
    perform private.import_members(p_import, v_stage);
    perform private.import_record(p_import, p_batch, v_stage);
  end loop;
end $$;
