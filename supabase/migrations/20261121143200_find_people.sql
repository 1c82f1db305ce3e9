-- Whom a text or call is from or to: our number, the person, the conversation. Found, or made without inventing a name; two who make
-- the same at once get one. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- By its digits first: ids change when a number is ported, digits do not. What the vendor calls it now is learnt.
create function private.our_number(p_e164 text, p_openphone_id text) returns public.phone_numbers
language plpgsql set search_path = '' as $$
declare v_row public.phone_numbers;
begin
  select * into v_row from public.phone_numbers where e164 = p_e164;
  if v_row.id is null then
    select * into v_row from public.phone_numbers where openphone_id = p_openphone_id;
  elsif p_openphone_id ~ '^PN' and v_row.openphone_id is distinct from p_openphone_id then
    update public.phone_numbers set openphone_id = null where openphone_id = p_openphone_id;
    update public.phone_numbers set openphone_id = p_openphone_id where id = v_row.id returning * into v_row;
  end if;
  return v_row;
end $$;

create function private.is_e164(p_phone text) returns boolean language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return coalesce(p_phone ~ '^\+[1-9]\d{7,14}$', false);
end $$;

create function private.contact_for_phone(p_location uuid, p_phone text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_id uuid := private.contact_by_phone(p_location, p_phone);
begin
  if v_id is not null or not private.is_e164(p_phone) or exists (select 1 from public.phone_numbers where e164 = p_phone) then
    return v_id;
  end if;
  begin
    insert into public.contacts (location_id, phone, lead_source) values (p_location, p_phone, 'openphone') returning id into v_id;
  exception when unique_violation then
    return private.contact_by_phone(p_location, p_phone); -- somebody made him a moment ago
  end;
  perform private.link_vendor_contacts(array[p_phone]);
  return v_id;
end $$;
comment on function private.contact_for_phone is 'Found, or made with nothing but the number. Null for what is no person: a short code, a withheld number, ours.';

create function private.conversation_for(p_location uuid, p_number uuid, p_phones text[], p_external_id text default null) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  v_phones text[] := array(select distinct p collate "C" from unnest(p_phones) p order by 1);
  v_contact uuid;
  v_row public.conversations;
begin
  select * into v_row from public.conversations where phone_number_id = p_number and participants = v_phones;
  if v_row.contact_id is null and cardinality(v_phones) = 1 then v_contact := private.contact_for_phone(p_location, v_phones[1]); end if;
  if v_row.id is null then
    insert into public.conversations (location_id, phone_number_id, participants, contact_id) values (p_location, p_number, v_phones, v_contact)
      on conflict (phone_number_id, participants) do nothing;
    select * into strict v_row from public.conversations where phone_number_id = p_number and participants = v_phones;
  end if;
  if (v_row.contact_id is null and v_contact is not null) or (v_row.external_id is null and p_external_id is not null) then
    update public.conversations set contact_id = coalesce(contact_id, v_contact), external_id = coalesce(external_id,
        (select p_external_id where not exists (select 1 from public.conversations o where o.external_id = p_external_id)))
      where id = v_row.id;
  end if;
  return v_row.id;
end $$;
comment on function private.conversation_for is 'Found by our number and everybody else in it, or made. The vendor''s id is kept where it is free.';

-- The vendor's names go where nobody typed or knew one, and follow the vendor while they are his.
create function private.link_vendor_contacts(p_phones text[]) returns int language plpgsql set search_path = '' as $$
declare
  v_book private.vendor_contacts;
  v_count int := 0;
begin
  for v_book in select * from private.vendor_contacts where phones && p_phones order by external_id loop
    v_count := v_count + private.link_vendor_contact(v_book, null, null);
  end loop;
  return v_count;
end $$;

-- p_first, p_last: the names the vendor gave before, which ours may still be.
create function private.link_vendor_contact(p_book private.vendor_contacts, p_first text, p_last text) returns int
language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := array(select n.contact_id from unnest(p_book.phones) with ordinality p (phone, nth)
    join public.contact_phones n on n.location_id = any (array(select id from public.locations)) and n.phone = p.phone group by n.contact_id order by min(p.nth), n.contact_id);
  v_linked uuid := case when not p_book.is_deleted then v_ids[1] end;
  v_count int;
begin
  update public.contacts set openphone_contact_id = null where openphone_contact_id = p_book.external_id and id is distinct from v_linked;
  update public.contacts c set first_name = x.first_name, last_name = x.last_name, openphone_contact_id = x.linked
    from (select id, case when t.takes then p_book.first_name else first_name end as first_name,
        case when t.takes then p_book.last_name else last_name end as last_name,
        case when id = v_linked then coalesce(openphone_contact_id, p_book.external_id) else openphone_contact_id end as linked
      from public.contacts o, lateral (select private.takes_vendor_name(o, p_first, p_last)
        and num_nonnulls(p_book.first_name, p_book.last_name) > 0 as takes) t where id = any (v_ids)) x
    where c.id = x.id and (c.first_name, c.last_name, c.openphone_contact_id) is distinct from (x.first_name, x.last_name, x.linked);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

create function private.takes_vendor_name(p_contact public.contacts, p_first text, p_last text) returns boolean
language sql immutable set search_path = '' as $$
  select not p_contact.is_entity and p_contact.display_name is null
    and not p_contact.edited_fields && '{first_name,last_name,display_name}'::text[]
    and ((p_contact.first_name is null and p_contact.last_name is null)
      or (num_nonnulls(p_first, p_last) > 0 and (p_contact.first_name, p_contact.last_name) is not distinct from (p_first, p_last)))
$$;

revoke execute on function private.contact_for_phone(uuid, text), private.conversation_for(uuid, uuid, text[], text) from public;
