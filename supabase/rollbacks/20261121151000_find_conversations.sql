set lock_timeout = '4s';
alter index public.conversations_participants reset (fastupdate);
drop function private.has_ended(uuid, uuid, jsonb, jsonb, uuid[], int);
drop function private.pinned_rows(uuid, uuid, jsonb, uuid[], text, uuid[]);
drop function private.inbox_rows(uuid, uuid, jsonb, jsonb, int, uuid[], text, uuid[], int);
drop function private.found_among(text, text);
drop function private.found_conversations(uuid, text, uuid[]);
drop function private.whole_numbers(text);
drop function private.searched_people(uuid, text);
drop function private.people_found(uuid, text, int);
drop function private.search_ways(uuid, text, text[]);
drop function private.ways_by_house(text, text[]);
drop function private.ways_by_name(text[]);
drop function private.ways_by_email(text);
drop function private.ways_by_number(text);
drop type private.search_way;
-- Conversations with anybody whom a search finds, in groups too, and by the number where it is nobody's.
create function private.found_conversations(p_location uuid, p_search text) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  v_words text[] := private.asked_words(p_location, p_search, 100, 'owner', 'admin');
  v_people uuid[] := array(select distinct h.contact_id from private.search_hits(p_location, btrim(p_search), v_words, 100) h where v_words <> '{}');
begin
  return array(
    select c.id from public.conversations c where c.contact_id = any (v_people) and c.location_id = p_location
    union select c.id from public.conversations c where c.location_id = p_location
      and c.participants && (select array_agg(n.phone) from public.contact_phones n where n.contact_id = any (v_people))
    union select c.id from public.conversations c where c.location_id = p_location
      and c.participants && array['+' || regexp_replace(p_search, '\D', '', 'g'), '+1' || regexp_replace(p_search, '\D', '', 'g')]);
end $$;
create or replace function private.inbox_page(p_location uuid, p_user uuid, p_filters jsonb, p_before jsonb, p_limit int) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
  v_pinned uuid[] := private.employee_conversations(p_location);
  v_found uuid[] := case when btrim(coalesce(p_filters ->> 'search', '')) <> '' then private.found_conversations(p_location, p_filters ->> 'search') end;
  v_sql text := format('select c.id from public.conversations c where c.location_id = $1 and c.last_at is not null and %s%s',
    private.inbox_conditions(p_filters), case when v_found is not null then ' and c.id = any ($7)' else '' end);
  v_top uuid[] := array[]::uuid[]; v_page uuid[];
begin
  if p_before is null and v_pinned <> '{}' then
    execute format('select array(%s and c.id = any ($3) order by c.last_at desc, c.id desc)', v_sql) into v_top
      using p_location, p_user, v_pinned, null, null, null, v_found;
  end if;
  execute format('select array(%s%s%s order by c.last_at desc, c.id desc limit $6)', v_sql, case when v_pinned <> '{}' then ' and c.id <> all ($3)' else '' end,
      case when p_before is not null then ' and (c.last_at, c.id) < ($4, $5)' else '' end)
    into v_page using p_location, p_user, v_pinned, (p_before ->> 'last_at')::timestamptz, (p_before ->> 'id')::uuid, p_limit, v_found;
  return v_top || v_page;
end $$;
