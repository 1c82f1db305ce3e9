-- Houses, and who belongs to them.
set lock_timeout = '4s';

-- An address as compared: upper case, no punctuation, USPS suffixes and directionals in their short form; a unit stays at its end.
create function private.normalize_address(p_address text) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  -- Apostrophes, straight or typographic, vanish; a dash or slash stays only inside a number ("12-14", "3 1/2").
  v_words text[] := string_to_array(btrim(regexp_replace(
    replace(translate(upper(p_address), '''’‘`´', ''), '#', ' UNIT '),
    '([^[:alnum:]/-]|(?<![[:alnum:]])[/-]|[/-](?![[:alnum:]]))+', ' ', 'g')), ' ');
  v_short constant jsonb := jsonb '{"STREET":"ST","STR":"ST","AVENUE":"AVE","AV":"AVE","ROAD":"RD","DRIVE":"DR","DRV":"DR","LANE":"LN",
    "BOULEVARD":"BLVD","CIRCLE":"CIR","COURT":"CT","PLACE":"PL","TERRACE":"TER","TERR":"TER","HIGHWAY":"HWY","PARKWAY":"PKWY",
    "SQUARE":"SQ","TRAIL":"TRL","NORTH":"N","SOUTH":"S","EAST":"E","WEST":"W","NORTHEAST":"NE","NORTHWEST":"NW",
    "SOUTHEAST":"SE","SOUTHWEST":"SW","APARTMENT":"UNIT","APT":"UNIT","SUITE":"UNIT","STE":"UNIT"}';
begin
  for i in 1 .. coalesce(array_length(v_words, 1), 0) loop
    v_words[i] := coalesce(v_short ->> v_words[i], v_words[i]);
  end loop;
  return coalesce(regexp_replace(array_to_string(v_words, ' '), '\m(UNIT )+', 'UNIT ', 'g'), '');
end $$;
create function private.normalize_city(p_city text) returns text language sql immutable parallel safe set search_path = '' as $$
  select coalesce(btrim(regexp_replace(translate(upper(p_city), '''’‘`´', ''), '[^[:alnum:]]+', ' ', 'g')), '')
$$;
grant execute on function private.normalize_address(text), private.normalize_city(text) to authenticated, service_role;

create table public.properties (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  apn text check (apn = btrim(apn) and apn <> ''),
  address text, address_norm text not null generated always as (private.normalize_address(address)) stored,
  city text, city_norm text not null generated always as (private.normalize_city(city)) stored,
  state text default 'MA' check (state ~ '^[A-Z]{2}$'), zip text check (zip ~ '^\d{5}$'), zip4 text check (zip4 ~ '^\d{4}$'),
  subdivision text, lat numeric(9,6) check (lat between -90 and 90), lon numeric(9,6) check (lon between -180 and 180),
  property_type text, year_built int check (year_built between 1600 and 2200), square_feet int check (square_feet >= 0),
  bedrooms int check (bedrooms >= 0), bathrooms numeric(3,1) check (bathrooms >= 0),
  est_value numeric(12,2), est_equity_amount numeric(12,2), est_equity_percent numeric(6,2), high_equity boolean,
  purchase_date date, purchase_months_since int, owner_name text,
  mailing_address text, mailing_city text, mailing_state text, mailing_zip text,
  owner_occupied boolean, listed_for_sale boolean, listing_status text, foreclosure boolean,
  has_basement boolean, has_pool boolean, notes text, source text, source_list_id uuid, last_enriched_at timestamptz,
  metadata jsonb not null default '{}', edited_fields text[] not null default '{}',
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  constraint properties_has_a_place check (apn is not null or address_norm <> '')
);
comment on column public.properties.est_equity_amount is 'Dollars; may be negative.';
comment on column public.properties.high_equity is 'The source''s flag; it is unset at 100% equity, so compute your own.';
comment on column public.properties.purchase_months_since is 'The source''s figure; it rarely agrees with purchase_date.';
create unique index properties_location_apn on public.properties (location_id, apn) where apn is not null;
-- Two parcels may share one address (each has its APN); without an APN the address is the identity.
create unique index properties_location_address_only on public.properties (location_id, address_norm, city_norm, coalesce(zip, ''))
  where apn is null;
create index properties_location_address on public.properties (location_id, address_norm, city_norm, coalesce(zip, ''));
create index properties_location_city on public.properties (location_id, city, zip, id);
create index properties_location_created on public.properties (location_id, created_at desc, id);
create index properties_source_list on public.properties (source_list_id) where source_list_id is not null;

create table public.property_contacts (
  property_id uuid not null, contact_id uuid not null,
  location_id uuid not null,
  relationship text not null default 'owner' check (relationship in
    ('owner', 'co_owner', 'tenant', 'realtor', 'builder', 'coordinator', 'property_manager', 'hoa')),
  slot text check (slot in ('primary', 'secondary')),
  is_primary boolean not null default false, start_date date, end_date date,
  ownership_pct numeric(5,2) check (ownership_pct between 0 and 100), source_list_id uuid,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (property_id, contact_id),
  foreign key (property_id, location_id) references public.properties (id, location_id) on delete cascade,
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade
);
comment on column public.property_contacts.end_date is 'Null while it holds. People who move are ended, not deleted.';
create unique index property_contacts_one_primary on public.property_contacts (property_id) where is_primary;
create index property_contacts_contact on public.property_contacts (contact_id);
create index property_contacts_location on public.property_contacts (location_id);
create index property_contacts_source_list on public.property_contacts (source_list_id) where source_list_id is not null;

create trigger "10_remember_edits" before insert or update on public.properties for each row
  when (auth.uid() is not null) execute function private.remember_edits();
create trigger "20_set_updated_at" before update on public.properties for each row execute function private.set_updated_at();
create trigger "90_audit" after update or delete on public.properties for each row
  when (auth.uid() is not null) execute function private.audit();
create trigger set_updated_at before update on public.property_contacts for each row execute function private.set_updated_at();

-- A card shows the town of the oldest house a person still belongs to.
create function private.refresh_cards(p_contacts uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.contact_cards k where k.contact_id = any (p_contacts)
    and exists (select 1 from public.contacts c where c.id = k.contact_id and c.deleted_at is not null);
  insert into public.contact_cards as k (contact_id, location_id, first_name, city)
  select c.id, c.location_id, c.first_name,
    (select (select p.city from public.properties p where p.id = l.property_id) from public.property_contacts l
     where l.contact_id = c.id and l.end_date is null order by l.created_at, l.property_id limit 1)
  from unnest(p_contacts) x (id)
  cross join lateral (select * from public.contacts c where c.id = x.id and c.deleted_at is null offset 0) c
  on conflict (contact_id) do update set first_name = excluded.first_name, city = excluded.city
    where (k.first_name, k.city) is distinct from (excluded.first_name, excluded.city);
end $$;

create function private.links_written() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_cards(array(select distinct contact_id from new_rows));
  return null;
end $$;
create function private.links_removed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_cards(array(select distinct contact_id from old_rows));
  return null;
end $$;
create function private.towns_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_cards(array(
    select distinct pc.contact_id from new_rows n join old_rows o using (id) join public.property_contacts pc on pc.property_id = n.id
    where n.city is distinct from o.city));
  return null;
end $$;
create trigger refresh_cards_added after insert on public.property_contacts referencing new table as new_rows
  for each statement execute function private.links_written();
create trigger refresh_cards_changed after update on public.property_contacts referencing new table as new_rows
  for each statement execute function private.links_written();
create trigger refresh_cards_removed after delete on public.property_contacts referencing old table as old_rows
  for each statement execute function private.links_removed();
create trigger refresh_cards after update on public.properties referencing old table as old_rows new table as new_rows
  for each statement execute function private.towns_changed();

alter table public.properties enable row level security;
alter table public.property_contacts enable row level security;
create policy "owners and admins read" on public.properties for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins add" on public.properties for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.properties for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.property_contacts for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins add" on public.property_contacts for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.property_contacts for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));

grant select on public.properties, public.property_contacts to authenticated;
grant insert (id, location_id, apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet,
  bedrooms, bathrooms, est_value, est_equity_amount, est_equity_percent, purchase_date, owner_name, mailing_address, mailing_city,
  mailing_state, mailing_zip, owner_occupied, listed_for_sale, listing_status, foreclosure, has_basement, has_pool, notes, source,
  metadata) on public.properties to authenticated;
grant update (apn, address, city, state, zip, zip4, subdivision, lat, lon, property_type, year_built, square_feet,
  bedrooms, bathrooms, est_value, est_equity_amount, est_equity_percent, purchase_date, owner_name, mailing_address, mailing_city,
  mailing_state, mailing_zip, owner_occupied, listed_for_sale, listing_status, foreclosure, has_basement, has_pool, notes,
  metadata) on public.properties to authenticated;
grant insert (property_id, contact_id, location_id, relationship, is_primary, start_date, end_date, ownership_pct)
  on public.property_contacts to authenticated;
grant update (relationship, is_primary, start_date, end_date, ownership_pct) on public.property_contacts to authenticated;
grant select, insert, update, delete on public.properties, public.property_contacts to service_role;
