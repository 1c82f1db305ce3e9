-- Imports: the file's record, what became of each row and person in it, and the staging a batch passes through.
set lock_timeout = '4s';

create table public.imports (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  list_id uuid, list_name text not null,
  created_by uuid references public.profiles (id) on delete set null,
  file_path text not null, filename text not null, size_bytes bigint not null check (size_bytes > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  format text, tier text check (tier in ('campaign', 'database')),
  duplicates text not null default 'merge' check (duplicates in ('merge', 'replace', 'skip')),
  consent text not null default 'unknown' check (consent in ('unknown', 'express', 'written')),
  status text not null default 'uploaded' check (status in
    ('uploaded', 'reading', 'importing', 'done', 'failed', 'cancelled', 'undone')),
  header jsonb, warnings jsonb not null default '[]', error text,
  total_rows int check (total_rows >= 0), ignored_rows int not null default 0,
  processed_rows int not null default 0 check (processed_rows >= 0 and processed_rows <= coalesce(total_rows, 0)),
  rejected_rows int not null default 0, warned_rows int not null default 0,
  properties_created int not null default 0, properties_updated int not null default 0, properties_unchanged int not null default 0,
  contacts_created int not null default 0, contacts_updated int not null default 0, contacts_unchanged int not null default 0,
  links_created int not null default 0, links_updated int not null default 0, links_unchanged int not null default 0,
  list_members_created int not null default 0, list_members_updated int not null default 0, list_members_unchanged int not null default 0,
  phoneless_created int not null default 0, phoneless_updated int not null default 0, phoneless_unchanged int not null default 0,
  phoneless_links_created int not null default 0, phoneless_links_unchanged int not null default 0,
  lease_id uuid, lease_expires_at timestamptz, attempts int not null default 0,
  started_at timestamptz, finished_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (list_id, location_id) references public.lists (id, location_id) on delete set null (list_id)
);
comment on column public.imports.total_rows is 'Data rows: without the header and without the licence notice at the end (ignored_rows).';
comment on column public.imports.contacts_created is 'People with a number. Those without are counted apart, as phoneless_*.';
comment on column public.imports.links_created is 'House–person links from phone slots, each pair once; those of people without a number are phoneless_links_*.';
comment on column public.imports.attempts is 'Times taken up since the last progress; at 10 it is given up.';
create index imports_location_created on public.imports (location_id, created_at desc, id);
create index imports_location_sha256 on public.imports (location_id, sha256);
create index imports_waiting on public.imports (lease_expires_at) where status in ('uploaded', 'reading', 'importing');
create index imports_list on public.imports (list_id) where list_id is not null;
create index imports_created_by on public.imports (created_by) where created_by is not null;
create trigger set_updated_at before update on public.imports for each row execute function private.set_updated_at();

create table public.import_batches (
  import_id uuid not null, batch_no int not null, location_id uuid not null,
  row_count int not null, rejected_rows int not null, redone boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (import_id, batch_no),
  foreign key (import_id, location_id) references public.imports (id, location_id) on delete cascade
);
comment on column public.import_batches.redone is 'The batch was refused as a whole and taken row by row.';
create index import_batches_location on public.import_batches (location_id);

create table public.import_rows (
  import_id uuid not null, row_no int not null, batch_no int not null,
  location_id uuid not null, -- that of the import, by the key below
  outcome text not null check (outcome in ('created', 'updated', 'unchanged', 'skipped', 'rejected')),
  reason text, warnings jsonb not null default '[]', cells jsonb,
  property_id uuid references public.properties (id) on delete set null,
  property_outcome text check (property_outcome in ('created', 'updated', 'unchanged')),
  changes jsonb,
  primary key (import_id, row_no),
  foreign key (import_id, location_id) references public.imports (id, location_id) on delete cascade
);
comment on column public.import_rows.row_no is 'Line of the file as a spreadsheet shows it when no cell has a line break: the first data row is 2.';
comment on column public.import_rows.cells is 'The row as it came, kept where something was refused or dropped; else the file in storage has it.';
comment on column public.import_rows.changes is 'What the row changed in a house that was there: {column: [before, after]}.';
create index import_rows_property on public.import_rows (property_id) where property_id is not null;
create index import_rows_outcome on public.import_rows (import_id, outcome, row_no) where outcome = 'rejected';

create table public.import_people (
  import_id uuid not null, row_no int not null, slot text not null check (slot in ('primary', 'secondary')),
  location_id uuid not null,
  contact_id uuid references public.contacts (id) on delete set null,
  has_phone boolean not null,
  contact_outcome text not null check (contact_outcome in ('created', 'updated', 'unchanged')),
  link_outcome text not null check (link_outcome in ('created', 'unchanged')),
  member_outcome text check (member_outcome in ('created', 'updated', 'unchanged')),
  changes jsonb,
  primary key (import_id, row_no, slot),
  foreign key (import_id, row_no) references public.import_rows (import_id, row_no) on delete cascade
);
create index import_people_contact on public.import_people (contact_id) where contact_id is not null;

alter table public.list_members add foreign key (import_id) references public.imports (id) on delete set null;
create index list_members_import on public.list_members (import_id) where import_id is not null;
alter table public.consents add foreign key (import_id) references public.imports (id) on delete set null;

-- A batch passes through these inside its own transaction; nothing is ever left in them, so they need no log.
-- stage_no: the batch's number; minus their turn for rows that must wait for others of the batch.
create unlogged table private.import_stage_rows (
  import_id uuid, stage_no int, row_no int, data jsonb not null,
  apn text, address_norm text not null, city_norm text not null, zip text not null,
  reject jsonb, warnings jsonb not null, cells jsonb,
  property_id uuid not null default gen_random_uuid(), property_outcome text, patch jsonb, changes jsonb,
  primary key (import_id, stage_no, row_no)
) with (fillfactor = 40);
create unlogged table private.import_stage_people (
  import_id uuid, stage_no int, row_no int, slot text, data jsonb not null,
  phone text, email text, name_key text, property_id uuid,
  contact_id uuid not null default gen_random_uuid(), contact_outcome text, link_outcome text, member_outcome text,
  is_deleted boolean not null default false, patch jsonb, changes jsonb,
  primary key (import_id, stage_no, row_no, slot)
) with (fillfactor = 40);
alter table private.import_stage_rows enable row level security;
alter table private.import_stage_people enable row level security;

alter table public.imports enable row level security;
alter table public.import_batches enable row level security;
alter table public.import_rows enable row level security;
alter table public.import_people enable row level security;
create policy "owners and admins read" on public.imports for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.import_batches for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.import_rows for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.import_people for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
grant select on public.imports, public.import_batches, public.import_rows, public.import_people to authenticated, service_role;

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values ('imports', 'imports', false, 629145600, '{text/csv,text/plain,application/csv,application/vnd.ms-excel,application/octet-stream}')
on conflict (id) do nothing;
-- Files lie under <location id>/<import id>/; a name that is no uuid matches nothing.
create policy "owners and admins upload import files" on storage.objects for insert to authenticated
  with check (bucket_id = 'imports' and (storage.foldername(name))[1] in
    (select l::text from private.my_locations('owner', 'admin') l));
create policy "owners and admins read import files" on storage.objects for select to authenticated
  using (bucket_id = 'imports' and (storage.foldername(name))[1] in
    (select l::text from private.my_locations('owner', 'admin') l));
create policy "owners and admins remove import files that became nothing" on storage.objects for delete to authenticated
  using (bucket_id = 'imports' and (storage.foldername(name))[1] in
    (select l::text from private.my_locations('owner', 'admin') l)
    and not exists (select 1 from public.imports i where i.file_path = name));
create index imports_file_path on public.imports (file_path);
