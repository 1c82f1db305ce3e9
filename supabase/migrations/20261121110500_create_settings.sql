-- What a location and a person may set, each key described as data; and the record of who took data out.
set lock_timeout = '4s';

create table public.setting_kinds (
  key text primary key check (key ~ '^[a-z][a-z0-9_]*$'),
  scope text not null check (scope in ('location', 'user')),
  kind text not null check (kind in ('string', 'number', 'boolean')),
  default_value jsonb not null,
  allowed jsonb check (jsonb_typeof(allowed) = 'array'),
  minimum numeric, maximum numeric, max_length int,
  description text not null,
  unique (key, scope),
  check (jsonb_typeof(default_value) = kind)
);
comment on table public.setting_kinds is 'Every setting there is, with its default. A migration adds one with the code that reads it.';
comment on column public.setting_kinds.scope is 'location: in settings, by owners and admins. user: in preferences, by each for himself.';
insert into public.setting_kinds (key, scope, kind, default_value, allowed, minimum, maximum, max_length, description) values
  ('brand_name', 'location', 'string', '""', null, null, null, 60, 'How the business names itself to customers; empty: the location''s name.'),
  ('week_starts_on', 'location', 'string', '"sunday"', '["sunday","monday"]', null, null, null, 'First day of a week on calendars.'),
  ('theme', 'user', 'string', '"system"', '["system","light","dark"]', null, null, null, 'Colours of the screen.'),
  ('start_page', 'user', 'string', '"dashboard"', '["dashboard","inbox","contacts","campaigns"]', null, null, null, 'What opens after signing in.'),
  ('rows_per_page', 'user', 'number', '50', null, 10, 200, null, 'Length of a list''s page.'),
  ('time_format', 'user', 'string', '"12h"', '["12h","24h"]', null, null, null, 'How times are written.');

create table public.settings (
  location_id uuid not null references public.locations (id) on delete cascade,
  key text not null, scope text not null default 'location' check (scope = 'location'),
  value jsonb not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (location_id, key),
  foreign key (key, scope) references public.setting_kinds (key, scope) on update cascade
);
create index settings_key on public.settings (key, scope);

create table public.preferences (
  user_id uuid not null default auth.uid() references public.profiles (id) on delete cascade,
  location_id uuid not null references public.locations (id) on delete cascade,
  key text not null, scope text not null default 'user' check (scope = 'user'),
  value jsonb not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (user_id, location_id, key),
  foreign key (key, scope) references public.setting_kinds (key, scope) on update cascade
);
create index preferences_key on public.preferences (key, scope);
create index preferences_location on public.preferences (location_id);

create table public.exports (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id) on delete cascade,
  kind text not null check (kind in ('import_rows')),
  subject_id uuid, filters jsonb not null default '{}',
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now()
);
comment on table public.exports is 'Written before the first byte leaves: who took people''s data out of the house, which, and when.';
create index exports_location on public.exports (location_id, created_at desc);
create index exports_created_by on public.exports (created_by) where created_by is not null;

