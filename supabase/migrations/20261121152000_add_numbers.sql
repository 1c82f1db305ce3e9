-- Our numbers are added by an owner, or by the operator's command, and not by SQL. Retired and renamed they are by the table.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- What came for it before is taken up again: number_known, on phone_numbers.
create function private.bring_number(p_location uuid, p_e164 text, p_label text) returns text language plpgsql set search_path = '' as $$
declare
  n public.phone_numbers;
  v_label text := nullif(btrim(p_label), '');
begin
  -- Our rules about hours and consent are American: a number of another country would text by none of its own.
  if p_e164 is null or p_e164 !~ '^\+1[2-9]\d{2}[2-9]\d{6}$' then
    perform private.refuse(422, 'invalid_phone', 'p_e164 is no number of the United States or Canada.', 'Write it like +16175550123.');
  elsif length(v_label) > 100 then
    perform private.refuse(422, 'invalid_value', 'p_label may have 100 characters at most.', 'Say in a word or two what the number is for.');
  end if;
  insert into public.phone_numbers (location_id, e164, label) values (p_location, p_e164, v_label) on conflict (e164) do nothing;
  if found then return 'added'; end if;
  select * into strict n from public.phone_numbers where e164 = p_e164 for update;
  if n.location_id <> p_location then
    perform private.refuse(409, 'number_elsewhere', format('%s belongs to another location.', p_e164), 'Whoever owns it there can remove it, as long as nothing was said by it.');
  elsif n.is_active and n.is_health then
    perform private.refuse(409, 'health_number', format('%s checks that texts arrive, and serves nobody.', p_e164), 'Take it out of OPENPHONE_HEALTH_NUMBER first.');
  elsif n.is_active then
    return 'kept';
  end if;
  -- The label of a number that only checked says nothing of one that serves.
  update public.phone_numbers set is_active = true, is_health = false, label = coalesce(v_label, case when not is_health then label end)
    where id = n.id;
  return 'resumed';
end $$;
comment on function private.bring_number is 'added, resumed (it was retired), or kept: it was here and in use.';

-- A year of another line's webhooks is taken up in one statement: 36 µs each, and eight seconds are not enough for 250,000.
create function public.add_number(p_location uuid, p_e164 text, p_label text default null) returns public.phone_numbers
language plpgsql security definer set search_path = '' set statement_timeout = '60s' as $$
declare n public.phone_numbers;
begin
  perform private.require_role(p_location, 'owner');
  if private.bring_number(p_location, p_e164, p_label) = 'kept' then
    perform private.refuse(409, 'number_exists', format('%s is here already.', p_e164), 'Change its label in phone_numbers.');
  end if;
  select * into strict n from public.phone_numbers where e164 = p_e164;
  return n;
end $$;
comment on function public.add_number is 'A number of ours, or a retired one again; what webhooks told of it before is taken up. To retire it, set is_active to false.';

-- For one that was added by mistake: what was said by a number stays, and so does the number.
create function public.remove_number(p_number uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  delete from public.phone_numbers where id = p_number and location_id in (select private.my_locations('owner'));
  if not found then perform private.refuse(404, 'not_found', 'No such number.'); end if;
exception when foreign_key_violation then
  perform private.refuse(409, 'number_in_use', 'Texts or calls went by this number, and they stay.', 'Retire it: set is_active to false.');
end $$;
comment on function public.remove_number is 'Takes out a number by which nothing was said yet.';

create function public.connect_number(p_location uuid, p_e164 text, p_label text, p_openphone_id text) returns text
language plpgsql security definer set search_path = '' set statement_timeout = '60s' as $$
declare v_outcome text := private.bring_number(p_location, p_e164, p_label);
begin
  perform private.our_number(p_e164, p_openphone_id);
  return v_outcome;
end $$;
comment on function public.connect_number is 'For the operator''s command: the same again changes nothing. added, resumed or kept.';

revoke execute on function public.add_number(uuid, text, text), public.remove_number(uuid), public.connect_number(uuid, text, text, text) from public;
grant execute on function public.add_number(uuid, text, text), public.remove_number(uuid) to authenticated;
grant execute on function public.connect_number(uuid, text, text, text) to service_role;
