-- Read and unread, for each person his own; what is done to many conversations at once; and the figures on the badges.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- p_to never lies beyond what was said: a browser whose clock runs fast must not hide what comes next.
create function private.read_to(p_ids uuid[], p_to timestamptz) returns void language sql set search_path = '' as $$
  insert into public.conversation_reads (user_id, conversation_id, location_id, read_to, incoming_at)
    select auth.uid(), c.id, c.location_id, least(p_to, c.last_at), c.last_incoming_at from public.conversations c
    where c.id = any (p_ids) and c.last_at is not null order by c.id
    on conflict (user_id, conversation_id) do update set read_to = excluded.read_to where conversation_reads.read_to < excluded.read_to
$$;
create function private.unread_from(p_ids uuid[]) returns void language sql set search_path = '' as $$
  insert into public.conversation_reads (user_id, conversation_id, location_id, read_to, incoming_at)
    select auth.uid(), c.id, c.location_id, at - interval '1 microsecond', at
    from public.conversations c, lateral (select coalesce(c.last_incoming_at, c.last_at) as at) x
    where c.id = any (p_ids) and at is not null order by c.id
    on conflict (user_id, conversation_id) do update set read_to = excluded.read_to, incoming_at = excluded.incoming_at
$$;

create function public.mark_read(p_conversation uuid, p_to timestamptz default null) returns boolean
language plpgsql security definer set search_path = '' as $$
declare c public.conversations := private.my_conversation(p_conversation);
begin
  perform private.read_to(array[c.id], coalesce(p_to, 'infinity'));
  return coalesce((select is_unread from public.conversation_reads where user_id = auth.uid() and conversation_id = c.id), false);
end $$;
comment on function public.mark_read is 'Read by the caller up to p_to, the newest he saw; null: all there is. True when something came in after it.';

create function public.mark_unread(p_conversation uuid) returns boolean language plpgsql security definer set search_path = '' as $$
declare c public.conversations := private.my_conversation(p_conversation);
begin
  perform private.unread_from(array[c.id]);
  return coalesce((select is_unread from public.conversation_reads where user_id = auth.uid() and conversation_id = c.id), false);
end $$;

-- Locks all of them or waits for none: what comes in locks conversations in the order it comes, and two who wait for each other
-- would cost one of them his work.
create function private.lock_conversations(p_ids uuid[], p_reads boolean) returns void language plpgsql set search_path = '' as $$
begin
  for n in 1 .. 20 loop
    begin
      if p_reads then
        perform 1 from public.conversation_reads where user_id = auth.uid() and conversation_id = any (p_ids) order by conversation_id for no key update nowait;
      else
        perform 1 from public.conversations where id = any (p_ids) order by id for no key update nowait;
      end if;
      return;
    exception when lock_not_available then perform pg_sleep(0.05);
    end;
  end loop;
  perform private.refuse(409, 'rows_busy', 'Something is coming in for these conversations just now.', 'Try again in a second.');
end $$;

create function private.check_bulk(p_ids uuid[], p_action text, p_value text) returns void language plpgsql stable set search_path = '' as $$
begin
  if p_ids is null or cardinality(p_ids) not between 1 and 200 or array_position(p_ids, null) is not null then
    perform private.refuse(422, 'too_many_rows', 'p_ids: 1 to 200 conversations at once.', 'Go in parts.');
  elsif not coalesce(p_action = any ('{read,unread,archive,unarchive,star,unstar,assign,stage}'), false) then
    perform private.refuse(422, 'invalid_value', 'p_action must be read, unread, archive, unarchive, star, unstar, assign or stage.');
  elsif p_action = 'stage' and not coalesce(p_value = any ('{new_lead,quoted,scheduled,active,done}'), false) then
    perform private.refuse(422, 'invalid_value', 'p_value must be new_lead, quoted, scheduled, active or done.');
  elsif p_action = 'assign' and p_value is not null and not private.is_uuid(p_value) then
    perform private.refuse(422, 'invalid_value', 'p_value must be a person''s id, or null for nobody.');
  end if;
