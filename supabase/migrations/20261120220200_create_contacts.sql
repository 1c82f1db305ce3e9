-- People: contacts with every number and address they are known by, and what else is said of them.
-- What hangs on a contact is in the contact's location, by a foreign key over both ids; one to locations would only be checked again.
set lock_timeout = '4s';

create function private.name_key(p_name text) returns text language sql immutable parallel safe set search_path = '' as $$
  select nullif(btrim(regexp_replace(upper(p_name), '[^[:alnum:]]+', ' ', 'g')), '')
$$;
comment on function private.name_key is 'A name as compared: upper case, letters and digits, single spaces.';
grant execute on function private.name_key(text) to authenticated, service_role; -- generated columns run it as the writer

create table public.companies (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  name text not null check (btrim(name) <> ''), phone text, email text, website text, notes text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), deleted_at timestamptz,
  unique (id, location_id)
);
create index companies_location_name on public.companies (location_id, name);

create table public.contacts (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  company_id uuid,
  first_name text, last_name text, display_name text, aliases text[] not null default '{}',
  name_key text generated always as (private.name_key(coalesce(display_name,
    coalesce(first_name || ' ', '') || coalesce(last_name, '')))) stored,
  phone text check (phone ~ '^\+[1-9]\d{7,14}$'),
  email text check (email ~ '^[^@\s]+@[^@\s]+$'),
  contact_type text not null default 'homeowner' check (contact_type in
    ('homeowner', 'realtor', 'builder', 'property_manager', 'hoa', 'employee', 'vendor', 'other')),
  customer_type text not null default 'prospect' check (customer_type in ('prospect', 'customer')),
  is_entity boolean not null default false, is_employee boolean not null default false,
  lead_source text check (lead_source in ('propertyradar', 'referral', 'quickbooks', 'openphone', 'csv', 'manual', 'website')),
  notes text, customer_since date,
  openphone_contact_id text, quickbooks_customer_id text, quickbooks_sync_token text,
  payment_terms text, credit_limit numeric(12,2), tax_exempt boolean not null default false,
  lifetime_value numeric(12,2), outstanding_balance numeric(12,2), last_payment_date date, avg_days_to_pay numeric(6,1),
  channel_preferences jsonb not null default '{}', metadata jsonb not null default '{}',
  edited_fields text[] not null default '{}', created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), deleted_at timestamptz,
  unique (id, location_id),
  foreign key (company_id, location_id) references public.companies (id, location_id) on delete set null (company_id),
  constraint contacts_entity_has_no_first_name check (not (is_entity and first_name is not null))
);
comment on column public.contacts.phone is 'Copy of the number a person is known by; contact_phones holds every number.';
comment on column public.contacts.email is 'Never unique: couples share one (this lost v1 97% of an import).';
comment on column public.contacts.created_by is 'Who typed the person in. Null for people who came in a file: import_people says which.';
comment on column public.contacts.edited_fields is 'Columns a person typed: no import overwrites them.';
create unique index contacts_location_phone on public.contacts (location_id, phone) where phone is not null;
create index contacts_location_name on public.contacts (location_id, last_name, first_name, id) where deleted_at is null;
create index contacts_location_created on public.contacts (location_id, created_at desc, id) where deleted_at is null;
create index contacts_location_email on public.contacts (location_id, lower(email)) where email is not null;
create unique index contacts_openphone on public.contacts (openphone_contact_id) where openphone_contact_id is not null;
create unique index contacts_quickbooks on public.contacts (quickbooks_customer_id) where quickbooks_customer_id is not null;
create index contacts_company on public.contacts (company_id, location_id) where company_id is not null;
create index contacts_created_by on public.contacts (created_by) where created_by is not null;

create table public.contact_cards (
  contact_id uuid primary key,
  location_id uuid not null,
  first_name text, city text,
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade
);
comment on table public.contact_cards is 'What the marketer may know of a person. Kept by trigger, written by nobody.';
create index contact_cards_location on public.contact_cards (location_id, city, first_name, contact_id);

create table public.contact_phones (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null,
  contact_id uuid not null,
  phone text not null check (phone ~ '^\+[1-9]\d{7,14}$'),
  label text, is_primary boolean not null default false, source text, source_status text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade,
  constraint contact_phones_unique unique (location_id, phone)
);
create unique index contact_phones_one_primary on public.contact_phones (contact_id) where is_primary;
create index contact_phones_contact on public.contact_phones (contact_id);

create table public.contact_emails (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null,
  contact_id uuid not null,
  email text not null check (email = lower(email) and email ~ '^[^@\s]+@[^@\s]+$'),
  source text, source_status text, source_hash text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade,
  constraint contact_emails_unique unique (contact_id, email)
);
create index contact_emails_email on public.contact_emails (location_id, email);

create table public.contact_flags (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  contact_id uuid,
  phone text check (phone ~ '^\+[1-9]\d{7,14}$'),
  flag text not null check (flag in
    ('opted_out', 'do_not_contact', 'office_number', 'wrong_number', 'recently_texted', 'invalid_number', 'negative')),
  reason text, applies_to text not null default 'sms' check (applies_to in ('sms', 'email', 'both')),
  expires_at timestamptz, created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade,
  check (contact_id is not null or phone is not null)
);
create index contact_flags_contact on public.contact_flags (contact_id);
create index contact_flags_phone on public.contact_flags (phone);
create index contact_flags_location on public.contact_flags (location_id);
create index contact_flags_created_by on public.contact_flags (created_by) where created_by is not null;

create table public.tags (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  name text not null check (btrim(name) <> ''), color text,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id)
);
create unique index tags_location_name on public.tags (location_id, lower(name));

create table public.contact_tags (
  contact_id uuid not null,
  tag_id uuid not null,
  location_id uuid not null,
  created_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade,
  foreign key (tag_id, location_id) references public.tags (id, location_id) on delete cascade,
  primary key (contact_id, tag_id)
);
create index contact_tags_tag on public.contact_tags (tag_id);
create index contact_tags_location on public.contact_tags (location_id);

create table public.notes (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null,
  contact_id uuid not null,
  body text not null check (btrim(body) <> ''),
  created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade
);
comment on table public.notes is 'Internal, never sent to anyone.';
create index notes_contact on public.notes (contact_id, created_at desc);
create index notes_location on public.notes (location_id);
create index notes_created_by on public.notes (created_by) where created_by is not null;
