-- Keys for programs, and what a scope opens.
-- A key acts as the person who made it, at one location, within its scopes. Only its sha256 is kept.
set lock_timeout = '4s';

create table public.api_keys (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  name text not null check (btrim(name) <> '' and length(name) <= 100),
  prefix text not null unique check (prefix ~ '^aac_[0-9a-f]{8}$'),
  secret_hash text not null unique check (secret_hash ~ '^[0-9a-f]{64}$'),
  scopes text[] not null check (cardinality(scopes) > 0),
  expires_at timestamptz not null, last_used_at timestamptz, revoked_at timestamptz,
  rotated_to uuid references public.api_keys (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  check (expires_at <= created_at + interval '366 days')
);
comment on column public.api_keys.prefix is 'The part of the key that may be shown, to tell keys apart.';
comment on column public.api_keys.last_used_at is 'To the minute, and only of uses through the API, not of direct reads.';
create index api_keys_location on public.api_keys (location_id, created_at desc);
create index api_keys_user on public.api_keys (user_id);
create index api_keys_rotated_to on public.api_keys (rotated_to) where rotated_to is not null;

create table public.api_scopes (
  scope text not null check (scope ~ '^[a-z_]+:(read|write)$'),
  resource text not null,
  may_write boolean not null default false,
  primary key (scope, resource)
);
comment on table public.api_scopes is 'Which tables and views a scope opens, as data. A table that is not here is closed to every key.';
create table public.api_scope_functions (
  scope text not null, function text not null,
  primary key (scope, function)
);
comment on table public.api_scope_functions is 'Which functions a scope opens. A function that is not here is closed to every key.';

insert into public.api_scopes (scope, resource, may_write)
  select area || ':' || verb, resource, verb = 'write'
  from (values ('contacts', '{contacts,contact_cards,contact_phones,contact_emails,contact_flags,companies,tags,contact_tags,notes}'::text[]),
      ('properties', '{properties,property_contacts}'), ('lists', '{lists,list_members,list_summaries}'),
      ('opt_outs', '{opt_outs,opt_out_events,consents}'), ('imports', '{imports,import_batches,import_rows,import_people}')) a (area, resources),
    unnest(resources) resource, unnest('{read,write}'::text[]) verb;
insert into public.api_scope_functions values ('imports:write', 'cancel_import'), ('imports:read', 'begin_export');

alter table public.api_keys enable row level security;
alter table public.api_scopes enable row level security;
alter table public.api_scope_functions enable row level security;
create trigger set_updated_at before update on public.api_keys for each row execute function private.set_updated_at();
create trigger audit after insert or update of name, scopes, expires_at, revoked_at, rotated_to or delete on public.api_keys
  for each row execute function private.audit();

create function private.key_id() returns uuid language sql stable set search_path = '' as $$
  select (auth.jwt() ->> 'api_key')::uuid
$$;
-- True for people. For a key: does one of its scopes open the table, for writing when the request writes?
create function private.key_may(p_resource text) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return v_claims ->> 'api_key' is null or exists (
    select 1 from public.api_scopes s
    where s.resource = p_resource and v_claims -> 'scopes' ? s.scope
      and (s.may_write or current_setting('request.method', true) in ('GET', 'HEAD')));
end $$;
comment on function private.key_may is 'The one condition of every table''s restrictive policy; it holds through embeds too.';

create function private.limit_keys(p_table regclass) returns void language plpgsql set search_path = '' as $$
begin
  execute format('create policy "programs keep to their scopes" on %s as restrictive for all to authenticated
    using ((select private.key_may(%L)))', p_table, (select relname from pg_catalog.pg_class where oid = p_table));
end $$;
comment on function private.limit_keys is 'Every table of public gets this in the migration that makes it (supabase/tests notices).';
do $$
declare t regclass;
begin
  for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname loop
    perform private.limit_keys(t);
  end loop;
end $$;

grant execute on function private.key_id(), private.key_may(text) to authenticated, service_role;
grant select on public.api_scopes, public.api_scope_functions to authenticated, service_role;
grant select (id, location_id, user_id, name, prefix, scopes, expires_at, last_used_at, revoked_at, rotated_to, created_at, updated_at)
  on public.api_keys to authenticated;
grant select on public.api_keys to service_role;
