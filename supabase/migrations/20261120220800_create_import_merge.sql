-- The merge: ~1,000 rows a batch, set-based, one transaction, the same result however often and in whatever pieces it is run.
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
  insert into private.import_stage_rows (import_id, batch_no, row_no, data, apn, address_norm, city_norm, zip, reject, warnings, cells, pass)
  select p_import.id, p_batch, (r ->> 'row_no')::int, d, k.apn, k.address_norm, k.city_norm, k.zip, nullif(r -> 'reject', 'null'),
    coalesce(r -> 'warnings', '[]'), r -> 'cells',
    greatest(case when k.apn is null then 1 else row_number() over (partition by k.apn order by n) end,
             case when k.address_norm = '' then 1
                  else row_number() over (partition by k.address_norm, k.city_norm, k.zip order by n) end)
  from jsonb_array_elements(p_rows) with ordinality x (r, n)
  cross join lateral (select coalesce(r -> 'property', '{}') as d) p
  cross join lateral (select d ->> 'apn' as apn, private.normalize_address(d ->> 'address') as address_norm,
    private.normalize_city(d ->> 'city') as city_norm, coalesce(d ->> 'zip', '') as zip) k;

  insert into private.import_stage_people (import_id, batch_no, row_no, slot, data, phone, email, name_key, pass)
  select p_import.id, p_batch, s.row_no, k.slot, p, k.phone, k.email, k.name_key,
    greatest(row_number() over (partition by k.phone order by s.row_no, k.slot),
             row_number() over (partition by s.row_no, k.name_key order by k.slot))
  from jsonb_array_elements(p_rows) r
  join private.import_stage_rows s on s.import_id = p_import.id and s.batch_no = p_batch and s.row_no = (r ->> 'row_no')::int
  cross join lateral jsonb_array_elements(coalesce(r -> 'people', '[]')) p
  cross join lateral (select p ->> 'slot' as slot, p ->> 'phone' as phone, p ->> 'email' as email,
    private.name_key(p ->> 'display_name') as name_key) k
  where s.reject is null;
end $$;

