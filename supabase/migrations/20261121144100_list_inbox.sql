-- The inbox's list: conversations newest first, by any combination of filters. Each call is planned for what it asks, past row level
-- security, after asking who the caller is. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- Which filters there are, and what each takes. `many`: a list of such.
create function private.inbox_filter_kinds() returns table (name text, takes text, allowed text[]) language sql immutable set search_path = '' as $$
  values ('hide_campaigns', 'boolean', null::text[]), ('unread', 'boolean', null), ('needs_reply', 'boolean', null), ('has_media', 'boolean', null),
    ('calls', 'boolean', null), ('campaign_replies', 'boolean', null), ('starred', 'boolean', null), ('archived', 'boolean', null),
    ('groups', 'boolean', null), ('held', 'boolean', null), ('since', 'instant', null), ('until', 'instant', null), ('search', 'text', null),
    ('numbers', 'many ids', null), ('assigned_to', 'id', '{me,anyone,nobody}'), ('channel', 'text', '{sms,email}'),
    ('stages', 'many', '{new_lead,quoted,scheduled,active,done}'),
    ('contact_types', 'many', '{homeowner,realtor,builder,property_manager,hoa,employee,vendor,other}')
$$;

create function private.is_uuid(p_text text) returns boolean language sql immutable set search_path = '' as $$
  select coalesce(p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', false)
$$;
create function private.is_instant(p_text text) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return p_text ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$' and p_text::timestamptz is not null;
exception when datetime_field_overflow or invalid_datetime_format then return false;
end $$;

-- The sentence about a value that does not fit; null when it does.
create function private.inbox_filter_wrong(p_name text, p_value jsonb) returns text language plpgsql stable set search_path = '' as $$
declare
  k record;
  v_kind text := jsonb_typeof(p_value);
  v_text text := p_value #>> '{}';
begin
  select * into k from private.inbox_filter_kinds() where name = p_name;
  return case
    when k.name is null then format('There is no filter %s.', left(p_name, 40))
    when v_kind = 'null' then null
    when k.takes = 'boolean' then case when v_kind <> 'boolean' then p_name || ' must be true or false.' end
    when k.takes = 'instant' then case when v_kind <> 'string' or not private.is_instant(v_text)
      then p_name || ' must be an instant with its zone, such as 2026-11-21T09:00:00Z.' end
    when k.takes like 'many%' then case when v_kind <> 'array' or jsonb_array_length(p_value) not between 1 and 20 or exists (
        select 1 from jsonb_array_elements(p_value) e where jsonb_typeof(e) <> 'string'
          or not coalesce((e #>> '{}') = any (k.allowed), private.is_uuid(e #>> '{}')))
      then format('%s must be a list of %s.', p_name, coalesce(array_to_string(k.allowed, ', '), 'ids')) end
    when v_kind <> 'string' then p_name || ' must be a text.'
    when k.takes = 'id' then case when not (v_text = any (k.allowed) or private.is_uuid(v_text))
      then format('%s must be %s or a person''s id.', p_name, array_to_string(k.allowed, ', ')) end
    when v_text <> all (k.allowed) then format('%s must be one of %s.', p_name, array_to_string(k.allowed, ', '))
    when length(v_text) > 200 then p_name || ' is longer than 200.'
  end;
end $$;

create function private.check_inbox_filters(p_filters jsonb) returns void language plpgsql stable set search_path = '' as $$
declare v_wrong text;
begin
  if jsonb_typeof(p_filters) <> 'object' then v_wrong := 'p_filters must be an object.';
  else select string_agg(private.inbox_filter_wrong(key, value), ' ' order by key) into v_wrong from jsonb_each(p_filters); end if;
  if v_wrong is not null then perform private.refuse(422, 'invalid_filter', v_wrong, 'Leave out what is not to be filtered by.'); end if;
end $$;

create function private.texts_of(p_list jsonb) returns text[] language sql immutable set search_path = '' as $$
  select array(select jsonb_array_elements_text(p_list))
$$;

-- What is true of each conversation asked for, as SQL. $1 is the location, $2 the caller; values are quoted into it, so that a plan
-- knows how many there are of them.
create function private.inbox_conditions(f jsonb) returns text language sql stable set search_path = '' as $$
  select string_agg(condition, ' and ') from (
    select case when (f ->> kind)::boolean then format('(%s)', is_so) else format('not (%s)', is_so) end
      from (values ('needs_reply', 'c.needs_reply'), ('has_media', 'c.has_media'), ('calls', 'c.has_calls'), ('starred', 'c.starred'),
        ('groups', 'c.is_group'),
        ('held', 'c.participants && (select coalesce(array_agg(o.phone), ''{}'') from public.send_holds o where o.resolved_at is null)'),
        ('campaign_replies', 'c.has_campaign_messages and c.has_replied'),
        ('unread', 'c.id in (select r.conversation_id from public.conversation_reads r where r.user_id = $2 and r.location_id = $1 and r.is_unread)'))
        x (kind, is_so) where f ->> kind is not null
    union all select case when coalesce((f ->> 'archived')::boolean, false) then 'c.archived_at is not null' else 'c.archived_at is null' end
    union all select '(c.has_words or not c.has_campaign_messages)' where coalesce((f ->> 'hide_campaigns')::boolean, true)
    union all select format('c.last_at >= %L::timestamptz', f ->> 'since') where f ->> 'since' is not null
    union all select format('c.last_at < %L::timestamptz', f ->> 'until') where f ->> 'until' is not null
    union all select format('c.phone_number_id = any (%L::uuid[])', private.texts_of(f -> 'numbers')) where f ->> 'numbers' is not null
    union all select format('c.stage = any (%L::text[])', private.texts_of(f -> 'stages')) where f ->> 'stages' is not null
    union all select format('c.contact_id in (select k.id from public.contacts k where k.location_id = $1 and k.contact_type = any (%L::text[]))',
      private.texts_of(f -> 'contact_types')) where f ->> 'contact_types' is not null
    union all select 'c.id in (select m.conversation_id from public.messages m where m.location_id = $1 and m.channel <> ''sms'')'
      where f ->> 'channel' = 'email'
    union all select case f ->> 'assigned_to' when 'me' then 'c.assigned_to = $2' when 'anyone' then 'c.assigned_to is not null'
      when 'nobody' then 'c.assigned_to is null' else format('c.assigned_to = %L::uuid', f ->> 'assigned_to') end where f ->> 'assigned_to' is not null
  ) x (condition)
$$;

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

create function private.employee_conversations(p_location uuid) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return array(select c.id from public.contacts k join public.conversations c on c.contact_id = k.id
    where k.location_id = p_location and (k.is_employee or k.contact_type = 'employee') and k.deleted_at is null and c.last_at is not null limit 100);
end $$;

-- Ids in the order of the list: on the first page employees before all others, and on no other page.
create function private.inbox_page(p_location uuid, p_user uuid, p_filters jsonb, p_before jsonb, p_limit int) returns uuid[]
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

create function private.person_name(c public.contacts) returns text language sql immutable set search_path = '' as $$
  select nullif(btrim(coalesce(c.display_name, concat_ws(' ', c.first_name, c.last_name))), '')
$$;

-- How many of theirs came after p_after, up to 100: texts, voicemails, and calls nobody took.
create function private.count_unread(p_conversation uuid, p_after timestamptz) returns int language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) from (
    (select 1 from public.messages where conversation_id = p_conversation and direction = 'incoming' and occurred_at > p_after limit 100)
    union all (select 1 from public.voicemails where conversation_id = p_conversation and call_id is null and occurred_at > p_after limit 100)
    union all (select 1 from public.calls where conversation_id = p_conversation and direction = 'incoming'
      and status in ('missed', 'abandoned', 'failed') and occurred_at > p_after limit 100) limit 100) x);
end $$;

create function private.check_page(p_before jsonb, p_at text, p_limit int) returns void language plpgsql stable set search_path = '' as $$
begin
  if not coalesce(p_limit, 50) between 1 and 100 then
    perform private.refuse(422, 'invalid_limit', 'p_limit: a page has 1 to 100 rows.', 'Ask for the next page with p_before.');
  elsif p_before is not null and not coalesce(private.is_uuid(p_before ->> 'id') and private.is_instant(p_before ->> p_at), false) then
    perform private.refuse(422, 'invalid_cursor', format('p_before must hold %s and id of the last row.', p_at), 'Leave it out for the first page.');
  end if;
end $$;

create function public.list_inbox(p_location uuid, p_filters jsonb default '{}', p_before jsonb default null, p_limit int default 50)
returns table (id uuid, contact_id uuid, name text, phone text, participants jsonb, is_group boolean, pinned boolean,
  unread boolean, unread_count int, last_at timestamptz, last_kind text, last_direction text, last_preview text, needs_reply boolean,
  has_media boolean, media_count int, has_calls boolean, address text, city text, stage text, assigned_to uuid, assigned_name text,
  starred boolean, archived_at timestamptz, phone_number_id uuid, campaign_id uuid, is_campaign_reply boolean, opted_out boolean, held boolean)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_sees_people boolean := private.key_reads('contacts');
  v_sees_houses boolean := private.key_reads('properties');
  v_ids uuid[];
  v_pinned uuid[];
begin
  perform private.require_role(p_location, 'owner', 'admin');
  perform private.check_inbox_filters(coalesce(p_filters, '{}'));
  perform private.check_page(p_before, 'last_at', p_limit);
  v_ids := private.inbox_page(p_location, auth.uid(), coalesce(p_filters, '{}'), p_before, coalesce(p_limit, 50));
  v_pinned := case when p_before is null then private.employee_conversations(p_location) else '{}' end;
  return query select c.id, c.contact_id, who.name, c.participants[1], who.all_of_them, c.is_group, c.id = any (v_pinned),
      coalesce(r.is_unread, false), case when r.is_unread then private.count_unread(c.id, r.read_to) else 0 end,
      c.last_at, c.last_kind, c.last_direction, c.last_preview, c.needs_reply, c.has_media,
      case when c.has_media then (select count(*)::int from public.media f where f.conversation_id = c.id) else 0 end, c.has_calls,
      h.address, h.city, c.stage, c.assigned_to, a.name, c.starred, c.archived_at, c.phone_number_id,
      case when c.has_campaign_messages then (select m.campaign_id from public.messages m where m.conversation_id = c.id
        and m.campaign_id is not null order by m.occurred_at desc limit 1) end,
      c.has_campaign_messages and c.has_replied,
      exists (select 1 from public.opt_outs o where o.phone = any (c.participants) and o.revoked_at is null),
      exists (select 1 from public.send_holds o where o.phone = any (c.participants) and o.resolved_at is null)
    from unnest(v_ids) with ordinality p (id, nth) join public.conversations c on c.id = p.id
    cross join lateral (select string_agg(coalesce(x.name, x.phone), ', ' order by x.nth) as name,
        jsonb_agg(jsonb_build_object('phone', x.phone, 'contact_id', x.contact_id, 'name', x.name) order by x.nth) as all_of_them
      from (select t.phone, t.nth, k.id as contact_id, case when v_sees_people then private.person_name(k) end as name
        from unnest(c.participants) with ordinality t (phone, nth)
        left join public.contact_phones n on n.location_id = p_location and n.phone = t.phone
        left join public.contacts k on k.id = n.contact_id and k.deleted_at is null) x) who
    left join public.conversation_reads r on r.user_id = auth.uid() and r.conversation_id = c.id
    left join public.profiles a on a.id = c.assigned_to
    left join lateral (select y.address, y.city from public.property_contacts l join public.properties y on y.id = l.property_id
      where v_sees_houses and l.contact_id = c.contact_id and l.end_date is null order by l.created_at, y.id limit 1) h on true
    order by p.nth;
end $$;
comment on function public.list_inbox is 'Conversations of the office, newest first. p_filters: see private.inbox_filter_kinds; campaigns nobody answered and the
  archive stay out unless asked for. p_before: {last_at, id} of the last row. The first page begins with employees (pinned), beyond p_limit.';

-- Filters a person keeps, in his preferences.
alter table public.setting_kinds drop constraint setting_kinds_kind_check,
  add constraint setting_kinds_kind_check check (kind in ('string', 'number', 'boolean', 'object'));
insert into public.setting_kinds (key, scope, kind, default_value, max_length, description)
  values ('inbox_filters', 'user', 'object', '{}', 2000, 'The inbox''s filters, as list_inbox takes them.');
create function private.check_kept_filters() returns trigger language plpgsql set search_path = '' as $$
begin
  if jsonb_typeof(new.value) = 'object' then perform private.check_inbox_filters(new.value); end if;
  return new;
end $$;
create trigger "20_check_filters" before insert or update on public.preferences for each row when (new.key = 'inbox_filters')
  execute function private.check_kept_filters();

insert into public.api_scope_functions values ('messages:read', 'list_inbox'), ('messages:write', 'list_inbox');
revoke execute on function public.list_inbox(uuid, jsonb, jsonb, int) from public;
grant execute on function public.list_inbox(uuid, jsonb, jsonb, int) to authenticated;
