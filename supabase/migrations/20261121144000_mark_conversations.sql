-- What the inbox sorts by: who has not read what, what is hidden until it is answered, and an index for each filter.
-- Locks conversations and their reads for the time their indexes take, and writes to contacts while one is built.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.conversations add column has_calls boolean not null default false, add column has_words boolean not null default false;
comment on column public.conversations.has_words is 'Anything beside campaign texts and what the system says by itself. Without it a campaign''s thread waits out of sight.';
update public.conversations c set has_calls = exists (select 1 from public.calls where conversation_id = c.id)
    or exists (select 1 from public.voicemails where conversation_id = c.id),
  has_words = exists (select 1 from public.messages where conversation_id = c.id and (direction = 'incoming' or (campaign_id is null and not is_system)))
    or exists (select 1 from public.calls where conversation_id = c.id) or exists (select 1 from public.voicemails where conversation_id = c.id);

create function private.mark_words() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- An update of no row would still be a statement, and fire all triggers of conversations.
  if exists (select 1 from new_rows n join public.conversations c on c.id = n.conversation_id where not c.has_words) then
    update public.conversations c set has_words = true from (select distinct conversation_id from new_rows
        where direction = 'incoming' or (campaign_id is null and not is_system)) x
      where c.id = x.conversation_id and not c.has_words;
  end if;
  return null;
end $$;
create trigger "41_mark_words" after insert on public.messages referencing new table as new_rows
  for each statement execute function private.mark_words();
create function private.mark_calls() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.conversations c set has_words = true, has_calls = true from (select distinct conversation_id from new_rows) x
    where c.id = x.conversation_id and not (c.has_calls and c.has_words);
  return null;
end $$;
create trigger "41_mark_calls" after insert on public.calls referencing new table as new_rows
  for each statement execute function private.mark_calls();
create trigger "41_mark_calls" after insert on public.voicemails referencing new table as new_rows
  for each statement execute function private.mark_calls();

-- Archived is out of the way until they say something; when is ours to say, for clocks of browsers differ.
create function private.keep_archive() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.last_incoming_at > coalesce(old.last_incoming_at, '-infinity') then new.archived_at := null;
  elsif auth.uid() is not null and new.archived_at is distinct from old.archived_at and new.archived_at is not null then
    new.archived_at := clock_timestamp();
  end if;
  return new;
end $$;
create trigger "10_keep_archive" before update of archived_at, last_incoming_at on public.conversations for each row
  when (new.archived_at is not null) execute function private.keep_archive();

-- Each of the office has one row for a conversation in which something came in since he joined: what was said before he did is
-- read. Kept when it comes in, so that what is unread is found without looking at what is not.
alter table public.conversation_reads add column incoming_at timestamptz,
  add column is_unread boolean not null generated always as (coalesce(incoming_at > read_to, false)) stored;
comment on column public.conversation_reads.incoming_at is 'When something came in last, or what was marked as unread was said.';
create index conversation_reads_unread on public.conversation_reads (user_id, location_id, conversation_id) where is_unread;

-- PL/pgSQL, whose plan a connection keeps: each text asks this.
create function private.note_incoming(p_ids uuid[]) returns void language plpgsql security definer set search_path = '' as $$
begin
  insert into public.conversation_reads (user_id, conversation_id, location_id, read_to, incoming_at)
    select m.user_id, c.id, c.location_id, m.created_at, c.last_incoming_at
    from public.conversations c join public.location_members m on m.location_id = c.location_id and m.is_active and m.role in ('owner', 'admin')
    left join public.conversation_reads r on r.user_id = m.user_id and r.conversation_id = c.id
    where c.id = any (p_ids) and c.last_incoming_at is distinct from r.incoming_at
      and (r.user_id is not null or c.last_incoming_at > m.created_at)
    order by c.id, m.user_id
    on conflict (user_id, conversation_id) do update set incoming_at = excluded.incoming_at;
end $$;
create function private.conversations_made() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.note_incoming(array_agg(id)) from new_rows where last_incoming_at is not null;
  return null;
end $$;
create function private.conversations_grew() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.note_incoming(array_agg(n.id)) from new_rows n join old_rows o using (id)
    where n.last_incoming_at is distinct from o.last_incoming_at having count(*) > 0;
  return null;
end $$;
create trigger "30_note_incoming" after insert on public.conversations referencing new table as new_rows
  for each statement execute function private.conversations_made();
create trigger "30_note_incoming_later" after update on public.conversations referencing old table as old_rows new table as new_rows
  for each statement execute function private.conversations_grew();
select private.note_incoming(array_agg(id)) from public.conversations where last_incoming_at is not null;

-- Who leaves the office keeps no conversation, who leaves the place no todo; and neither is told any more what customers write.
create function private.hand_back_work() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.is_active and new.role in ('owner', 'admin') then return null; end if;
  update public.conversations set assigned_to = null where location_id = old.location_id and assigned_to = old.user_id;
  delete from public.notifications where location_id = old.location_id and user_id = old.user_id;
  if tg_op = 'DELETE' or not new.is_active then
    update public.todos set assigned_to = null where location_id = old.location_id and assigned_to = old.user_id and status = 'open';
  end if;
  return null;
end $$;
create trigger hand_back_work after update of role, is_active or delete on public.location_members for each row
  execute function private.hand_back_work();

-- One for each way to look at the inbox, newest first; partial, for a filter that leaves most of them out must not read them.
create index conversations_shown on public.conversations (location_id, last_at desc, id desc)
  where archived_at is null and (has_words or not has_campaign_messages);
create index conversations_needs_reply on public.conversations (location_id, last_at desc, id desc) where needs_reply;
create index conversations_starred on public.conversations (location_id, last_at desc, id desc) where starred;
create index conversations_media on public.conversations (location_id, last_at desc, id desc) where has_media;
create index conversations_calls on public.conversations (location_id, last_at desc, id desc) where has_calls;
create index conversations_replies on public.conversations (location_id, last_at desc, id desc) where has_campaign_messages and has_replied;
create index conversations_archived on public.conversations (location_id, last_at desc, id desc) where archived_at is not null;
create index conversations_groups on public.conversations (location_id, last_at desc, id desc) where is_group;
create index conversations_stage on public.conversations (location_id, stage, last_at desc, id desc) where stage <> 'new_lead';
create index conversations_number on public.conversations (phone_number_id, last_at desc, id desc);
create index conversations_assignee on public.conversations (location_id, assigned_to, last_at desc, id desc) where assigned_to is not null;
create index messages_email on public.messages (location_id, conversation_id) where channel <> 'sms';
create index contacts_employees on public.contacts (location_id) where is_employee or contact_type = 'employee';
create index contacts_kind on public.contacts (location_id, contact_type) where contact_type <> 'homeowner';
