-- The merge: ~1,000 rows a batch, set-based, one transaction, the same result however often and in whatever pieces it is run.
-- Staged rows are never joined with each other but by primary key: the planner has no statistics of what this transaction has
-- only just staged, takes it for one row, and is right to drive every look-up from it (joined twice it took 5 s a batch, not 0.4).
-- `offset 0` keeps the planner from turning a look-up round into a scan, which it does while the tables have no statistics.
set lock_timeout = '4s';

-- What of p_new is to be written over p_old: always the columns in p_refresh, the others where blank (replace: everywhere),
-- never what a person typed. Null when nothing would change.
create function private.import_patch(p_old jsonb, p_new jsonb, p_edited text[], p_strategy text, p_refresh text[]) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_object_agg(n.key, n.value)
  from (select key, case key when 'metadata' then coalesce(p_old -> 'metadata', '{}') || value else value end as value
        from jsonb_each(p_new)) n
  where p_strategy <> 'skip' and n.key <> all (p_edited) and (p_old -> n.key) is distinct from n.value
    and (p_strategy = 'replace' or n.key = any (p_refresh) or coalesce(p_old -> n.key, 'null') = 'null')
$$;

create function private.import_changes(p_old jsonb, p_patch jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select jsonb_object_agg(key, jsonb_build_array(p_old -> key, value)) from jsonb_each(p_patch)
$$;

-- Rows that share a key get rising pass numbers, so that each pass holds a key once and the file's order decides.
create function private.import_stage(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with rows as materialized (
    select n, r, d, d ->> 'apn' as apn, private.normalize_address(d ->> 'address') as address_norm,
      private.normalize_city(d ->> 'city') as city_norm, coalesce(d ->> 'zip', '') as zip
    from (select n, r, coalesce(r -> 'property', '{}') as d from jsonb_array_elements(p_rows) with ordinality x (r, n)) j
  )
  insert into private.import_stage_rows (import_id, batch_no, row_no, data, apn, address_norm, city_norm, zip, reject, warnings, cells, pass)
  select p_import.id, p_batch, (r ->> 'row_no')::int, d, apn, address_norm, city_norm, zip, nullif(r -> 'reject', 'null'),
    coalesce(r -> 'warnings', '[]'), r -> 'cells',
    greatest(case when apn is null then 1 else row_number() over (partition by apn order by n) end,
             case when address_norm = '' then 1 else row_number() over (partition by address_norm, city_norm, zip order by n) end)
  from rows;

  with people as materialized (
    select (r ->> 'row_no')::int as row_no, p, p ->> 'slot' as slot, p ->> 'phone' as phone, p ->> 'email' as email,
      private.name_key(p ->> 'display_name') as name_key
    from jsonb_array_elements(p_rows) r cross join lateral jsonb_array_elements(coalesce(r -> 'people', '[]')) p
    where coalesce(r -> 'reject', 'null') = 'null'
  )
  insert into private.import_stage_people (import_id, batch_no, row_no, slot, data, phone, email, name_key, pass)
  select p_import.id, p_batch, row_no, slot, p, phone, email, name_key,
    greatest(row_number() over (partition by phone order by row_no, slot),
             row_number() over (partition by row_no, name_key order by slot))
  from people;
end $$;

create function private.import_properties(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows s set (property_id, property_outcome) = (
    select coalesce(m.id, s.property_id), case when m.id is null then 'created' else 'unchanged' end
    from (select coalesce(
      (select p.id from public.properties p where p.location_id = p_import.location_id and p.apn = s.apn),
      (select p.id from public.properties p
       where p.location_id = p_import.location_id and s.address_norm <> '' and p.address_norm = s.address_norm
         and p.city_norm = s.city_norm and coalesce(p.zip, '') = s.zip and (s.apn is null or p.apn is null)
       order by p.created_at, p.id limit 1)) as id offset 0) m)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.reject is null;

  -- Two rows may meet in one house by different keys (one by APN, one by address): the later one waits for the next pass.
  update private.import_stage_rows s set pass = s.pass + 1, property_outcome = null
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.row_no = any (array(
    select x.row_no from (select z.row_no, row_number() over (partition by z.property_id order by z.row_no) as nth
      from private.import_stage_rows z where z.import_id = p_import.id and z.batch_no = p_batch and z.pass = p_pass
        and z.property_outcome = 'unchanged') x where x.nth > 1));

  insert into public.properties (id, location_id, source, source_list_id, last_enriched_at,
    apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet, bedrooms,
    bathrooms, est_value, est_equity_amount, est_equity_percent, high_equity, purchase_date, purchase_months_since,
    owner_name, mailing_address, mailing_city, mailing_state, mailing_zip, owner_occupied, listed_for_sale,
    listing_status, foreclosure, metadata)
  select s.property_id, p_import.location_id, p_import.format, p_import.list_id, now(),
      r.apn, r.address, r.city, coalesce(r.state, 'MA'), r.zip, r.zip4, r.subdivision, r.lat, r.lon, r.property_type,
      r.year_built, r.square_feet, r.bedrooms, r.bathrooms, r.est_value, r.est_equity_amount, r.est_equity_percent,
      r.high_equity, r.purchase_date, r.purchase_months_since, r.owner_name, r.mailing_address, r.mailing_city,
      r.mailing_state, r.mailing_zip, r.owner_occupied, r.listed_for_sale, r.listing_status, r.foreclosure,
      coalesce(r.metadata, '{}')
  from private.import_stage_rows s cross join lateral jsonb_populate_record(null::public.properties, s.data) r
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.property_outcome = 'created'
  order by s.apn, s.address_norm;

  perform private.import_property_updates(p_import, p_batch, p_pass);
end $$;

-- Valuation and market status are always refreshed, the rest fills blanks (replace: everything the file says).
create function private.import_property_updates(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows s set (patch, changes) = (
    select x.patch, private.import_changes(o.j, x.patch)
    from (select to_jsonb(p) as j, p.edited_fields from public.properties p where p.id = s.property_id offset 0) o
    cross join lateral (select private.import_patch(o.j, s.data, o.edited_fields, p_import.duplicates,
      '{est_value,est_equity_amount,est_equity_percent,high_equity,listed_for_sale,listing_status,foreclosure,metadata}') as patch offset 0) x)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.property_outcome = 'unchanged';

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
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.patch is not null and p.id = s.property_id;

  update private.import_stage_rows s set property_outcome = 'updated'
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.patch is not null;

  update private.import_stage_rows s set warnings = s.warnings || jsonb_build_array(jsonb_build_object('column', 'Address',
      'code', 'address_differs', 'value', s.data ->> 'address',
      'message', format('This APN is stored at %s; the stored address was kept.', p.address)))
  from public.properties p
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.property_outcome <> 'created'
    and p.id = s.property_id and s.address_norm <> '' and p.address_norm <> '' and p.address_norm <> s.address_norm;
end $$;

-- People with a number: found by it, else (once) by name among the house's people who have none, else new.
create function private.import_contacts(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set (contact_id, contact_outcome) = (
    select coalesce(m.id, s.contact_id), case when m.id is null then 'created' else 'unchanged' end
    from (select coalesce(private.contact_by_phone(p_import.location_id, s.phone),
      (select c.id from public.property_contacts l
       cross join lateral (select * from public.contacts c where c.id = l.contact_id offset 0) c
       where l.property_id = s.property_id and c.phone is null and c.name_key = s.name_key and c.deleted_at is null
       order by c.created_at, c.id limit 1)) as id offset 0) m)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.phone is not null;

  perform private.import_new_contacts(p_import, p_batch);
  perform private.import_contact_updates(p_import, p_batch);
  perform private.import_links(p_import, p_batch);
end $$;

-- People without a number are matched by house and name (or alias); without a name, by house and e-mail.
create function private.import_phoneless(p_import public.imports, p_batch int, p_pass int, p_slot text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set (contact_id, contact_outcome) = (
    select coalesce(m.id, s.contact_id), case when m.id is null then 'created' else 'unchanged' end
    from (select (select c.id from public.property_contacts l
      cross join lateral (select * from public.contacts c where c.id = l.contact_id offset 0) c
      where l.property_id = s.property_id and case when s.name_key is not null
          then c.name_key = s.name_key or exists (select 1 from unnest(c.aliases) a where private.name_key(a) = s.name_key)
          else exists (select 1 from public.contact_emails e where e.contact_id = c.id and e.email = s.email) end
      order by c.deleted_at nulls first, c.created_at, c.id limit 1) as id offset 0) m)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.slot = p_slot and s.phone is null
    and p_pass = (select r.pass from private.import_stage_rows r
                  where r.import_id = s.import_id and r.batch_no = s.batch_no and r.row_no = s.row_no);

  perform private.import_new_contacts(p_import, p_batch);
  perform private.import_contact_updates(p_import, p_batch);
  perform private.import_links(p_import, p_batch);
end $$;

-- The next three work on the people matched a moment ago: those whose link is not yet spoken of.
create function private.import_new_contacts(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with fresh as (
    select * from private.import_stage_people s
    where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome = 'created' and s.link_outcome is null
  ), people as (
    insert into public.contacts (id, location_id, first_name, last_name, display_name, is_entity, phone, email, lead_source)
    select s.contact_id, p_import.location_id, s.data ->> 'first_name', s.data ->> 'last_name', s.data ->> 'display_name',
      coalesce((s.data ->> 'is_entity')::boolean, false), s.phone, s.email, p_import.format
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
  v_old jsonb := to_jsonb(p_contact);
  v_new jsonb := p_data - '{slot,phone,phone_status,email_status,email_hash}'::text[];
  v_is_same boolean := p_contact.name_key is not distinct from p_name_key;
  v_is_rename boolean := p_name_key is not null and not p_contact.edited_fields && v_names
    and (p_contact.name_key is null or p_import.duplicates = 'replace' and p_is_first_mention);
  v_aliases jsonb := jsonb '{}';
begin
  if p_import.duplicates = 'skip' or p_contact.deleted_at is not null then return null; end if;
  if v_is_rename then
    v_new := v_new || jsonb_build_object('first_name', p_data -> 'first_name', 'last_name', p_data -> 'last_name',
      'display_name', p_data -> 'display_name', 'is_entity', coalesce(p_data -> 'is_entity', 'false'));
  elsif not v_is_same then
    v_new := v_new - v_names;
    if p_name_key is not null and not exists (select 1 from unnest(p_contact.aliases) a where private.name_key(a) = p_name_key) then
      v_aliases := jsonb_build_object('aliases', to_jsonb(p_contact.aliases || (p_data ->> 'display_name')));
    end if;
  end if;
  return nullif(v_aliases || coalesce(private.import_patch(v_old, v_new, p_contact.edited_fields,
    case when v_is_rename or v_is_same then p_import.duplicates else 'merge' end,
    case when v_is_rename then v_names else '{}' end), '{}'), '{}');
end $$;

create function private.import_contact_updates(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set (is_deleted, patch, changes) = (
    select c.deleted_at is not null, x.patch, private.import_changes(to_jsonb(c), x.patch)
    from public.contacts c
    cross join lateral (select private.import_contact_patch(p_import, c, s.data, s.name_key,
      s.pass = 1 and not exists (select 1 from public.import_people e
                                 where e.contact_id = c.id and e.import_id = p_import.id)) as patch offset 0) x
    where c.id = s.contact_id)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome = 'unchanged' and s.link_outcome is null;

  update public.contacts c set (first_name, last_name, display_name, is_entity, email, aliases) =
    (select case when r.is_entity then null else r.first_name end, r.last_name, r.display_name, r.is_entity, r.email, r.aliases
     from jsonb_populate_record(c, x.patch) r)
  from (select distinct on (s.contact_id) s.contact_id, s.patch from private.import_stage_people s
        where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.patch is not null
        order by s.contact_id, s.row_no, s.slot) x
  where c.id = x.contact_id;

  update private.import_stage_people s set contact_outcome = 'updated'
  where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.patch is not null;

  perform private.import_more_numbers(p_import, p_batch);
end $$;

-- A number or an e-mail that is new for a person we know.
create function private.import_more_numbers(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set contact_outcome = 'updated',
    changes = coalesce(s.changes, '{}') || jsonb_build_object('phone', jsonb_build_array(null, s.phone))
  where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.phone is not null
    and s.contact_outcome in ('unchanged', 'updated') and not s.is_deleted
    and private.contact_by_phone(p_import.location_id, s.phone) is null;

  insert into public.contact_phones (location_id, contact_id, phone, is_primary, source, source_status)
  select p_import.location_id, s.contact_id, s.phone, false, p_import.format, s.data ->> 'phone_status'
  from private.import_stage_people s
  where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.phone is not null
    and s.contact_outcome = 'updated'
  order by s.phone on conflict (location_id, phone) do nothing;

  update private.import_stage_people s set contact_outcome = 'updated',
    changes = coalesce(s.changes, '{}') || jsonb_build_object('email', jsonb_build_array(null, s.email))
  where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.email is not null
    and s.contact_outcome in ('unchanged', 'updated') and not s.is_deleted and p_import.duplicates <> 'skip'
    and not exists (select 1 from public.contact_emails e where e.contact_id = s.contact_id and e.email = s.email);

  insert into public.contact_emails (location_id, contact_id, email, source, source_status, source_hash)
  select distinct on (s.contact_id, s.email) p_import.location_id, s.contact_id, s.email, p_import.format,
    s.data ->> 'email_status', s.data ->> 'email_hash'
  from private.import_stage_people s
  where s.import_id = p_import.id and s.batch_no = p_batch and s.link_outcome is null and s.email is not null
    and s.contact_outcome = 'updated' and not s.is_deleted and p_import.duplicates <> 'skip'
  order by s.contact_id, s.email, s.row_no, s.slot
  on conflict (contact_id, email) do nothing;
end $$;

create function private.import_links(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := clock_timestamp();
begin
  insert into public.property_contacts (property_id, contact_id, location_id, slot, is_primary, source_list_id, created_at)
  select p.property_id, p.contact_id, p_import.location_id, p.slot,
    row_number() over (partition by p.property_id order by p.row_no, p.slot) = 1 and not exists (
      select 1 from public.property_contacts l where l.property_id = p.property_id and l.is_primary),
    p_import.list_id, v_now
  from (select distinct on (s.property_id, s.contact_id) s.property_id, s.contact_id, s.row_no, s.slot
        from private.import_stage_people s
        where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome is not null and s.link_outcome is null
        order by s.property_id, s.contact_id, s.row_no, s.slot) p
  on conflict (property_id, contact_id) do nothing;

  update private.import_stage_people s set link_outcome = case when exists (
      select 1 from public.property_contacts l where l.property_id = s.property_id and l.contact_id = s.contact_id
        and l.created_at = v_now) then 'created' else 'unchanged' end
  where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome is not null and s.link_outcome is null;
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
create function private.import_members(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set member_outcome = coalesce(
    (select case when m.status <> 'removed' then 'unchanged' else 'updated' end
     from public.list_members m where m.list_id = p_import.list_id and m.contact_id = s.contact_id), 'created')
  where s.import_id = p_import.id and s.batch_no = p_batch and s.phone is not null and not s.is_deleted
    and p_import.list_id is not null and p_import.tier is distinct from 'database';

  insert into public.list_members (list_id, contact_id, location_id, property_id, status, import_id, import_row_no)
  select p_import.list_id, p.contact_id, p_import.location_id, p.property_id,
    case when private.is_suppressed(p_import.location_id, p.contact_id) then 'suppressed' else 'active' end,
    p_import.id, p.row_no
  from (select distinct on (s.contact_id) s.contact_id, s.property_id, s.row_no from private.import_stage_people s
        where s.import_id = p_import.id and s.batch_no = p_batch and s.member_outcome <> 'unchanged'
        order by s.contact_id, s.row_no, s.slot) p
  on conflict (list_id, contact_id) do update set status = excluded.status;

  insert into public.consents (location_id, phone, contact_id, status, source, import_id, created_by)
  select distinct on (s.phone) p_import.location_id, s.phone, s.contact_id, p_import.consent, 'import', p_import.id, p_import.created_by
  from private.import_stage_people s
  where s.import_id = p_import.id and s.batch_no = p_batch and s.phone is not null and p_import.consent <> 'unknown'
    and not exists (select 1 from public.consents k
      where k.location_id = p_import.location_id and k.phone = s.phone and k.status <> 'unknown')
  order by s.phone, s.row_no, s.slot;
end $$;

create function private.import_record(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows r set warnings = r.warnings || (
    select jsonb_agg(jsonb_build_object('column', s.slot, 'code', 'deleted_contact',
      'message', 'This person was deleted here and was not brought back.'))
    from private.import_stage_people s
    where s.import_id = r.import_id and s.batch_no = r.batch_no and s.row_no = r.row_no and s.is_deleted)
  where r.import_id = p_import.id and r.batch_no = p_batch and r.row_no = any (array(
    select s.row_no from private.import_stage_people s where s.import_id = p_import.id and s.batch_no = p_batch and s.is_deleted));

  insert into public.import_rows (import_id, row_no, batch_no, location_id, outcome, reason, warnings, cells,
    property_id, property_outcome, changes)
  select r.import_id, r.row_no, r.batch_no, p_import.location_id,
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
    where s.import_id = r.import_id and s.batch_no = r.batch_no and s.row_no = r.row_no) p on true
  where r.import_id = p_import.id and r.batch_no = p_batch order by r.row_no;

  insert into public.import_people (import_id, row_no, slot, location_id, contact_id, has_phone, contact_outcome, link_outcome,
    member_outcome, changes)
  select s.import_id, s.row_no, s.slot, p_import.location_id, s.contact_id, s.phone is not null, s.contact_outcome, s.link_outcome,
    s.member_outcome, s.changes
  from private.import_stage_people s where s.import_id = p_import.id and s.batch_no = p_batch order by s.row_no, s.slot;

  delete from private.import_stage_people where import_id = p_import.id and batch_no = p_batch;
  delete from private.import_stage_rows where import_id = p_import.id and batch_no = p_batch;
end $$;

create function private.import_merge(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_row_passes int := 0;
  v_people_passes int;
begin
  perform private.import_stage(p_import, p_batch, p_rows);
  select coalesce(max(pass), 0) into v_people_passes from private.import_stage_people
    where import_id = p_import.id and batch_no = p_batch and phone is not null;
  while exists (select 1 from private.import_stage_rows
      where import_id = p_import.id and batch_no = p_batch and pass > v_row_passes and reject is null) loop
    v_row_passes := v_row_passes + 1;
    perform private.import_properties(p_import, p_batch, v_row_passes);
  end loop;
  update private.import_stage_people s set property_id = (select r.property_id from private.import_stage_rows r
      where r.import_id = s.import_id and r.batch_no = s.batch_no and r.row_no = s.row_no)
    where s.import_id = p_import.id and s.batch_no = p_batch;
  for v_pass in 1 .. v_people_passes loop
    perform private.import_contacts(p_import, p_batch, v_pass);
  end loop;
  for v_pass in 1 .. v_row_passes loop
    perform private.import_phoneless(p_import, p_batch, v_pass, 'primary');
    perform private.import_phoneless(p_import, p_batch, v_pass, 'secondary');
  end loop;
  perform private.import_members(p_import, p_batch);
  perform private.import_record(p_import, p_batch);
end $$;
