-- Search: people by name, number, e-mail, street or town for the office; by first name and town for the marketer.
-- Under RLS no index serves LIKE (it is not leakproof: 680 ms at 1,000,000 people), so these are definers that ask for the role
-- themselves. What the indexes cost an import: docs/benchmarks.md. They are built while nobody can write to people or houses.
set lock_timeout = '4s';

create extension if not exists btree_gin with schema extensions;

-- Words as compared: upper case, no accents, letters and digits. O'Brien is one word, Smith-Jones are two.
create function private.search_words(p_text text) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare v_text text := upper(p_text);
begin
  if octet_length(v_text) > length(v_text) then
    v_text := regexp_replace(normalize(translate(v_text, '’‘`´ØŁĐÐ', '''''''''OLDD'), nfd), '[\u0300-\u036f]', '', 'g');
    v_text := replace(replace(replace(v_text, 'Æ', 'AE'), 'Œ', 'OE'), 'ß', 'SS');
  end if;
  return btrim(regexp_replace(replace(v_text, '''', ''), '[^[:alnum:]]+', ' ', 'g'));
end $$;
-- All a person is called, between blanks, so that the beginning and the end of a word can be asked for.
create function private.search_name(p_display text, p_first text, p_last text, p_aliases text[]) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return ' ' || private.search_words(concat_ws(' ', p_display, p_first, p_last, array_to_string(p_aliases, ' '))) || ' ';
end $$;
grant execute on function private.search_words(text), private.search_name(text, text, text, text[]) to authenticated, service_role;

-- The plain names of nearly everybody are spelled out here: calling a function for each would double what an import pays.
create index contacts_search on public.contacts using gin (location_id, (
  case when aliases = '{}' and octet_length(display_name) = length(display_name) and strpos(display_name, '''') = 0
      and strpos(name_key, upper(coalesce(first_name, ''))) > 0 and strpos(name_key, upper(coalesce(last_name, ''))) > 0
    then ' ' || name_key || ' ' else private.search_name(display_name, first_name, last_name, aliases) end) extensions.gin_trgm_ops)
  where deleted_at is null;
-- Partial, so that a query by location alone cannot take them: of equal plans the planner takes the newest index, and in tables
-- without statistics all are equal. A foreign key was then checked by reading every house of its location.
create index contact_cards_search on public.contact_cards (location_id, (
  case when first_name ~ '^[A-Za-z]*$' then upper(first_name) else private.search_words(first_name) end) text_pattern_ops)
  where first_name is not null;
create index contact_phones_last_four on public.contact_phones (location_id, right(phone, 4)) where right(phone, 4) is not null;
create index properties_location_street on public.properties
  (location_id, substr(address_norm, strpos(address_norm, ' ') + 1) text_pattern_ops) where address_norm <> '';
-- The same columns, in the order that serves beginnings whatever the database's collation is.
drop index public.contact_emails_email;
create index contact_emails_email on public.contact_emails (location_id, email text_pattern_ops);

-- Each way to find people gives up to 200, ranked: 1 is a whole number or e-mail, 2 a whole name, 8 a town. `shown` is the number or
-- e-mail that matched. They run as their caller, are granted to nobody, and take words and digits only, so nothing is to be escaped
-- but an e-mail. Plans are made for the values of each call: what is right for a rare name is wrong for a common one.
create type private.search_hit as (contact_id uuid, rank int, matched_by text, shown text, property_id uuid);

-- Words in any order. Beginnings of words come with whole ones, ranked; where that is too many, whole ones are asked for alone, and
-- where it is too few, parts of words (of three letters on).
create function private.search_by_name(p_location uuid, p_words text[], p_towns text[], p_enough int) returns setof private.search_hit
language plpgsql stable set search_path = '' as $$
declare
  v_whole constant text := (select string_agg(format('x.name like %L', '% ' || w || ' %'), ' and ') from unnest(p_words) w);
  v_starts constant text := (select string_agg(format('x.name like %L', '% ' || w || '%'), ' and ') from unnest(p_words) w);
  v_parts constant text := (select string_agg(format('x.name like %L', case when length(w) < 3 then '% ' else '%' end || w || '%'), ' and ')
    from unnest(p_words) w);
  v_query constant text := $q$ select x.id, %s, 'name', null::text, null::uuid from (
      select c.id, case when c.aliases = '{}' and octet_length(c.display_name) = length(c.display_name) and strpos(c.display_name, '''') = 0
          and strpos(c.name_key, upper(coalesce(c.first_name, ''))) > 0 and strpos(c.name_key, upper(coalesce(c.last_name, ''))) > 0
        then ' ' || c.name_key || ' ' else private.search_name(c.display_name, c.first_name, c.last_name, c.aliases) end as name
      from public.contacts c where c.location_id = $1 and c.deleted_at is null) x where %s and ($2 is null or exists (
        select 1 from public.contact_cards k where k.contact_id = x.id and k.city = any ($2))) limit 200 $q$;
  v_found int;
begin
  return query execute format(v_query, format('case when %s then 2 else 4 end', v_whole), v_starts) using p_location, p_towns;
  get diagnostics v_found = row_count;
  if v_found = 200 then
    return query execute format(v_query, '2', v_whole) using p_location, p_towns;
  elsif v_found < p_enough then
    return query execute format(v_query, '6', v_parts) using p_location, p_towns;
  end if;
end $$;

-- However it is typed: the end of a number (four digits on), or its beginning.
create function private.search_by_number(p_location uuid, p_text text) returns setof private.search_hit
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_digits text := regexp_replace(p_text, '\D', '', 'g');
  v_start text;
begin
  if length(v_digits) not between 4 and 15 or p_text ~ '[^-+0-9 ()./]' then return; end if;
  return query select n.contact_id, case when n.phone in ('+' || v_digits, '+1' || v_digits) then 1 else 3 end, 'phone', n.phone, null::uuid
    from public.contact_phones n join public.contacts c on c.id = n.contact_id and c.deleted_at is null
    where n.location_id = p_location and right(n.phone, 4) = right(v_digits, 4) and right(n.phone, length(v_digits)) = v_digits limit 200;
  foreach v_start in array array['+' || v_digits, '+1' || v_digits] loop
    return query select n.contact_id, 5, 'phone', n.phone, null::uuid
      from public.contact_phones n join public.contacts c on c.id = n.contact_id and c.deleted_at is null
      where n.location_id = p_location and n.phone >= v_start and n.phone <= rpad(v_start, 16, '9') limit 200;
  end loop;
end $$;

create function private.search_by_email(p_location uuid, p_text text) returns setof private.search_hit
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare v_start text := regexp_replace(lower(p_text), '([\\%_])', '\\\1', 'g') || '%';
begin
  if length(p_text) < 3 or p_text ~ '\s' then return; end if;
  return query select e.contact_id, case when e.email = lower(p_text) then 1 else 5 end, 'email', e.email, null::uuid
    from public.contact_emails e join public.contacts c on c.id = e.contact_id and c.deleted_at is null
    where e.location_id = p_location and e.email like v_start limit 200;
end $$;

-- Towns of a location whose name, or a later word of it, begins so. It hops from town to town, of which there are few.
create function private.search_towns(p_location uuid, p_words text) returns text[]
language sql stable set search_path = '' as $$
  with recursive town (city) as (
    select min(p.city) from public.properties p where p.location_id = p_location
    union all
    select (select min(p.city) from public.properties p where p.location_id = p_location and p.city > t.city)
    from town t where t.city is not null)
  select coalesce(array_agg(city), '{}') from town where ' ' || private.search_words(city) like '% ' || p_words || '%'
$$;

-- By house number and street, by the street alone, by both with the town behind them, by the town alone.
create function private.search_by_house(p_location uuid, p_text text, p_towns text[]) returns setof private.search_hit
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_address text := private.normalize_address(p_text);
  v_street text := substr(v_address, strpos(v_address, ' ') + 1);
  v_words text[] := string_to_array(v_address, ' ');
  v_starts text[] := array(select array_to_string(v_words[:n], ' ') from generate_series(2, cardinality(v_words) - 1) n);
begin
  if length(v_address) < 2 then return; end if;
  return query select l.contact_id, h.rank, h.kind, null::text, h.id from (
      (select p.id, case when p.address_norm like v_address || '%' then 4 else 5 end as rank, 'address' as kind from public.properties p
        where p.location_id = p_location and p.address_norm <> ''
          and substr(p.address_norm, strpos(p.address_norm, ' ') + 1) like v_street || '%'
          and (p.address_norm like v_address || '%' or v_street = v_address) limit 200)
      union all
      (select p.id, 5, 'address' from public.properties p where p.location_id = p_location and p.address_norm <> ''
        and v_street <> v_address and substr(p.address_norm, strpos(p.address_norm, ' ') + 1) like v_address || '%' limit 200)
      union all
      (select p.id, 4, 'address' from public.properties p where p.location_id = p_location and p.address_norm = any (v_starts)
        and (private.normalize_address(p.city) like substr(v_address, length(p.address_norm) + 2) || '%'
          or substr(v_address, length(p.address_norm) + 2) like private.normalize_address(p.city) || ' %') limit 200)
      union all
      (select p.id, 8, 'city' from public.properties p where p.location_id = p_location and p.city = any (p_towns) limit 200)) h
    join public.property_contacts l on l.property_id = h.id and l.end_date is null
    join public.contacts c on c.id = l.contact_id and c.deleted_at is null;
end $$;

-- Raises unless the caller may search there; gives the words asked for, none when there is too little to look for.
create function private.asked_words(p_location uuid, p_query text, p_limit int, variadic p_roles text[]) returns text[]
language plpgsql stable set search_path = '' as $$
declare v_words text := coalesce(private.search_words(left(p_query, 201)), '');
begin
  perform private.require_role(p_location, variadic p_roles);
  if not private.key_reads('contacts') then
    perform private.refuse(403, 'scope_missing', 'This API key has no scope for this.', 'Make a key with the scope it needs.');
  elsif length(p_query) > 200 or cardinality(string_to_array(v_words, ' ')) > 10 then
    perform private.refuse(422, 'query_too_long', 'A search has at most ten words and 200 characters.', 'Search for less.');
  elsif p_limit not between 1 and 100 then
    perform private.refuse(422, 'invalid_limit', 'A search gives 1 to 100 people.');
  end if;
  return case when length(v_words) < 2 then '{}' else string_to_array(v_words, ' ') end;
end $$;
-- Of a key: does one of its scopes open the table at all? key_may asks how the request is sent, and a search may be a POST.
create function private.key_reads(p_resource text) returns boolean language sql stable set search_path = '' as $$
  select private.key_id() is null
    or exists (select 1 from public.api_scopes s where s.resource = p_resource and auth.jwt() -> 'scopes' ? s.scope)
$$;

create function private.search_hits(p_location uuid, p_text text, p_words text[], p_limit int) returns setof private.search_hit
language plpgsql stable set search_path = '' as $$
declare
  v_sees_houses boolean := private.key_reads('properties');
  v_found int;
  v_towns text[];
begin
  -- With an @ it is an e-mail and nothing else.
  if p_text like '%@%' then return query select * from private.search_by_email(p_location, p_text); return; end if;
  return query select * from private.search_by_number(p_location, p_text);
  -- Seven digits are a number, or nothing.
  if p_text ~ '^[-+0-9 ()./]*$' and length(regexp_replace(p_text, '\D', '', 'g')) > 6 then return; end if;
  return query select * from private.search_by_email(p_location, p_text)
    union all select * from private.search_by_name(p_location, p_words, null, p_limit)
    union all select h.* from private.search_by_house(p_location, p_text, private.search_towns(p_location, array_to_string(p_words, ' '))) h
      where v_sees_houses;
  get diagnostics v_found = row_count;
  -- "atwell westcliff", "westcliff atwell": only when nothing is called so as a whole.
  for n in 1 .. case when v_sees_houses and v_found = 0 then cardinality(p_words) - 1 else 0 end loop
    v_towns := private.search_towns(p_location, array_to_string(p_words[n + 1:], ' '));
    if v_towns <> '{}' then return query select * from private.search_by_name(p_location, p_words[:n], v_towns, p_limit); end if;
    v_towns := private.search_towns(p_location, array_to_string(p_words[:n], ' '));
    if v_towns <> '{}' then return query select * from private.search_by_name(p_location, p_words[n + 1:], v_towns, p_limit); end if;
  end loop;
end $$;

create function public.search_contacts(p_location uuid, p_query text, p_limit int default 20)
returns table (id uuid, display_name text, phone text, email text, city text, address text, matched_by text)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_words text[] := private.asked_words(p_location, p_query, p_limit, 'owner', 'admin');
  v_sees_houses boolean := private.key_reads('properties');
begin
  if v_words = '{}' then return; end if;
  return query select f.id, f.name, f.phone, f.email, p.city, p.address, f.matched_by from (
      select c.id, coalesce(c.display_name, concat_ws(' ', c.first_name, c.last_name)) as name, h.rank, c.name_key, h.matched_by, h.property_id,
        case h.matched_by when 'phone' then h.shown else c.phone end as phone, case h.matched_by when 'email' then h.shown else c.email end as email
      from (select distinct on (contact_id) * from private.search_hits(p_location, btrim(p_query), v_words, coalesce(p_limit, 20))
        order by contact_id, rank, shown) h
      join public.contacts c on c.id = h.contact_id and c.location_id = p_location
      order by h.rank, c.name_key, c.id limit coalesce(p_limit, 20)) f
    left join lateral (select p.city, p.address from public.property_contacts l join public.properties p on p.id = l.property_id
      where v_sees_houses and l.contact_id = f.id and l.end_date is null
      order by p.id is not distinct from f.property_id desc, l.created_at, p.id limit 1) p on true
    order by f.rank, f.name_key, f.id;
end $$;
comment on function public.search_contacts is 'People of a location by part of a name, number (four digits on), beginning of an e-mail,
  street or town; the best first. Nothing for less than two letters or digits.';

-- By what the marketer may see, and by nothing else: which names exist beside first names cannot be found out here.
create function public.search_cards(p_location uuid, p_query text, p_limit int default 20)
returns table (contact_id uuid, first_name text, city text)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
#variable_conflict use_column
declare
  v_words text[] := private.asked_words(p_location, p_query, p_limit, 'owner', 'admin', 'marketer');
  v_found uuid[] := array[]::uuid[];
  v_split record;
begin
  for v_split in
    select s.name, case when s.town <> '' then private.search_towns(p_location, s.town) end as towns
    from (select n, array_to_string(v_words[:n], ' ') as name, array_to_string(v_words[n + 1:], ' ') as town
        from generate_series(0, cardinality(v_words)) n
      union all select n, array_to_string(v_words[n + 1:], ' '), array_to_string(v_words[:n], ' ')
        from generate_series(1, cardinality(v_words) - 1) n) s
    order by s.town <> '', s.name <> '', s.n desc
  loop
    v_found := v_found || private.cards_like(p_location, v_split.name, v_split.towns, coalesce(p_limit, 20));
    exit when cardinality(v_found) >= coalesce(p_limit, 20);
  end loop;
  return query select k.contact_id, k.first_name, k.city from public.contact_cards k
    join (select f.id, min(f.n) as n from unnest(v_found) with ordinality f (id, n) group by f.id) f on f.id = k.contact_id and k.location_id = p_location
    order by f.n limit coalesce(p_limit, 20);
end $$;
comment on function public.search_cards is 'Cards of a location by the beginning of a first name, a town, or both.';

create function private.cards_like(p_location uuid, p_name text, p_towns text[], p_limit int) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  if p_towns = '{}' or p_name = '' and p_towns is null then return array[]::uuid[]; end if;
  return array(select k.contact_id from (select contact_id, city, case when first_name ~ '^[A-Za-z]*$' then upper(first_name)
        else private.search_words(first_name) end as name from public.contact_cards where location_id = p_location and (p_name = '' or first_name is not null)) k
    where (p_name = '' or k.name like p_name || '%') and (p_towns is null or k.city = any (p_towns))
    order by k.name using operator(pg_catalog.~<~) limit p_limit);
end $$;

insert into public.api_scope_functions
  select scope, function from unnest('{contacts:read,contacts:write}'::text[]) scope, unnest('{search_contacts,search_cards}'::text[]) function;
grant execute on function public.search_contacts(uuid, text, int), public.search_cards(uuid, text, int) to authenticated;
