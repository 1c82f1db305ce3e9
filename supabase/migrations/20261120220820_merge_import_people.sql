-- The merge, its people: found by number or by house and name, made, completed, linked to their houses.
set lock_timeout = '4s';

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
       order by l.created_at, c.created_at, c.id limit 1)) as id offset 0) m)
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
  perform set_config('private.spread_by_import', 'on', true);
  with fresh as (
    select * from private.import_stage_people s
    where s.import_id = p_import.id and s.stage_no = p_stage and s.contact_outcome = 'created' and s.link_outcome is null
  ), people as (
    insert into public.contacts (id, location_id, first_name, last_name, display_name, is_entity, phone, email, lead_source,
      created_at, updated_at)
    select s.contact_id, p_import.location_id, s.data ->> 'first_name', s.data ->> 'last_name', s.data ->> 'display_name',
      coalesce((s.data ->> 'is_entity')::boolean, false), s.phone, s.email, p_import.format,
      v_now + row_number() over file * interval '1 microsecond', v_now + row_number() over file * interval '1 microsecond'
    from fresh s window file as (order by s.row_no, s.slot) order by s.phone, s.row_no, s.slot
  ), phones as (
    insert into public.contact_phones (location_id, contact_id, phone, is_primary, source, source_status)
    select p_import.location_id, s.contact_id, s.phone, true, p_import.format, s.data ->> 'phone_status'
    from fresh s where s.phone is not null order by s.phone
  )
  insert into public.contact_emails (location_id, contact_id, email, source, source_status, source_hash)
  select p_import.location_id, s.contact_id, s.email, p_import.format, s.data ->> 'email_status', s.data ->> 'email_hash'
  from fresh s where s.email is not null;
  perform set_config('private.spread_by_import', '', true);
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
