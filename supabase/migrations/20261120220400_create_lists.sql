-- Lists: whom to text. Deleting or archiving one never touches its people or houses.
set lock_timeout = '4s';

create table public.lists (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  name text not null check (btrim(name) <> '' and length(name) <= 200), description text,
  source text not null default 'other' check (source in ('property_radar', 'manual_upload', 'api_import', 'other')),
  status text not null default 'completed' check (status in ('uploading', 'processing', 'completed', 'failed', 'archived')),
  is_dynamic boolean not null default false, filter_criteria jsonb,
  original_filename text, created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id)
);
create unique index lists_location_name on public.lists (location_id, lower(name));
create index lists_created_by on public.lists (created_by) where created_by is not null;

create table public.list_members (
  list_id uuid not null, contact_id uuid not null,
  location_id uuid not null,
  property_id uuid,
  status text not null default 'active' check (status in ('active', 'removed', 'suppressed')),
  import_id uuid, import_row_no int, added_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (list_id, contact_id),
  foreign key (list_id, location_id) references public.lists (id, location_id) on delete cascade,
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete cascade,
  foreign key (property_id, location_id) references public.properties (id, location_id) on delete set null (property_id)
);
comment on column public.list_members.status is 'suppressed: in the list, but may not be texted (opted out or flagged).';
create index list_members_contact on public.list_members (contact_id);
create index list_members_property on public.list_members (property_id) where property_id is not null;
create index list_members_location on public.list_members (location_id);
create index list_members_added_by on public.list_members (added_by) where added_by is not null;

alter table public.properties add foreign key (source_list_id, location_id)
  references public.lists (id, location_id) on delete set null (source_list_id);
alter table public.property_contacts add foreign key (source_list_id, location_id)
  references public.lists (id, location_id) on delete set null (source_list_id);

create trigger set_updated_at before update on public.lists for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.list_members for each row execute function private.set_updated_at();

create view public.list_summaries with (security_invoker = true) as
select l.id, l.location_id, l.name, l.source, l.status, l.created_at,
  m.active, m.suppressed, m.removed, m.active + m.suppressed as members
from public.lists l
left join lateral (select count(*) filter (where status = 'active') as active,
    count(*) filter (where status = 'suppressed') as suppressed, count(*) filter (where status = 'removed') as removed
  from public.list_members m where m.list_id = l.id) m on true;
comment on view public.list_summaries is 'Each list with its members counted: active may be texted as far as lists know, suppressed may not.';

alter table public.lists enable row level security;
alter table public.list_members enable row level security;
create policy "the office and the marketer read lists" on public.lists for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin', 'marketer'))));
create policy "owners and admins add" on public.lists for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.lists for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.list_members for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins add" on public.list_members for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.list_members for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));

grant select on public.lists, public.list_members, public.list_summaries to authenticated;
grant insert (id, location_id, name, description, source, is_dynamic, filter_criteria) on public.lists to authenticated;
grant update (name, description, status, is_dynamic, filter_criteria) on public.lists to authenticated;
grant insert (list_id, contact_id, location_id, property_id, status) on public.list_members to authenticated;
grant update (status, property_id) on public.list_members to authenticated;
grant select, insert, update, delete on public.lists, public.list_members to service_role;
grant select on public.list_summaries to service_role;
