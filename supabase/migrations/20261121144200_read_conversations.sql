-- One conversation as it reads, and the person beside it. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- Raises unless the caller is of its office; what is not there and what is elsewhere look alike.
create function private.my_conversation(p_conversation uuid) returns public.conversations
language plpgsql stable set search_path = '' as $$
declare v_row public.conversations;
begin
  select * into v_row from public.conversations where id = p_conversation and location_id in (select private.my_locations('owner', 'admin'));
  if v_row.id is null then perform private.refuse(404, 'not_found', 'No such conversation.'); end if;
  return v_row;
end $$;

-- The browser signs the paths at Storage.
create function private.media_of(p_message uuid, p_call uuid, p_voicemail uuid) returns jsonb
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'kind', f.kind, 'mime', coalesce(f.mime, f.declared_mime), 'status', f.status,
      'storage_path', f.storage_path, 'jpeg_path', f.jpeg_path, 'thumb_path', f.thumb_path, 'bytes', f.bytes, 'width', f.width, 'height', f.height,
      'duration_s', f.duration_s, 'taken_at', f.taken_at, 'original_filename', f.original_filename) order by f.position, f.id), '[]')
    from (select * from public.media where message_id = p_message
      union all select * from public.media where voicemail_id = p_voicemail
      union all select m.* from public.call_recordings r join public.media m on m.recording_id = r.id where r.call_id = p_call) f);
end $$;

-- Who said it: one of us by his account or his name at the vendor, one of them by his number.
create function private.author_of(p_location uuid, p_user uuid, p_vendor_user text, p_phone text) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  if p_phone is null then
    return (select jsonb_build_object('user_id', p.id, 'name', p.name) from public.profiles p
      where p.id = p_user or (p_user is null and p.openphone_user_id = p_vendor_user));
  end if;
  return (select jsonb_build_object('phone', p_phone, 'contact_id', k.id, 'name', case when private.key_reads('contacts') then private.person_name(k) end)
    from (values (p_phone)) x (phone) left join public.contact_phones n on n.location_id = p_location and n.phone = x.phone
    left join public.contacts k on k.id = n.contact_id);
end $$;

create function public.conversation_thread(p_conversation uuid, p_before jsonb default null, p_limit int default 50)
returns table (kind text, id uuid, occurred_at timestamptz, direction text, author jsonb, item jsonb, media jsonb)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  c public.conversations := private.my_conversation(p_conversation);
  v_sees_notes boolean := private.key_reads('notes');
  v_limit int := coalesce(p_limit, 50);
  v_at timestamptz; v_id uuid;