create function private.check_setting() returns trigger language plpgsql security definer set search_path = '' as $$
declare k public.setting_kinds; v_wrong text;
begin
  select * into k from public.setting_kinds where key = new.key and scope = new.scope;
  v_wrong := case
    when k.key is null then format('There is no %s setting %L.', new.scope, left(new.key, 60))
    when jsonb_typeof(new.value) <> k.kind then format('%s must be a %s.', new.key, k.kind)
    when not coalesce(k.allowed @> jsonb_build_array(new.value), true) then format('%s must be one of %s.', new.key, k.allowed)
    when k.kind = 'number' and (new.value #>> '{}')::numeric % 1 <> 0 then format('%s must be a whole number.', new.key)
    when k.kind = 'number' and not coalesce((new.value #>> '{}')::numeric between k.minimum and k.maximum, true)
      then format('%s must lie between %s and %s.', new.key, k.minimum, k.maximum)
    when length(new.value #>> '{}') > coalesce(k.max_length, 200) then format('%s is longer than %s.', new.key, coalesce(k.max_length, 200))
  end;
  if v_wrong is not null then perform private.refuse(422, 'invalid_setting', v_wrong, 'See the table setting_kinds.'); end if;
  return new;
end $$;
create trigger "10_check_setting" before insert or update on public.settings for each row execute function private.check_setting();
create trigger "10_check_setting" before insert or update on public.preferences for each row execute function private.check_setting();
create trigger set_updated_at before update on public.settings for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.preferences for each row execute function private.set_updated_at();
create trigger audit after insert or update or delete on public.settings for each row execute function private.audit();
create trigger audit after insert or update or delete on public.exports for each row execute function private.audit();

create function public.my_settings(p_location uuid) returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin', 'marketer', 'technician');
  return (select jsonb_object_agg(k.key, coalesce(p.value, s.value, k.default_value)) from public.setting_kinds k
    left join public.settings s on s.location_id = p_location and s.key = k.key
    left join public.preferences p on p.location_id = p_location and p.user_id = auth.uid() and p.key = k.key);
end $$;
comment on function public.my_settings is 'Every setting''s value for the caller there: his own, the location''s, else the default.';

create function public.save_setting(p_location uuid, p_key text, p_value jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if jsonb_typeof(coalesce(p_value, 'null')) = 'null' then
    delete from public.settings where location_id = p_location and key = p_key;
  else
    insert into public.settings (location_id, key, value) values (p_location, p_key, p_value)
      on conflict (location_id, key) do update set value = excluded.value;
  end if;
  return public.my_settings(p_location);
end $$;
comment on function public.save_setting is 'For the whole location; null goes back to the default. Answers with every setting''s value.';

create function public.save_preference(p_location uuid, p_key text, p_value jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin', 'marketer', 'technician');
  if jsonb_typeof(coalesce(p_value, 'null')) = 'null' then
    delete from public.preferences where location_id = p_location and user_id = auth.uid() and key = p_key;
  else
    insert into public.preferences (location_id, user_id, key, value) values (p_location, auth.uid(), p_key, p_value)
      on conflict (user_id, location_id, key) do update set value = excluded.value;
  end if;
  return public.my_settings(p_location);
end $$;
comment on function public.save_preference is 'For the caller alone, at one location; null goes back to the default.';

create function public.begin_export(p_kind text, p_subject uuid, p_filters jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_location uuid; v_id uuid;
begin
  if p_kind is distinct from 'import_rows' then
    perform private.refuse(422, 'invalid_value', 'p_kind is nothing that can be exported.', 'Give import_rows.');
  end if;
  select location_id into v_location from public.imports
    where id = p_subject and location_id in (select private.my_locations('owner', 'admin'));
  if not found then perform private.refuse(404, 'not_found', 'No such import.'); end if;
  insert into public.exports (location_id, kind, subject_id, filters, created_by)
    values (v_location, p_kind, p_subject, coalesce(p_filters, '{}'), auth.uid()) returning id into v_id;
  return v_id;
end $$;

alter table public.setting_kinds enable row level security;
alter table public.settings enable row level security;
alter table public.preferences enable row level security;
alter table public.exports enable row level security;
select private.limit_keys('public.setting_kinds'), private.limit_keys('public.settings'), private.limit_keys('public.preferences'),
  private.limit_keys('public.exports');
create policy "members read what can be set" on public.setting_kinds for select to authenticated
  using (exists (select 1 from private.my_locations()));
create policy "members read" on public.settings for select to authenticated
  using (location_id = any (array(select private.my_locations())));
create policy "people read their own" on public.preferences for select to authenticated
  using (user_id = (select auth.uid()) and location_id = any (array(select private.my_locations())));
create policy "owners and admins read" on public.exports for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));

grant select on public.setting_kinds, public.settings, public.preferences, public.exports to authenticated, service_role;
grant execute on function public.my_settings(uuid), public.save_setting(uuid, text, jsonb), public.save_preference(uuid, text, jsonb),
  public.begin_export(text, uuid, jsonb) to authenticated;
