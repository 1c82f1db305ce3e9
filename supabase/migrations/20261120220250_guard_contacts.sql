-- What keeps contacts true (copies, cards, remembered edits) and who may touch them.
set lock_timeout = '4s';

create function private.contact_by_phone(p_location uuid, p_phone text) returns uuid
language sql stable security definer set search_path = '' as $$
  select contact_id from public.contact_phones where location_id = p_location and phone = p_phone
$$;
comment on function private.contact_by_phone is 'The only lookup of a person by number (E.164), per location.';

create function private.raise_phone_taken(p_phone text) returns void language plpgsql volatile set search_path = '' as $$
begin
  raise unique_violation using message = 'phone_taken', constraint = 'contact_phones_unique',
    detail = format('%s belongs to another person of this location.', p_phone), hint = 'Open that person, or merge the two.';
end $$;
grant execute on function private.raise_phone_taken(text) to authenticated;

-- Columns a signed-in person typed are remembered, so that no import overwrites them.
create function private.remember_edits() returns trigger language plpgsql set search_path = '' as $$
declare
  v_old jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
  v_edited text[];
begin
  select array_agg(key order by key) into v_edited from jsonb_each(to_jsonb(new)) n
    where key not in ('id', 'location_id', 'created_at', 'updated_at', 'deleted_at', 'created_by', 'edited_fields', 'name_key',
                      'address_norm', 'city_norm', 'metadata', 'source')
      and n.value is distinct from coalesce(v_old -> key, 'null')
      and not (tg_op = 'INSERT' and (n.value in ('null', 'false', '{}', '[]')
        or jsonb '{"contact_type": "homeowner", "customer_type": "prospect", "state": "MA"}' @> jsonb_build_object(key, n.value)));
  new.edited_fields := array(select distinct e from unnest(case when tg_op = 'UPDATE' then old.edited_fields else '{}' end || v_edited) e
                             where e is not null order by e);
  return new;
end $$;
create trigger "10_remember_edits" before insert or update on public.contacts for each row
  when (auth.uid() is not null) execute function private.remember_edits();
-- The same refusal for a number another person is known by as for one of his others. As the caller, so that it tells of nobody
-- whom the caller may not see.
create function private.refuse_taken_phone() returns trigger language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from public.contact_phones n
      where n.location_id = new.location_id and n.phone = new.phone and n.contact_id <> new.id) then
    perform private.raise_phone_taken(new.phone);
  end if;
  return new;
end $$;
create trigger "15_refuse_taken_phone" before insert or update of phone on public.contacts for each row
  when (auth.uid() is not null and new.phone is not null) execute function private.refuse_taken_phone();
create trigger "20_set_updated_at" before update on public.contacts for each row execute function private.set_updated_at();
create trigger "90_audit" after update or delete on public.contacts for each row
  when (auth.uid() is not null) execute function private.audit();

create trigger set_updated_at before update on public.companies for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.contact_phones for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.contact_emails for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.contact_flags for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.tags for each row execute function private.set_updated_at();
create trigger set_updated_at before update on public.notes for each row execute function private.set_updated_at();

-- contacts.phone, contacts.email → the tables that hold every number and address.
-- An import writes numbers and e-mails itself, with their source, and a card comes with the link: nothing is left to spread.
create function private.spread_new_contacts() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('private.spread_by_import', true) = 'on' then return null; end if;
  insert into public.contact_phones (location_id, contact_id, phone, is_primary, source)
    select location_id, id, phone, true, lead_source from new_rows where phone is not null
    on conflict (location_id, phone) do nothing;
  perform private.refuse_taken_phones(array(select id from new_rows where phone is not null));
  insert into public.contact_emails (location_id, contact_id, email, source)
    select location_id, id, lower(btrim(email)), lead_source from new_rows where btrim(email) <> '' on conflict do nothing;
  insert into public.contact_cards (contact_id, location_id, first_name)
    select id, location_id, first_name from new_rows where deleted_at is null on conflict do nothing;
  return null;
end $$;