begin
  perform private.check_page(p_before, 'occurred_at', p_limit);
  v_at := coalesce((p_before ->> 'occurred_at')::timestamptz, 'infinity');
  v_id := coalesce((p_before ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  return query select t.* from (
      (select 'message', m.id, m.occurred_at, m.direction,
         private.author_of(c.location_id, m.sent_by, m.external_user_id, case m.direction when 'incoming' then m.from_phone end),
         jsonb_build_object('body', m.body, 'channel', m.channel, 'status', m.status, 'error_code', m.error_code, 'error_text', m.error_text,
           'segments', m.segments, 'is_system', m.is_system, 'kind', m.kind, 'campaign_id', m.campaign_id, 'source', m.source,
           'delivered_at', m.delivered_at, 'outbound', (select jsonb_build_object('id', o.id, 'state', o.state, 'not_before', o.not_before,
             'rule', o.rule, 'error_text', o.error_text) from public.outbound o where o.message_id = m.id)),
         private.media_of(m.id, null, null)
       from public.messages m where m.conversation_id = c.id and (m.occurred_at, m.id) < (v_at, v_id)
       order by m.occurred_at desc, m.id desc limit v_limit)
      union all
      (select 'call', k.id, k.occurred_at, k.direction,
         private.author_of(c.location_id, null, coalesce(k.answered_by, k.initiated_by), case k.direction when 'incoming' then k.phone end),
         jsonb_build_object('status', k.status, 'phone', k.phone, 'duration_s', k.duration_s, 'answered_at', k.answered_at, 'completed_at', k.completed_at,
           'answered_by', private.author_of(c.location_id, null, k.answered_by, null), 'forwarded_from', k.forwarded_from, 'forwarded_to', k.forwarded_to,
           'ai_handled', k.ai_handled, 'summary', k.summary, 'next_steps', k.next_steps, 'has_summary', k.summary is not null,
           'has_transcript', k.dialogue is not null), private.media_of(null, k.id, null)
       from public.calls k where k.conversation_id = c.id and (k.occurred_at, k.id) < (v_at, v_id)
       order by k.occurred_at desc, k.id desc limit v_limit)
      union all
      (select 'voicemail', v.id, v.occurred_at, 'incoming', private.author_of(c.location_id, null, null, v.phone),
         jsonb_build_object('duration_s', v.duration_s, 'transcript', v.transcript, 'call_id', v.call_id), private.media_of(null, null, v.id)
       from public.voicemails v where v.conversation_id = c.id and (v.occurred_at, v.id) < (v_at, v_id)
       order by v.occurred_at desc, v.id desc limit v_limit)
      union all
      (select 'note', n.id, n.created_at, null, private.author_of(c.location_id, n.created_by, null, null), jsonb_build_object('body', n.body), '[]'
       from public.notes n where v_sees_notes and n.conversation_id = c.id and (n.created_at, n.id) < (v_at, v_id)
       order by n.created_at desc, n.id desc limit v_limit)
      union all
      (select 'note', n.id, n.created_at, null, private.author_of(c.location_id, n.created_by, null, null), jsonb_build_object('body', n.body), '[]'
       from public.notes n where v_sees_notes and n.contact_id = c.contact_id and n.conversation_id is distinct from c.id
         and (n.created_at, n.id) < (v_at, v_id)
       order by n.created_at desc, n.id desc limit v_limit)) t (kind, id, occurred_at, direction, author, item, media)
    order by t.occurred_at desc, t.id desc limit v_limit;
end $$;
comment on function public.conversation_thread is 'Texts, calls, voicemails and notes of a conversation, newest first; p_before: {occurred_at, id} of the last row.
  A call''s words are in calls.dialogue.';

-- The parts of a person's context; all by contact, for each to be short.
create function private.context_numbers(p_contact uuid, p_location uuid, p_number uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('phone', n.phone, 'label', n.label, 'is_primary', n.is_primary, 'line_type', v.line_type,
      'carrier', v.carrier, 'is_valid', v.is_valid, 'checked_at', v.checked_at,
      'opted_out_at', (select o.opted_out_at from public.opt_outs o where o.phone = n.phone and o.revoked_at is null),
      'hold', (select jsonb_build_object('id', h.id, 'reason', h.reason, 'word', h.word, 'opened_at', h.opened_at) from public.send_holds h
        where h.phone = n.phone and h.resolved_at is null),
      'refusal', case when p_number is not null then private.send_refusal(p_location, p_number, 'conversation', array[n.phone], clock_timestamp()) end)
    order by n.is_primary desc, n.created_at, n.phone), '[]')
  from public.contact_phones n left join public.phone_validations v on v.location_id = n.location_id and v.phone = n.phone where n.contact_id = p_contact
$$;
create function private.context_properties(p_contact uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', y.id, 'address', y.address, 'city', y.city, 'state', y.state, 'zip', y.zip, 'lat', y.lat, 'lon', y.lon,
      'relationship', l.relationship, 'is_primary', l.is_primary, 'property_type', y.property_type, 'year_built', y.year_built,
      'square_feet', y.square_feet, 'bedrooms', y.bedrooms, 'bathrooms', y.bathrooms, 'est_value', y.est_value, 'est_equity_amount', y.est_equity_amount,
      'purchase_date', y.purchase_date, 'owner_occupied', y.owner_occupied, 'has_basement', y.has_basement, 'subdivision', y.subdivision)
    order by l.is_primary desc, l.created_at, y.id), '[]')
  from public.property_contacts l join public.properties y on y.id = l.property_id where l.contact_id = p_contact and l.end_date is null
$$;
create function private.context_conversations(p_contact uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(x) order by x.last_at desc, x.id), '[]') from (
    select c.id, c.phone_number_id, c.is_group, c.last_at, c.last_kind, c.last_direction, c.last_preview, c.stage, c.needs_reply, c.archived_at
    from public.conversations c where c.last_at is not null and (c.contact_id = p_contact
      or c.is_group and c.participants && (select array_agg(n.phone) from public.contact_phones n where n.contact_id = p_contact))
    order by c.last_at desc, c.id limit 20) x