create function private.import_properties(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows s
  set property_id = coalesce(m.id, s.property_id), property_outcome = case when m.id is null then 'created' else 'unchanged' end
  from private.import_stage_rows z
  left join lateral (
    select * from (select p.id, 1 as rank, p.created_at from public.properties p
                   where p.location_id = p_import.location_id and p.apn = z.apn
                   union all
                   select p.id, 2, p.created_at from public.properties p
                   where p.location_id = p_import.location_id and z.address_norm <> '' and p.address_norm = z.address_norm
                     and p.city_norm = z.city_norm and coalesce(p.zip, '') = z.zip and (z.apn is null or p.apn is null)) c
    order by rank, created_at, id limit 1) m on true
  where z.import_id = p_import.id and z.batch_no = p_batch and z.pass = p_pass and z.reject is null
    and s.import_id = z.import_id and s.batch_no = z.batch_no and s.row_no = z.row_no;

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
  order by r.apn, r.address;

  perform private.import_property_updates(p_import, p_batch, p_pass);
end $$;

-- Valuation and market status are always refreshed, the rest fills blanks (replace: everything the file says).
create function private.import_property_updates(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with patches as (
    select s.row_no, s.property_id, x.patch, private.import_changes(o.j, x.patch) as changes
    from private.import_stage_rows s join public.properties p on p.id = s.property_id
    cross join lateral (select to_jsonb(p) as j offset 0) o
    cross join lateral (select private.import_patch(o.j, s.data, p.edited_fields, p_import.duplicates,
      '{est_value,est_equity_amount,est_equity_percent,high_equity,listed_for_sale,listing_status,foreclosure,metadata}') as patch offset 0) x
    where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.property_outcome = 'unchanged'
      and x.patch is not null
  ), written as (
    update public.properties p set last_enriched_at = now(), (
    apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet, bedrooms,
    bathrooms, est_value, est_equity_amount, est_equity_percent, high_equity, purchase_date, purchase_months_since,
    owner_name, mailing_address, mailing_city, mailing_state, mailing_zip, owner_occupied, listed_for_sale,
    listing_status, foreclosure, metadata) = (select
        r.apn, r.address, r.city, r.state, r.zip, r.zip4, r.subdivision, r.lat, r.lon, r.property_type, r.year_built,
        r.square_feet, r.bedrooms, r.bathrooms, r.est_value, r.est_equity_amount, r.est_equity_percent, r.high_equity,
        r.purchase_date, r.purchase_months_since, r.owner_name, r.mailing_address, r.mailing_city, r.mailing_state,
        r.mailing_zip, r.owner_occupied, r.listed_for_sale, r.listing_status, r.foreclosure, r.metadata
      from jsonb_populate_record(p, x.patch) r)
    from patches x where p.id = x.property_id
  )
  update private.import_stage_rows s set property_outcome = 'updated', changes = x.changes
  from patches x where s.import_id = p_import.id and s.batch_no = p_batch and s.row_no = x.row_no;

  update private.import_stage_rows s set warnings = s.warnings || jsonb_build_array(jsonb_build_object('column', 'Address',
      'code', 'address_differs', 'value', s.data ->> 'address',
      'message', format('This APN is stored at %s; the stored address was kept.', p.address)))
  from public.properties p
  where s.import_id = p_import.id and s.batch_no = p_batch and s.pass = p_pass and s.property_outcome <> 'created'
    and p.id = s.property_id and s.address_norm <> '' and p.address_norm <> s.address_norm;
end $$;

-- People with a number: found by it, else (once) by name among the house's people who have none, else new.
create function private.import_contacts(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s
  set contact_id = coalesce(m.id, s.contact_id), contact_outcome = case when m.id is null then 'created' else 'unchanged' end
  from private.import_stage_people z
  cross join lateral (select coalesce(private.contact_by_phone(p_import.location_id, z.phone),
    (select c.id from public.property_contacts l join public.contacts c on c.id = l.contact_id
     where l.property_id = z.property_id and c.phone is null and c.name_key = z.name_key and c.deleted_at is null
     order by c.created_at, c.id limit 1)) as id offset 0) m
  where z.import_id = p_import.id and z.batch_no = p_batch and z.pass = p_pass and z.phone is not null
    and s.import_id = z.import_id and s.batch_no = z.batch_no and s.row_no = z.row_no and s.slot = z.slot;

  perform private.import_new_contacts(p_import, p_batch, p_pass);
  perform private.import_contact_updates(p_import, p_batch, p_pass);
end $$;

-- p_pass null: the people without a number.
create function private.import_new_contacts(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with fresh as (
    select * from private.import_stage_people s
    where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome = 'created'
      and case when p_pass is null then s.phone is null else s.phone is not null and s.pass = p_pass end
  ), people as (
    insert into public.contacts (id, location_id, first_name, last_name, display_name, is_entity, phone, email, lead_source, created_by)
    select s.contact_id, p_import.location_id, s.data ->> 'first_name', s.data ->> 'last_name', s.data ->> 'display_name',
      coalesce((s.data ->> 'is_entity')::boolean, false), s.phone, s.email, p_import.format, p_import.created_by
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

-- The first name a file gives a number stays; another one becomes an alias, so that households do not overwrite each other.
create function private.import_contact_updates(p_import public.imports, p_batch int, p_pass int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_people s set is_deleted = true from public.contacts c
    where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome = 'unchanged' and c.id = s.contact_id
      and c.deleted_at is not null;
  if p_import.duplicates = 'skip' then return; end if;

  with found as (
    select s.row_no, s.slot, s.contact_id, s.phone, s.email, s.data, o.j, c.edited_fields, c.aliases,
      c.name_key is null or c.name_key = s.name_key or (p_import.duplicates = 'replace' and s.pass = 1 and not exists (
        select 1 from public.import_people e where e.contact_id = c.id and e.import_id = p_import.id)) as is_same_name,
      c.name_key is not null and s.name_key is not null and c.name_key <> s.name_key
        and not exists (select 1 from unnest(c.aliases) a where private.name_key(a) = s.name_key) as is_new_alias
    from private.import_stage_people s join public.contacts c on c.id = s.contact_id
    cross join lateral (select to_jsonb(c) as j offset 0) o
    where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome = 'unchanged' and not s.is_deleted
      and case when p_pass is null then s.phone is null else s.phone is not null and s.pass = p_pass end
  ), patches as (
    select f.row_no, f.slot, f.contact_id, f.j, x.patch from found f
    cross join lateral (select nullif(coalesce(private.import_patch(f.j,
        case when f.is_same_name then f.data else f.data - '{first_name,last_name,display_name,is_entity}'::text[] end
          - '{slot,phone,phone_status,email_status,email_hash}'::text[], f.edited_fields, p_import.duplicates, '{}'), '{}')
      || case when f.is_new_alias and not f.is_same_name
              then jsonb_build_object('aliases', to_jsonb(f.aliases || (f.data ->> 'display_name'))) else '{}' end, '{}') as patch offset 0) x
    where x.patch is not null
  ), written as (
    update public.contacts c set (first_name, last_name, display_name, is_entity, email, aliases) =
      (select case when r.is_entity then null else r.first_name end, r.last_name, r.display_name, r.is_entity, r.email, r.aliases
       from jsonb_populate_record(c, x.patch) r)
    from (select distinct on (contact_id) * from patches order by contact_id, row_no, slot) x where c.id = x.contact_id
  )
  update private.import_stage_people s set contact_outcome = 'updated', changes = private.import_changes(x.j, x.patch)
  from patches x where s.import_id = p_import.id and s.batch_no = p_batch and s.row_no = x.row_no and s.slot = x.slot;

  perform private.import_more_numbers(p_import, p_batch);
end $$;

-- A number or e-mail that is new for a person we know.
create function private.import_more_numbers(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with added as (
    insert into public.contact_phones (location_id, contact_id, phone, is_primary, source, source_status)
    select distinct on (s.phone) p_import.location_id, s.contact_id, s.phone, false, p_import.format, s.data ->> 'phone_status'
    from private.import_stage_people s
    where s.import_id = p_import.id and s.batch_no = p_batch and s.phone is not null
      and s.contact_outcome in ('unchanged', 'updated') and not s.is_deleted
    order by s.phone, s.row_no, s.slot
    on conflict (location_id, phone) do nothing returning contact_id, phone
  )
  update private.import_stage_people s set contact_outcome = 'updated',
      changes = coalesce(s.changes, '{}') || jsonb_build_object('phone', jsonb_build_array(null, s.phone))
    from added a where s.import_id = p_import.id and s.batch_no = p_batch and s.phone = a.phone and s.contact_id = a.contact_id;

  insert into public.contact_emails (location_id, contact_id, email, source, source_status, source_hash)
  select distinct on (s.contact_id, s.email) p_import.location_id, s.contact_id, s.email, p_import.format,
    s.data ->> 'email_status', s.data ->> 'email_hash'
  from private.import_stage_people s
  where s.import_id = p_import.id and s.batch_no = p_batch and s.email is not null
    and s.contact_outcome in ('unchanged', 'updated') and not s.is_deleted
  order by s.contact_id, s.email, s.row_no, s.slot
  on conflict (contact_id, email) do nothing;
end $$;

-- People without a number are matched by house and name (or alias); without a name, by house and e-mail.
create function private.import_phoneless(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with keyed as (
    select z.row_no, z.slot, m.id as known,
      first_value(z.contact_id) over w as first_id, row_number() over w as nth
    from private.import_stage_people z
    left join lateral (
      select c.id from public.property_contacts l join public.contacts c on c.id = l.contact_id
      where l.property_id = z.property_id and case when z.name_key is not null
          then c.name_key = z.name_key or exists (select 1 from unnest(c.aliases) a where private.name_key(a) = z.name_key)
          else exists (select 1 from public.contact_emails e where e.contact_id = c.id and e.email = z.email) end
      order by c.deleted_at nulls first, c.created_at, c.id limit 1) m on true
    where z.import_id = p_import.id and z.batch_no = p_batch and z.phone is null
    window w as (partition by z.property_id, z.name_key, case when z.name_key is null then z.email end order by z.row_no, z.slot)
  )
  update private.import_stage_people s
  set contact_id = coalesce(k.known, k.first_id), contact_outcome = case when k.known is null and k.nth = 1 then 'created' else 'unchanged' end
  from keyed k where s.import_id = p_import.id and s.batch_no = p_batch and s.row_no = k.row_no and s.slot = k.slot;

  perform private.import_new_contacts(p_import, p_batch, null);
  perform private.import_contact_updates(p_import, p_batch, null);
end $$;

create function private.import_links(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with pairs as (
    select distinct on (s.property_id, s.contact_id) s.property_id, s.contact_id, s.row_no, s.slot
    from private.import_stage_people s
    where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome is not null and s.link_outcome is null
    order by s.property_id, s.contact_id, s.row_no, s.slot
  ), added as (
    insert into public.property_contacts (property_id, contact_id, location_id, slot, is_primary, source_list_id)
    select p.property_id, p.contact_id, p_import.location_id, p.slot,
      row_number() over (partition by p.property_id order by p.row_no, p.slot) = 1 and not exists (
        select 1 from public.property_contacts l where l.property_id = p.property_id and l.is_primary),
      p_import.list_id
    from pairs p order by p.property_id, p.contact_id
    on conflict (property_id, contact_id) do nothing returning property_id, contact_id
  )
  update private.import_stage_people s set link_outcome = case when exists (
      select 1 from added a join pairs p using (property_id, contact_id)
      where a.property_id = s.property_id and a.contact_id = s.contact_id and p.row_no = s.row_no and p.slot = s.slot)
    then 'created' else 'unchanged' end
  where s.import_id = p_import.id and s.batch_no = p_batch and s.contact_outcome is not null and s.link_outcome is null;
end $$;

-- A list is whom to text: people with a number. Opted-out and flagged numbers join suppressed; who was removed comes back.
create function private.import_members(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with people as (
    select distinct on (s.contact_id) s.contact_id, s.property_id, s.row_no, s.slot,
      exists (select 1 from public.opt_outs o join public.contact_phones n using (phone)
              where n.contact_id = s.contact_id and o.revoked_at is null)
      or exists (select 1 from public.contact_flags f
              where f.location_id = p_import.location_id and (f.contact_id = s.contact_id or f.phone = s.phone)
                and f.flag <> 'recently_texted' and f.applies_to <> 'email'
                and (f.expires_at is null or f.expires_at > now())) as is_suppressed
    from private.import_stage_people s
    where s.import_id = p_import.id and s.batch_no = p_batch and s.phone is not null and not s.is_deleted
    order by s.contact_id, s.row_no, s.slot
  ), added as (
    insert into public.list_members as m (list_id, contact_id, location_id, property_id, status, import_id, import_row_no, added_by)
    select p_import.list_id, p.contact_id, p_import.location_id, p.property_id,
      case when p.is_suppressed then 'suppressed' else 'active' end, p_import.id, p.row_no, p_import.created_by
    from people p where p_import.list_id is not null order by p.contact_id
    on conflict (list_id, contact_id) do update set status = excluded.status
      where m.status is distinct from excluded.status and not (m.status = 'suppressed' and excluded.status = 'active')
    returning contact_id, xmax = 0 as is_new
  )
  update private.import_stage_people s
  set member_outcome = case when a.is_new then 'created' when a.contact_id is not null then 'updated' else 'unchanged' end
  from people p left join added a using (contact_id)
  where s.import_id = p_import.id and s.batch_no = p_batch and s.row_no = p.row_no and s.slot = p.slot;

  insert into public.consents (location_id, phone, contact_id, status, source, import_id, created_by)
  select p_import.location_id, s.phone, s.contact_id, p_import.consent, 'import', p_import.id, p_import.created_by
  from (select distinct on (phone) * from private.import_stage_people
        where import_id = p_import.id and batch_no = p_batch and phone is not null order by phone, row_no, slot) s
  where p_import.consent <> 'unknown' and not exists (
    select 1 from public.consents k where k.location_id = p_import.location_id and k.phone = s.phone and k.status <> 'unknown');
end $$;

create function private.import_record(p_import public.imports, p_batch int) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.import_stage_rows r set warnings = r.warnings || jsonb_build_array(jsonb_build_object('column', s.slot,
      'code', 'deleted_contact', 'message', 'This person was deleted here and was not brought back.'))
    from private.import_stage_people s where s.is_deleted and s.import_id = p_import.id and s.batch_no = p_batch
      and r.import_id = s.import_id and r.batch_no = s.batch_no and r.row_no = s.row_no;

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
declare v_passes int;
begin
  perform private.import_stage(p_import, p_batch, p_rows);
  select max(pass) into v_passes from private.import_stage_rows where import_id = p_import.id and batch_no = p_batch;
  for v_pass in 1 .. v_passes loop
    perform private.import_properties(p_import, p_batch, v_pass);
  end loop;
  update private.import_stage_people s set property_id = r.property_id from private.import_stage_rows r
    where s.import_id = p_import.id and s.batch_no = p_batch
      and r.import_id = s.import_id and r.batch_no = s.batch_no and r.row_no = s.row_no;
  select coalesce(max(pass), 0) into v_passes from private.import_stage_people
    where import_id = p_import.id and batch_no = p_batch and phone is not null;
  for v_pass in 1 .. v_passes loop
    perform private.import_contacts(p_import, p_batch, v_pass);
  end loop;
  perform private.import_links(p_import, p_batch);
  perform private.import_phoneless(p_import, p_batch);
  perform private.import_links(p_import, p_batch);
  perform private.import_members(p_import, p_batch);
  perform private.import_record(p_import, p_batch);
end $$;
