-- A search in the inbox looked at 200 people of each way to find some, whoever they were: of a common name or town it gave a few
-- conversations and left out the newest. Now all are found: few people by their conversations, many by going down the list until the
-- page is full. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- What is written to it waits in a list that each look reads through: with four pages of it a thousand looks took 120 ms instead of 22.
-- A conversation's update costs the same without (0.04 ms).
alter index public.conversations_participants set (fastupdate = off);
do $$ begin perform gin_clean_pending_list('public.conversations_participants'); end $$;

-- One way to find people, as SQL: all of them ($1 is the location), and whether it finds k, a row of contacts. `rest` is looked for
-- when what came before it found less than a hundred.
create type private.search_way as (people text, person text, rest boolean);

create function private.ways_by_number(p_text text) returns setof private.search_way language plpgsql immutable set search_path = '' as $$
declare
  v_digits text := regexp_replace(p_text, '\D', '', 'g');
  v_is text := format('n.location_id = $1 and right(n.phone, 4) = %L and right(n.phone, %s) = %L', right(v_digits, 4), length(v_digits), v_digits);
  v_all constant text := 'select k.id from public.contact_phones n join public.contacts k on k.id = n.contact_id and k.deleted_at is null where ';
  v_one constant text := 'exists (select 1 from public.contact_phones n where n.contact_id = k.id and %s)';
begin
  if length(v_digits) not between 4 and 15 or p_text ~ '[^-+0-9 ()./]' then return; end if;
  return query select v_all || c, format(v_one, c), false from (select v_is union all
    select format('n.location_id = $1 and n.phone >= %L and n.phone <= %L', s, rpad(s, 16, '9')) from unnest(array['+' || v_digits, '+1' || v_digits]) s) x (c);
end $$;

create function private.ways_by_email(p_text text) returns setof private.search_way language plpgsql immutable set search_path = '' as $$
declare v_like text := format('e.location_id = $1 and e.email like %L', regexp_replace(lower(p_text), '([\\%_])', '\\\1', 'g') || '%');
begin
  if length(p_text) < 3 or p_text ~ '\s' then return; end if;
  return next row('select k.id from public.contact_emails e join public.contacts k on k.id = e.contact_id and k.deleted_at is null where ' || v_like,
    format('exists (select 1 from public.contact_emails e where e.contact_id = k.id and %s)', v_like), false)::private.search_way;
end $$;

