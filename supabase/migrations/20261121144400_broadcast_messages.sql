-- The inbox live: by statement, ids and counts only, for marketers and technicians join a location's channel too. The browser asks
-- PostgREST what it may see of them. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create function private.broadcast_said(p_event text, p_locations uuid[], p_ids uuid[], p_conversations uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if p_ids is null or private.put_off('live', jsonb_build_object('event', p_event, 'locations', p_locations, 'ids', p_ids, 'conversations', p_conversations)) then
    return;
  end if;
  perform realtime.send(jsonb_build_object('count', count(distinct x.id),
      'ids', case when count(distinct x.id) <= 50 then jsonb_agg(distinct x.id) else '[]' end,
      'conversation_ids', case when count(distinct x.conversation_id) <= 50
        then coalesce(jsonb_agg(distinct x.conversation_id) filter (where x.conversation_id is not null), '[]') else '[]' end),
    p_event, 'location:' || x.location_id, true)
  from unnest(p_locations, p_ids, p_conversations) x (location_id, id, conversation_id) where x.id is not null group by x.location_id;
end $$;

-- A conversation without a word is not in the inbox yet; the marks has_… change only with something that is told.
create function private.conversations_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said('conversation.updated', array_agg(n.location_id), array_agg(n.id), array_agg(n.id))
    from new_rows n join old_rows o using (id) where n.last_at is not null
      and (n.contact_id, n.stage, n.assigned_to, n.starred, n.archived_at, n.last_at, n.last_kind, n.last_direction, n.last_preview, n.last_incoming_at, n.needs_reply)
        is distinct from (o.contact_id, o.stage, o.assigned_to, o.starred, o.archived_at, o.last_at, o.last_kind, o.last_direction, o.last_preview, o.last_incoming_at, o.needs_reply);
  return null;
end $$;
create trigger "60_broadcast" after update on public.conversations referencing old table as old_rows new table as new_rows
  for each statement execute function private.conversations_changed();

-- The event is the trigger's argument.
create function private.said_live() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said(tg_argv[0], array_agg(location_id), array_agg(id), array_agg(conversation_id)) from new_rows;
  return null;
end $$;
create function private.said_otherwise_live() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said(tg_argv[0], array_agg(n.location_id), array_agg(n.id), array_agg(n.conversation_id))
    from new_rows n join old_rows o using (id) where to_jsonb(n) - 'updated_at' is distinct from to_jsonb(o) - 'updated_at';
  return null;
end $$;
do $$
declare t text[];
begin
  foreach t slice 1 in array '{{messages,message.created,message.updated},{calls,call.updated,call.updated},
      {voicemails,voicemail.updated,voicemail.updated}}'::text[] loop
    execute format('create trigger "60_broadcast" after insert on public.%I referencing new table as new_rows
      for each statement execute function private.said_live(%L)', t[1], t[2]);
    execute format('create trigger "60_broadcast_later" after update on public.%I referencing old table as old_rows new table as new_rows
      for each statement execute function private.said_otherwise_live(%L)', t[1], t[3]);
  end loop;
end $$;

-- A recording is part of its call.
create function private.recordings_live() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said('call.updated', array_agg(c.location_id), array_agg(c.id), array_agg(c.conversation_id))
    from new_rows n join public.calls c on c.id = n.call_id;
  return null;
end $$;
create trigger "60_broadcast" after insert on public.call_recordings referencing new table as new_rows
  for each statement execute function private.recordings_live();

create function private.holds_live() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said('hold.updated', array_agg(location_id), array_agg(id), array_agg(null::uuid)) from new_rows;
  return null;
end $$;
create function private.holds_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_said('hold.updated', array_agg(n.location_id), array_agg(n.id), array_agg(null::uuid))
    from new_rows n join old_rows o using (id) where to_jsonb(n) - 'updated_at' is distinct from to_jsonb(o) - 'updated_at';
  return null;
end $$;
create trigger "60_broadcast" after insert on public.send_holds referencing new table as new_rows
  for each statement execute function private.holds_live();
create trigger "60_broadcast_later" after update on public.send_holds referencing old table as old_rows new table as new_rows
  for each statement execute function private.holds_changed();

-- One's own other tabs: what was read there is read here. (What came in is told as the conversation's change.)
create function private.broadcast_reads(p_users uuid[], p_locations uuid[], p_ids uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(*), 'ids', case when count(*) <= 50 then jsonb_agg(x.id) else '[]' end,
      'location_id', x.location_id), 'conversation.read', 'user:' || x.user_id, true)
    from unnest(p_users, p_locations, p_ids) x (user_id, location_id, id) group by x.user_id, x.location_id;
end $$;
create function private.reads_made() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_reads(array_agg(user_id), array_agg(location_id), array_agg(conversation_id)) from new_rows;
  return null;
end $$;
create function private.reads_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_reads(array_agg(n.user_id), array_agg(n.location_id), array_agg(n.conversation_id))
    from new_rows n join old_rows o using (user_id, conversation_id) where (o.read_to, o.is_unread) is distinct from (n.read_to, n.is_unread);
  return null;
end $$;
create trigger "60_broadcast" after insert on public.conversation_reads referencing new table as new_rows
  for each statement when (auth.uid() is not null) execute function private.reads_made();
create trigger "60_broadcast_later" after update on public.conversation_reads referencing old table as old_rows new table as new_rows
  for each statement when (auth.uid() is not null) execute function private.reads_changed();
create function private.notifications_read() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(*), 'ids', case when count(*) <= 50 then jsonb_agg(n.id) else '[]' end,
      'location_id', n.location_id), 'notification.read', 'user:' || n.user_id, true)
    from new_rows n join old_rows o using (id) where n.read_at is distinct from o.read_at group by n.user_id, n.location_id;
  return null;
end $$;
create trigger broadcast_read after update on public.notifications referencing old table as old_rows new table as new_rows
  for each statement execute function private.notifications_read();