create function private.refuse_taken_phones(p_contacts uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
declare v_phone text;
begin
  select c.phone into v_phone from public.contacts c join public.contact_phones n using (location_id, phone)
    where c.id = any (p_contacts) and n.contact_id <> c.id limit 1;
  if found then perform private.raise_phone_taken(v_phone); end if;
end $$;

create function private.spread_changed_contacts() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_numberless uuid[] := array(select c.id from new_rows c join old_rows o on o.id = c.id where c.phone is null and o.phone is not null);
begin
  delete from public.contact_phones n using old_rows o join new_rows c on c.id = o.id
    where c.phone is null and o.phone is not null and n.contact_id = c.id and n.phone = o.phone;
  update public.contact_phones n set is_primary = false from new_rows c
    where n.contact_id = c.id and n.is_primary and c.phone is not null and n.phone <> c.phone;
  insert into public.contact_phones (location_id, contact_id, phone, is_primary, source)
    select c.location_id, c.id, c.phone, true, 'manual' from new_rows c join old_rows o on o.id = c.id
    where c.phone is distinct from o.phone and c.phone is not null
    on conflict (location_id, phone) do update set is_primary = true
      where contact_phones.contact_id = excluded.contact_id and not contact_phones.is_primary;
  perform private.refuse_taken_phones(array(select c.id from new_rows c join old_rows o on o.id = c.id
    where c.phone is distinct from o.phone and c.phone is not null));
  insert into public.contact_emails (location_id, contact_id, email, source)
    select c.location_id, c.id, lower(btrim(c.email)), 'manual' from new_rows c join old_rows o on o.id = c.id
    where c.email is distinct from o.email and btrim(c.email) <> '' on conflict do nothing;
  perform private.refresh_cards(array(select c.id from new_rows c join old_rows o on o.id = c.id
    where (c.first_name, c.deleted_at) is distinct from (o.first_name, o.deleted_at)));
  -- Who loses the number he is known by is known by the next one, if he has one.
  if cardinality(v_numberless) > 0 then perform private.copy_primary_phone(v_numberless); end if;
  return null;
end $$;
create trigger spread_new after insert on public.contacts referencing new table as new_rows
  for each statement execute function private.spread_new_contacts();
create trigger spread_changed after update on public.contacts referencing old table as old_rows new table as new_rows
  for each statement execute function private.spread_changed_contacts();

-- … and back: the number a person is known by is the primary one, else the oldest.
create function private.copy_primary_phone(p_contacts uuid[]) returns void
language sql security definer set search_path = '' as $$
  update public.contacts c set phone = n.phone
  from unnest(p_contacts) x (id)
  left join lateral (select phone from public.contact_phones where contact_id = x.id
                     order by is_primary desc, created_at, phone limit 1) n on true
  where c.id = x.id and c.phone is distinct from n.phone
$$;

-- Only for writes to contact_phones themselves: a write that came from contacts has already said which number is the one.
create function private.phones_written() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if pg_trigger_depth() > 1 or current_setting('private.spread_by_import', true) = 'on' then return null; end if;
  perform private.copy_primary_phone(array(select distinct contact_id from new_rows));
  return null;
end $$;
create function private.phones_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if pg_trigger_depth() > 1 then return null; end if;
  -- A number that goes to another person first leaves the one who had it.
  perform private.copy_primary_phone(array(select o.contact_id from old_rows o except select n.contact_id from new_rows n));
  perform private.copy_primary_phone(array(select distinct contact_id from new_rows));
  return null;
end $$;
create function private.phones_removed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if pg_trigger_depth() > 1 then return null; end if;
  perform private.copy_primary_phone(array(select distinct contact_id from old_rows));
  return null;
end $$;
create trigger copy_primary_added after insert on public.contact_phones referencing new table as new_rows
  for each statement execute function private.phones_written();
create trigger copy_primary_changed after update on public.contact_phones referencing old table as old_rows new table as new_rows
  for each statement execute function private.phones_changed();
create trigger copy_primary_removed after delete on public.contact_phones referencing old table as old_rows
  for each statement execute function private.phones_removed();

alter table public.companies enable row level security;
alter table public.contacts enable row level security;
alter table public.contact_cards enable row level security;
alter table public.contact_phones enable row level security;
alter table public.contact_emails enable row level security;
alter table public.contact_flags enable row level security;
alter table public.tags enable row level security;
alter table public.contact_tags enable row level security;
alter table public.notes enable row level security;

-- The office tables share one rule: owners and admins of the location, and nobody else.
do $$
declare t text;
begin
  foreach t in array array['companies', 'contacts', 'contact_phones', 'contact_emails', 'contact_flags', 'tags', 'contact_tags', 'notes'] loop
    execute format('create policy "owners and admins read" on public.%I for select to authenticated
      using (location_id = any (array(select private.my_locations(''owner'', ''admin''))))', t);
    execute format('create policy "owners and admins add" on public.%I for insert to authenticated
      with check (location_id = any (array(select private.my_locations(''owner'', ''admin''))))', t);
    execute format('create policy "owners and admins change" on public.%I for update to authenticated
      using (location_id = any (array(select private.my_locations(''owner'', ''admin''))))
      with check (location_id = any (array(select private.my_locations(''owner'', ''admin''))))', t);
  end loop;
  -- People and companies are never deleted for good, only marked (deleted_at).
  foreach t in array array['contact_phones', 'contact_emails', 'contact_flags', 'tags', 'contact_tags', 'notes'] loop
    execute format('create policy "owners and admins delete" on public.%I for delete to authenticated
      using (location_id = any (array(select private.my_locations(''owner'', ''admin''))))', t);
  end loop;
end $$;
-- A recorded opt-out is lifted by revoke_opt_out or the person's own START, not by taking the flag away.
create policy "nobody adds opted_out by hand" on public.contact_flags as restrictive for insert to authenticated
  with check (flag <> 'opted_out');
create policy "nobody changes opted_out by hand" on public.contact_flags as restrictive for update to authenticated
  using (flag <> 'opted_out');
create policy "nobody deletes opted_out by hand" on public.contact_flags as restrictive for delete to authenticated
  using (flag <> 'opted_out');
create trigger audit after insert or update or delete on public.contact_flags for each row
  when (auth.uid() is not null) execute function private.audit();
create policy "the office and the marketer read cards" on public.contact_cards for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin', 'marketer'))));

grant select on public.companies, public.contacts, public.contact_cards, public.contact_phones, public.contact_emails,
  public.contact_flags, public.tags, public.contact_tags, public.notes to authenticated;
-- Never location_id or contact_id by update: a row stays where, and with whom, it was made. Never created_by: nobody writes as another.
grant insert (id, location_id, name, phone, email, website, notes), update (name, phone, email, website, notes, deleted_at)
  on public.companies to authenticated;
grant insert (id, location_id, contact_id, phone, label, is_primary), update (phone, label, is_primary)
  on public.contact_phones to authenticated;
grant insert (id, location_id, contact_id, email), update (email) on public.contact_emails to authenticated;
grant insert (id, location_id, contact_id, phone, flag, reason, applies_to, expires_at), update (reason, applies_to, expires_at)
  on public.contact_flags to authenticated;
grant insert (id, location_id, name, color), update (name, color) on public.tags to authenticated;
grant insert (contact_id, tag_id, location_id) on public.contact_tags to authenticated;
grant insert (id, location_id, contact_id, body), update (body) on public.notes to authenticated;
grant delete on public.contact_phones, public.contact_emails, public.contact_flags, public.tags, public.contact_tags, public.notes
  to authenticated;
-- Columns the system keeps (aliases, money, vendor ids, edited_fields) are not the browser's to write.
grant insert (id, location_id, company_id, first_name, last_name, display_name, phone, email, contact_type, customer_type, is_entity,
  is_employee, lead_source, notes, customer_since, channel_preferences, metadata) on public.contacts to authenticated;
grant update (company_id, first_name, last_name, display_name, aliases, phone, email, contact_type, customer_type, is_entity,
  is_employee, lead_source, notes, customer_since, channel_preferences, metadata, deleted_at) on public.contacts to authenticated;
grant select, insert, update, delete on public.companies, public.contacts, public.contact_cards, public.contact_phones,
  public.contact_emails, public.contact_flags, public.tags, public.contact_tags, public.notes to service_role;
grant execute on function private.contact_by_phone(uuid, text) to service_role;