end $$;

create function public.bulk_conversations(p_ids uuid[], p_action text, p_value text default null) returns int
language plpgsql security definer set search_path = '' as $$
declare v_ids uuid[];
begin
  perform private.check_bulk(p_ids, p_action, p_value);
  v_ids := array(select id from public.conversations where id = any (p_ids) and location_id in (select private.my_locations('owner', 'admin')));
  if cardinality(v_ids) <> (select count(distinct x) from unnest(p_ids) x) then
    perform private.refuse(404, 'not_found', 'Not all of these conversations are yours.', 'Load the list again.');
  end if;
  perform private.lock_conversations(v_ids, p_action in ('read', 'unread'));
  if p_action = 'read' then perform private.read_to(v_ids, 'infinity');
  elsif p_action = 'unread' then perform private.unread_from(v_ids);
  else
    update public.conversations c set
        archived_at = case p_action when 'archive' then coalesce(c.archived_at, clock_timestamp()) when 'unarchive' then null else c.archived_at end,
        starred = case p_action when 'star' then true when 'unstar' then false else c.starred end,
        assigned_to = case p_action when 'assign' then p_value::uuid else c.assigned_to end,
        stage = case p_action when 'stage' then p_value else c.stage end
      where c.id = any (v_ids) and case p_action when 'archive' then c.archived_at is null when 'unarchive' then c.archived_at is not null
        when 'star' then not c.starred when 'unstar' then c.starred when 'assign' then c.assigned_to is distinct from p_value::uuid
        else c.stage <> p_value end;
  end if;
  return cardinality(v_ids);
end $$;
comment on function public.bulk_conversations is 'Read, unread, archive, unarchive, star, unstar, assign (p_value: whom, or null) or stage (p_value): all of up to 200, or none.';

-- Counted up to 1,000; more is "many" on any badge.
create function public.unread_counts(p_location uuid, p_now timestamptz default null) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_office boolean;
begin
  perform private.require_role(p_location, 'owner', 'admin', 'marketer', 'technician');
  v_office := private.my_role(p_location) in ('owner', 'admin');
  return jsonb_build_object(
    'conversations', case when v_office then (select count(*) from (select 1 from public.conversation_reads r join public.conversations c on c.id = r.conversation_id
      where r.user_id = auth.uid() and r.location_id = p_location and r.is_unread and c.archived_at is null limit 1000) x) end,
    'needs_reply', case when v_office then (select count(*) from (select 1 from public.conversations
      where location_id = p_location and needs_reply and archived_at is null limit 1000) x) end,
    'notifications', (select count(*) from (select 1 from public.notifications
      where user_id = auth.uid() and location_id = p_location and read_at is null limit 1000) x),
    'todos', (select count(*) from (select 1 from public.todos
      where location_id = p_location and status = 'open' and (assigned_to = auth.uid() or v_office and assigned_to is null) limit 1000) x),
    'todos_overdue', (select count(*) from (select 1 from public.todos where location_id = p_location and status = 'open' and due_at < v_now
      and (assigned_to = auth.uid() or v_office and assigned_to is null) limit 1000) x));
end $$;
comment on function public.unread_counts is 'The caller''s badges, each up to 1,000; conversations and needs_reply are null for who has no inbox.';
create index notifications_unread on public.notifications (user_id, location_id) where read_at is null;

insert into public.api_scope_functions values ('messages:read', 'unread_counts'), ('messages:write', 'unread_counts'),
  ('messages:write', 'mark_read'), ('messages:write', 'mark_unread'), ('messages:write', 'bulk_conversations');
revoke execute on function public.mark_read(uuid, timestamptz), public.mark_unread(uuid), public.bulk_conversations(uuid[], text, text),
  public.unread_counts(uuid, timestamptz) from public;
grant execute on function public.mark_read(uuid, timestamptz), public.mark_unread(uuid), public.bulk_conversations(uuid[], text, text),
  public.unread_counts(uuid, timestamptz) to authenticated;
