-- A conversation's columns are read off what was said in it, so they are the same in whatever order it came.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- The newest thing said, the system's own health texts apart; things of one instant go by the vendor's id.
-- By the indexes of the thread, also while the planner has no statistics of tables that just filled: a connection keeps its plan.
create function private.last_said(p_conversation uuid, out at timestamptz, out kind text, out direction text, out preview text)
language plpgsql stable set search_path = '' set enable_seqscan = 'off' set enable_bitmapscan = 'off' as $$
begin
  select x.at, x.kind, x.direction, x.preview into at, kind, direction, preview from (
    (select occurred_at, 'message', m.direction, nullif(left(body, 160), ''), external_id from public.messages m
       where conversation_id = p_conversation and status <> 'cancelled' and m.kind is distinct from 'health' order by occurred_at desc, external_id desc nulls last, id desc limit 1)
    union all
    (select occurred_at, 'call', c.direction, c.status, external_id from public.calls c
       where conversation_id = p_conversation order by occurred_at desc, external_id desc, id desc limit 1)
    union all
    (select occurred_at, 'voicemail', 'incoming', nullif(left(transcript, 160), ''), external_id from public.voicemails v
       where conversation_id = p_conversation order by occurred_at desc, external_id desc, id desc limit 1)
  ) x (at, kind, direction, preview, external_id) order by x.at desc, x.external_id desc nulls last limit 1;
end $$;

-- Theirs: texts that are more than a keyword, calls nobody took, voicemails. Ours: texts that went out or may yet, calls that were taken or made.
create function private.last_words(p_conversation uuid, out incoming timestamptz, out theirs timestamptz, out outgoing timestamptz, out ours timestamptz,
  out replied boolean)
language plpgsql stable set search_path = '' set enable_seqscan = 'off' set enable_bitmapscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off' as $$
begin
  select greatest(m.incoming, c.incoming, v.incoming), greatest(m.theirs, c.missed, v.incoming), greatest(m.outgoing, c.outgoing),
    greatest(m.outgoing, c.taken), m.incoming is not null into incoming, theirs, outgoing, ours, replied
  from (select
      (select occurred_at from public.messages where conversation_id = p_conversation and direction = 'incoming'
         order by occurred_at desc limit 1) as incoming,
      (select occurred_at from public.messages t where conversation_id = p_conversation and direction = 'incoming' and not exists (
         select 1 from private.keyword_texts k where k.message_id = t.id and k.outcome in ('opt_out', 'opt_in', 'help'))
         order by occurred_at desc limit 1) as theirs,
      (select occurred_at from public.messages where conversation_id = p_conversation and direction = 'outgoing' and not is_system
         and status not in ('failed', 'undelivered', 'cancelled') order by occurred_at desc limit 1) as outgoing) m,
    (select max(occurred_at) filter (where direction = 'incoming') as incoming, max(occurred_at) filter (where direction = 'outgoing') as outgoing,
       max(occurred_at) filter (where direction = 'incoming' and status in ('missed', 'abandoned', 'failed')) as missed,
       max(occurred_at) filter (where direction = 'outgoing' or status in ('answered', 'completed', 'forwarded')) as taken
     from public.calls where conversation_id = p_conversation) c,
    (select max(occurred_at) as incoming from public.voicemails where conversation_id = p_conversation) v;
end $$;

-- Within a batch (from private.begin_batch to private.end_batch, 20261121143500) what follows a row waits for the end and is done once
-- for all. It is kept in a setting of the transaction, for a savepoint that goes back takes its part along.
create function private.put_off(p_what text, p_rows jsonb) returns boolean language plpgsql set search_path = '' as $$
declare v_list text := current_setting('crm.put_off', true);
begin
  if coalesce(v_list, '') = '' then return false; end if;
  perform set_config('crm.put_off', v_list || ',' || jsonb_build_array(p_what, p_rows), true);
  return true;
end $$;
comment on function private.put_off is 'False outside a batch: do it now.';

-- PL/pgSQL, whose plans a connection keeps: each text asks this.
create function private.refresh_conversations(p_ids uuid[]) returns void language plpgsql set search_path = '' as $$
begin
  if private.put_off('said', to_jsonb(p_ids)) then return; end if;
  update public.conversations c set last_at = x.at, last_kind = x.kind, last_direction = x.direction, last_preview = x.preview,
      last_incoming_at = x.incoming, last_outgoing_at = x.outgoing, needs_reply = x.needs_reply, has_replied = x.replied
    from (select v.id, s.*, w.incoming, w.outgoing, w.replied, coalesce(w.theirs >= coalesce(w.ours, '-infinity'), false) as needs_reply
      from unnest(p_ids) v (id), lateral private.last_said(v.id) s, lateral private.last_words(v.id) w) x
    where c.id = x.id and (c.last_at, c.last_kind, c.last_direction, c.last_preview, c.last_incoming_at, c.last_outgoing_at, c.needs_reply, c.has_replied)
      is distinct from (x.at, x.kind, x.direction, x.preview, x.incoming, x.outgoing, x.needs_reply, x.replied);
end $$;
comment on function private.refresh_conversations is 'Reads the columns off the rows; writes only what changed.';

create function private.said() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_conversations(array(select distinct conversation_id from new_rows order by 1));
  return null;
end $$;
create function private.said_otherwise() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.refresh_conversations(array(select distinct x.conversation_id from
    (select id, conversation_id, to_jsonb(o) - 'updated_at' as told from old_rows o) o
    join (select id, conversation_id, to_jsonb(n) - 'updated_at' as told from new_rows n) n using (id),
    lateral (values (o.conversation_id), (n.conversation_id)) x (conversation_id)
    where o.told is distinct from n.told order by 1));
  return null;
end $$;
do $$
declare t text;
begin
  foreach t in array '{messages,calls,voicemails}'::text[] loop
    execute format('create trigger "50_said" after insert on public.%I referencing new table as new_rows
      for each statement execute function private.said()', t);
    execute format('create trigger "50_said_otherwise" after update on public.%I referencing old table as old_rows new table as new_rows
      for each statement execute function private.said_otherwise()', t);
  end loop;
end $$;

-- What once was, stays.
create function private.mark_campaigns() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from new_rows where campaign_id is not null) then
    update public.conversations set has_campaign_messages = true where not has_campaign_messages
      and id in (select conversation_id from new_rows where campaign_id is not null);
  end if;
  return null;
end $$;
create trigger "40_mark" after insert on public.messages referencing new table as new_rows
  for each statement execute function private.mark_campaigns();
create trigger "40_mark_otherwise" after update on public.messages referencing new table as new_rows
  for each statement execute function private.mark_campaigns();
create function private.mark_media() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.conversations c set has_media = true from (select distinct conversation_id from new_rows) x
    where c.id = x.conversation_id and not c.has_media;
  return null;
end $$;
create trigger "40_mark" after insert on public.media referencing new table as new_rows for each statement execute function private.mark_media();