$$;
create function private.context_notes(p_contact uuid, p_conversation uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(x) order by x.created_at desc, x.id), '[]') from (
    select n.id, n.body, n.created_at, n.created_by, p.name as created_by_name from public.notes n left join public.profiles p on p.id = n.created_by
    where n.contact_id = p_contact or n.conversation_id = p_conversation order by n.created_at desc, n.id limit 20) x
$$;
create function private.context_todos(p_contact uuid, p_conversation uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(x) order by x.priority, x.due_at, x.id), '[]') from (
    select t.id, t.title, t.detail, t.priority, t.due_at, t.assigned_to from public.todos t
    where t.status = 'open' and (t.contact_id = p_contact or t.conversation_id = p_conversation) order by t.priority, t.due_at, t.id limit 20) x
$$;
create function private.context_person(k public.contacts) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object('id', k.id, 'name', private.person_name(k), 'first_name', k.first_name, 'last_name', k.last_name, 'aliases', k.aliases,
    'phone', k.phone, 'email', k.email, 'contact_type', k.contact_type, 'customer_type', k.customer_type, 'is_employee', k.is_employee,
    'is_entity', k.is_entity, 'lead_source', k.lead_source, 'customer_since', k.customer_since, 'company', o.name, 'company_id', o.id)
  from (values (k.company_id)) x (id) left join public.companies o on o.id = x.id
$$;

create function public.person_context(p_contact uuid default null, p_conversation uuid default null) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  c public.conversations;
  k public.contacts;
begin
  if num_nonnulls(p_contact, p_conversation) <> 1 then
    perform private.refuse(422, 'invalid_value', 'Give p_contact or p_conversation.', 'One of them.');
  end if;
  if p_conversation is not null then c := private.my_conversation(p_conversation); end if;
  select * into k from public.contacts where id = coalesce(p_contact, c.contact_id) and deleted_at is null
    and location_id in (select private.my_locations('owner', 'admin'));
  if p_conversation is null and k.id is null then perform private.refuse(404, 'not_found', 'No such person.'); end if;
  if c.id is null then
    select * into c from public.conversations where contact_id = k.id and not is_group order by last_at desc nulls last limit 1;
  end if;
  return jsonb_build_object('contact', case when k.id is not null then private.context_person(k) end,
    'conversation', case when c.id is not null then to_jsonb(c) - 'external_id' end,
    'numbers', private.context_numbers(k.id, k.location_id, coalesce(c.phone_number_id, private.number_for(k.location_id, array[k.phone]))),
    'flags', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'flag', f.flag, 'phone', f.phone, 'reason', f.reason, 'expires_at', f.expires_at)
      order by f.created_at, f.id), '[]') from public.contact_flags f where f.location_id = coalesce(k.location_id, c.location_id)
        and (f.contact_id = k.id or f.phone = any (c.participants))),
    'properties', private.context_properties(k.id), 'notes', private.context_notes(k.id, c.id),
    'tags', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'color', t.color) order by t.name), '[]')
      from public.contact_tags x join public.tags t on t.id = x.tag_id where x.contact_id = k.id),
    'lists', (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'status', x.status) order by l.created_at desc), '[]')
      from public.list_members x join public.lists l on l.id = x.list_id where x.contact_id = k.id),
    'conversations', private.context_conversations(k.id), 'todos', private.context_todos(k.id, c.id),
    'counts', jsonb_build_object('messages', (select count(*) from public.messages where contact_id = k.id),
      'calls', (select count(*) from public.calls where contact_id = k.id), 'media', (select count(*) from public.media where contact_id = k.id)));
end $$;
comment on function public.person_context is 'The person of a contact or conversation: numbers with what forbids a text to each (refusal), flags, houses, notes,
  tags, lists, conversations, todos, counts. contact is null for a group and for somebody nobody knows.';

insert into public.api_scope_functions values ('messages:read', 'conversation_thread'), ('messages:write', 'conversation_thread');
revoke execute on function public.conversation_thread(uuid, jsonb, int), public.person_context(uuid, uuid) from public;
grant execute on function public.conversation_thread(uuid, jsonb, int), public.person_context(uuid, uuid) to authenticated;