-- As private.search_by_name: beginnings of words; where they are few, parts of words too.
create function private.ways_by_name(p_words text[]) returns setof private.search_way language plpgsql immutable set search_path = '' as $$
declare
  v_name constant text := $n$ case when k.aliases = '{}' and octet_length(k.display_name) = length(k.display_name) and strpos(k.display_name, '''') = 0
      and strpos(k.name_key, upper(coalesce(k.first_name, ''))) > 0 and strpos(k.name_key, upper(coalesce(k.last_name, ''))) > 0
    then ' ' || k.name_key || ' ' else private.search_name(k.display_name, k.first_name, k.last_name, k.aliases) end $n$;
  v_person text;
  v_parts boolean;
begin
  foreach v_parts in array array[false, true] loop
    v_person := (select string_agg(format('(%s) like %L', v_name, case when v_parts and length(w) > 2 then '%' else '% ' end || w || '%'), ' and ')
      from unnest(p_words) w);
    return next row('select k.id from public.contacts k where k.location_id = $1 and k.deleted_at is null and ' || v_person, v_person, v_parts)::private.search_way;
  end loop;
end $$;

create function private.ways_by_house(p_text text, p_towns text[]) returns setof private.search_way language plpgsql immutable set search_path = '' as $$
declare v_town text := format('h.city = any (%L::text[])', p_towns);
begin
  return next row(format('select f.contact_id from private.search_by_house($1, %L, ''{}'') f', p_text), 'false', false)::private.search_way;
  if p_towns <> '{}' then
    return next row('select k.id from public.properties h join public.property_contacts l on l.property_id = h.id and l.end_date is null
        join public.contacts k on k.id = l.contact_id and k.deleted_at is null where h.location_id = $1 and ' || v_town,
      'exists (select 1 from public.property_contacts l join public.properties h on h.id = l.property_id where l.contact_id = k.id and l.end_date is null and '
        || v_town || ')', false)::private.search_way;
  end if;
end $$;

-- As private.search_hits: an e-mail alone, a number of seven digits alone, or all there is.
create function private.search_ways(p_location uuid, p_text text, p_words text[]) returns setof private.search_way
language plpgsql stable set search_path = '' as $$
begin
  if p_text like '%@%' then return query select * from private.ways_by_email(p_text); return; end if;
  return query select * from private.ways_by_number(p_text);
  if p_text ~ '^[-+0-9 ()./]*$' and length(regexp_replace(p_text, '\D', '', 'g')) > 6 then return; end if;
  return query select * from private.ways_by_name(p_words) union all select * from private.ways_by_email(p_text);
  if private.key_reads('properties') then
    return query select * from private.ways_by_house(p_text, private.search_towns(p_location, array_to_string(p_words, ' ')));
  end if;
end $$;

-- Planned as if all were wanted, for a guess that many will be found, and the limit reached at once, is dear where it is wrong.
create function private.people_found(p_location uuid, p_people text, p_most int) returns uuid[]
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
declare v_people uuid[];
begin
  execute format('with x as materialized (%s) select array(select * from x limit $2)', p_people) into v_people using p_location, p_most;
  return v_people;
end $$;

-- Whom a search finds. `common`: the ways that find more than 1,000, left out of `people`, as a condition on k; `all_common` finds them.
create function private.searched_people(p_location uuid, p_search text, out people uuid[], out common text, out all_common text)
language plpgsql stable set search_path = '' as $$
declare
  v_words text[] := private.asked_words(p_location, p_search, 100, 'owner', 'admin');
  v_most constant int := 1000;
  v_found uuid[] := array[]::uuid[];
  w private.search_way;
begin
  people := array[]::uuid[];
  if v_words = '{}' then return; end if;
  for w in select * from private.search_ways(p_location, btrim(p_search), v_words) loop
    continue when w.rest and cardinality(v_found) >= 100;
    v_found := private.people_found(p_location, w.people, v_most + 1);
    if cardinality(v_found) <= v_most then people := people || v_found;
    else
      common := concat_ws(' or ', common, '(' || w.person || ')');
      all_common := concat_ws(' union all ', all_common, w.people);
    end if;
  end loop;
  -- A name with a town before or behind it.
  if people = '{}' and common is null and cardinality(v_words) > 1 then
    people := array(select distinct h.contact_id from private.search_hits(p_location, btrim(p_search), v_words, 100) h);
  end if;
end $$;

create function private.whole_numbers(p_search text) returns text[] language sql immutable set search_path = '' as $$
  select array['+' || d, '+1' || d] from (values (regexp_replace(p_search, '\D', '', 'g'))) x (d)
$$;

-- With any of them, in groups too, and by the number where it is nobody's. Number by number: the index takes many at once as if each
-- had to be compared with each (2,800 of them: 19 s), and the planner then sometimes read all conversations instead.
drop function private.found_conversations(uuid, text);
create function private.found_conversations(p_location uuid, p_search text, p_people uuid[]) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' set enable_seqscan = off as $$
declare
  v_phones text[] := private.whole_numbers(p_search)
    || array(select n.phone from unnest(p_people) p (id) join public.contact_phones n on n.contact_id = p.id and n.location_id = p_location);
begin
  return array(
    select c.id from unnest(p_people) p (id) join public.conversations c on c.contact_id = p.id and c.location_id = p_location
    -- offset: asked for the location first, it compared each with each.
    union select c.id from unnest(v_phones) n (phone) cross join lateral (
      select id, location_id from public.conversations where participants && array[n.phone] offset 0) c where c.location_id = p_location);
end $$;

-- Whether conversation c is one of them, without knowing them all; $7 are those who are known. Not by exists: that would be answered
-- by reading all people once.
create function private.found_among(p_search text, p_common text) returns text language sql immutable set search_path = '' as $$
  select format('(coalesce((select k.deleted_at is null and (k.id = any ($7) or %1$s) from public.contacts k where k.id = c.contact_id), false)
    or coalesce((select bool_or(k.id = any ($7) or %1$s) from public.contact_phones t join public.contacts k on k.id = t.contact_id and k.deleted_at is null
      where t.location_id = $1 and t.phone = any (c.participants) and t.contact_id is distinct from c.contact_id), false)
    or c.participants && %2$L::text[])', p_common, private.whole_numbers(p_search))
$$;

-- Ids in the order of the list, of conversations that p_among is true of; null: all. $7 is p_known. With p_deepest no more are
-- looked at than that.
create function private.inbox_rows(p_location uuid, p_user uuid, p_filters jsonb, p_before jsonb, p_limit int, p_pinned uuid[], p_among text,
  p_known uuid[], p_deepest int default null) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
  v_rows uuid[];
begin
  execute format('select array(select c.id from (select c.id, c.last_at, c.contact_id, c.participants from public.conversations c
      where c.location_id = $1 and c.last_at is not null and %s%s%s%s) c%s order by c.last_at desc, c.id desc limit $6)',
    private.inbox_conditions(p_filters), case when p_pinned <> '{}' then ' and c.id <> all ($3)' else '' end,
    case when p_before is not null then ' and (c.last_at, c.id) < ($4, $5)' else '' end,
    case when p_deepest is not null then ' order by c.last_at desc, c.id desc limit ' || p_deepest else '' end, ' where ' || p_among)
    into v_rows using p_location, p_user, p_pinned, (p_before ->> 'last_at')::timestamptz, (p_before ->> 'id')::uuid, p_limit, p_known;
  return v_rows;
end $$;

create function private.has_ended(p_location uuid, p_user uuid, p_filters jsonb, p_before jsonb, p_pinned uuid[], p_deepest int) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return cardinality(private.inbox_rows(p_location, p_user, p_filters, p_before, p_deepest, p_pinned, 'true', null)) < p_deepest;
end $$;

-- The employees' on top, on the first page.
create function private.pinned_rows(p_location uuid, p_user uuid, p_filters jsonb, p_pinned uuid[], p_among text, p_known uuid[]) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
  if p_pinned = '{}' then return p_pinned; end if;
  return private.inbox_rows(p_location, p_user, p_filters, null, null, '{}', concat_ws(' and ', format('c.id = any (%L::uuid[])', p_pinned), p_among), p_known);
end $$;

create or replace function private.inbox_page(p_location uuid, p_user uuid, p_filters jsonb, p_before jsonb, p_limit int) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
  v_search text := nullif(btrim(coalesce(p_filters ->> 'search', '')), '');
  v_pinned uuid[] := private.employee_conversations(p_location);
  v_among text; v_known uuid[]; v_page uuid[];
  s record;
begin
  if v_search is not null then
    s := private.searched_people(p_location, v_search);
    if s.common is not null then
      v_among := private.found_among(v_search, s.common);
      v_page := private.inbox_rows(p_location, p_user, p_filters, p_before, p_limit, v_pinned, v_among, s.people, 3000);
      -- Or there is no more of them to look at.
      if cardinality(v_page) = p_limit or private.has_ended(p_location, p_user, p_filters, p_before, v_pinned, 3000) then
        return case when p_before is null then private.pinned_rows(p_location, p_user, p_filters, v_pinned, v_among, s.people) || v_page else v_page end;
      end if;
      -- Many people, but few of them talk to us, or the filters leave few.
      s.people := s.people || private.people_found(p_location, s.all_common, null);
    end if;
    v_among := 'c.id = any ($7)';
    v_known := private.found_conversations(p_location, v_search, s.people);
  end if;
  return case when p_before is null then private.pinned_rows(p_location, p_user, p_filters, v_pinned, v_among, v_known) else array[]::uuid[] end
    || private.inbox_rows(p_location, p_user, p_filters, p_before, p_limit, v_pinned, v_among, v_known);
end $$;
