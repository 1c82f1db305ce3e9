-- Calls and what follows them: recordings, voicemails, transcripts, summaries. What comes before its call waits for it.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create function private.call_rank(p_status text) returns int language sql immutable parallel safe set search_path = '' as $$
  select coalesce(array_position('{ringing,answered,forwarded,abandoned,failed,missed,completed}'::text[], p_status), 0)
$$;

-- No event says "missed" on every surface: a call in that ended and that nobody took is one.
create function private.call_status(f jsonb) returns text language sql immutable set search_path = '' as $$
  select case when f ->> 'status' = 'completed' and f ->> 'direction' = 'incoming' and f ->> 'answered_at' is null and f ->> 'answered_by' is null
    and f ->> 'forwarded_to' is null and not coalesce((f ->> 'ai_handled')::boolean, false) then 'missed' else f ->> 'status' end
$$;

create function private.apply_call(f jsonb, p_ours public.phone_numbers, p_quiet boolean, p_now timestamptz) returns private.outcome
language plpgsql set search_path = '' as $$
declare
  v_phone text := (array_remove(private.texts(f -> 'participants'), p_ours.e164))[1];
  v_at timestamptz := private.said_at(f, p_now);
  v_outcome text := 'same';
  v_conversation uuid;
begin
  if not exists (select 1 from public.calls where external_id = f ->> 'id') then
    if v_phone is null or f ->> 'direction' is null or p_ours.id is null then return ('waits', 'call:' || (f ->> 'id'))::private.outcome; end if;
    v_conversation := private.conversation_for(p_ours.location_id, p_ours.id, array[v_phone], f ->> 'conversation_id');
    insert into public.calls (location_id, conversation_id, phone_number_id, contact_id, external_id, direction, phone, status, occurred_at)
      values (p_ours.location_id, v_conversation, p_ours.id, (select contact_id from public.conversations where id = v_conversation),
        f ->> 'id', f ->> 'direction', v_phone, 'ringing', v_at)
      on conflict (external_id) do nothing;
    if found then v_outcome := 'new'; end if;
  end if;
  if private.merge_call(f, p_quiet) and v_outcome = 'same' then v_outcome := 'changed'; end if;
  return (v_outcome, null)::private.outcome;
end $$;

create function private.merge_call(f jsonb, p_quiet boolean) returns boolean language plpgsql set search_path = '' as $$
declare
  v_old public.calls;
  v_new public.calls;
begin
  select * into v_old from public.calls where external_id = f ->> 'id' for update;
  v_new := v_old;
  if private.call_rank(private.call_status(f)) > private.call_rank(v_old.status) then v_new.status := private.call_status(f); end if;
  v_new.answered_at := least(v_old.answered_at, (f ->> 'answered_at')::timestamptz);
  v_new.completed_at := greatest(v_old.completed_at, (f ->> 'completed_at')::timestamptz);
  v_new.duration_s := greatest(v_old.duration_s, (f ->> 'duration_s')::int);
  v_new.answered_by := least(v_old.answered_by, f ->> 'answered_by');
  v_new.initiated_by := least(v_old.initiated_by, f ->> 'initiated_by');
  v_new.forwarded_from := least(v_old.forwarded_from, f ->> 'forwarded_from');
  v_new.forwarded_to := least(v_old.forwarded_to, f ->> 'forwarded_to');
  v_new.ai_handled := greatest(v_old.ai_handled, (f ->> 'ai_handled')::boolean);
  if v_new is not distinct from v_old then return false; end if;
  update public.calls set status = v_new.status, answered_at = v_new.answered_at, completed_at = v_new.completed_at, duration_s = v_new.duration_s,
    answered_by = v_new.answered_by, initiated_by = v_new.initiated_by, forwarded_from = v_new.forwarded_from,
    forwarded_to = v_new.forwarded_to, ai_handled = v_new.ai_handled where id = v_old.id;
  if not p_quiet and v_new.direction = 'incoming' and v_new.status in ('missed', 'abandoned') and v_old.status <> v_new.status then
    perform private.add_callback(v_new.location_id, v_new.external_id, 'Missed call from ' || v_new.phone, v_new.contact_id, v_new.conversation_id);
  end if;
  return true;
end $$;

-- Once, also when it was done before it is told again. True when it is new.
create function private.add_todo_once(p_location uuid, p_key text, p_title text, p_detail text, p_contact uuid, p_conversation uuid, p_priority int)
returns boolean language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from public.todos where location_id = p_location and dedupe_key = p_key) then return false; end if;
  return private.add_todo(p_location, p_key, p_title, p_detail, p_contact, p_conversation, p_priority) is not null;
end $$;

-- One a call, ever. A voicemail says more than a missed call.
create function private.add_callback(p_location uuid, p_call text, p_title text, p_contact uuid, p_conversation uuid) returns void
language plpgsql set search_path = '' as $$
declare
  v_key text := 'call:' || p_call;
  v_title text := left(p_title, 200);
begin
  if private.add_todo_once(p_location, v_key, v_title, null, p_contact, p_conversation, 2) then
    perform private.notify(p_location, 'call', v_key, v_title, null, jsonb_build_object('conversation_id', p_conversation));
  elsif v_title like 'Voicemail%' then
    update public.todos set title = v_title where location_id = p_location and dedupe_key = v_key and status = 'open' and title <> v_title;
    update public.notifications set title = v_title where location_id = p_location and dedupe_key = v_key and title <> v_title;
  end if;
end $$;
create index todos_dedupe_key on public.todos (location_id, dedupe_key) where dedupe_key is not null;

create function private.apply_recording(f jsonb) returns private.outcome language plpgsql set search_path = '' as $$
declare
  c public.calls;
  v_old public.call_recordings;
  v_count int;
begin
  select * into c from public.calls where external_id = f ->> 'call_id';
  if c.id is null then return ('waits', 'call:' || (f ->> 'call_id'))::private.outcome; end if;
  -- Older events give no id; it is known by its place then, until one comes.
  update public.call_recordings set external_id = f ->> 'id' where f ->> 'id' !~ ':recording:\d+$' and call_id = c.id
    and external_id = (select min(external_id) from public.call_recordings where call_id = c.id and external_id ~ ':recording:\d+$')
    and not exists (select 1 from public.call_recordings where external_id = f ->> 'id');
  select * into v_old from public.call_recordings where external_id = f ->> 'id'
    or (f ->> 'id' ~ ':recording:\d+$' and call_id = c.id) order by external_id = f ->> 'id' desc, external_id limit 1;
  insert into public.call_recordings (location_id, call_id, external_id, status, duration_s, started_at)
    values (c.location_id, c.id, coalesce(v_old.external_id, f ->> 'id'), f ->> 'status', (f ->> 'duration_s')::int, (f ->> 'started_at')::timestamptz)
    on conflict (external_id) do update set duration_s = greatest(call_recordings.duration_s, excluded.duration_s),
      started_at = least(call_recordings.started_at, excluded.started_at),
      status = case when call_recordings.status = 'completed' then 'completed' else coalesce(excluded.status, call_recordings.status) end;
  v_count := private.add_sound(c.location_id, c.conversation_id, c.contact_id,
    (select id from public.call_recordings where external_id = coalesce(v_old.external_id, f ->> 'id')), null, f);
  return (case when v_old.id is null then 'new' when v_count > 0 then 'changed' else 'same' end, null)::private.outcome;
end $$;

create function private.add_sound(p_location uuid, p_conversation uuid, p_contact uuid, p_recording uuid, p_voicemail uuid, f jsonb) returns int
language plpgsql set search_path = '' as $$
declare v_old public.media;
begin
  if f ->> 'url' is null then return 0; end if;
  insert into public.media (location_id, conversation_id, contact_id, recording_id, voicemail_id, source_url, declared_mime)
    values (p_location, p_conversation, p_contact, p_recording, p_voicemail, f ->> 'url', f ->> 'type') on conflict do nothing;
  if found then return 1; end if;
  select * into v_old from public.media where recording_id = p_recording or voicemail_id = p_voicemail for update;
  if v_old.status = 'stored' or v_old.source_url = f ->> 'url' then return 0; end if;
  update public.media set source_url = f ->> 'url', status = 'waiting', attempts = 0, next_try_at = clock_timestamp(), error = null where id = v_old.id;
  return 1;
end $$;

create function private.apply_voicemail(f jsonb, p_ours public.phone_numbers, p_quiet boolean, p_now timestamptz) returns private.outcome
language plpgsql set search_path = '' as $$
declare
  c public.calls;
  v_phone text := nullif(f ->> 'from', p_ours.e164);
  v_old public.voicemails;
  v_id uuid;
  v_count int;
begin
  select * into c from public.calls where external_id = f ->> 'call_id' and (p_ours.id is null or location_id = p_ours.location_id);
  v_phone := coalesce(v_phone, c.phone);
  if (v_phone is null or p_ours.id is null) and c.id is null then return ('waits', 'call:' || coalesce(f ->> 'call_id', f ->> 'id'))::private.outcome; end if;
  v_old := private.voicemail_of(f);
  v_id := coalesce(v_old.id, private.add_voicemail(f, c, p_ours, v_phone, p_now));
  update public.voicemails v set external_id = case when f ->> 'id' ~ ':voicemail$' then external_id else f ->> 'id' end,
      call_id = coalesce(call_id, c.id), call_external_id = coalesce(call_external_id, f ->> 'call_id'),
      duration_s = greatest(duration_s, (f ->> 'duration_s')::int), transcript = greatest(transcript, f ->> 'transcript') where id = v_id
    and (call_id is distinct from coalesce(call_id, c.id) or external_id <> f ->> 'id' or call_external_id is null
      or duration_s is distinct from greatest(duration_s, (f ->> 'duration_s')::int) or transcript is distinct from greatest(transcript, f ->> 'transcript'));
  get diagnostics v_count = row_count;
  v_count := v_count + (select private.add_sound(location_id, conversation_id, contact_id, null, id, f) from public.voicemails where id = v_id);
  if v_old.id is null and not p_quiet then
    perform private.add_callback(v.location_id, coalesce(v.call_external_id, v.external_id), 'Voicemail from ' || v.phone, v.contact_id, v.conversation_id)
      from public.voicemails v where id = v_id;
  end if;
  return (case when v_old.id is null then 'new' when v_count > 0 then 'changed' else 'same' end, null)::private.outcome;
end $$;

-- By its id; or by its call, while it has no id of its own.
create function private.voicemail_of(f jsonb) returns public.voicemails language sql stable set search_path = '' as $$
  select * from public.voicemails where external_id = f ->> 'id'
    or (call_external_id = f ->> 'call_id' and (f ->> 'id' ~ ':voicemail$' or external_id ~ ':voicemail$'))
  order by external_id = f ->> 'id' desc, external_id limit 1
$$;

create function private.add_voicemail(f jsonb, c public.calls, p_ours public.phone_numbers, p_phone text, p_now timestamptz) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_location uuid := coalesce(p_ours.location_id, c.location_id);
  v_conversation uuid := coalesce(c.conversation_id,
    private.conversation_for(v_location, p_ours.id, array[p_phone], f ->> 'conversation_id'));
  v_id uuid;
begin
  insert into public.voicemails (location_id, conversation_id, call_id, contact_id, external_id, call_external_id, phone, occurred_at)
    values (v_location, v_conversation, c.id, (select contact_id from public.conversations where id = v_conversation), f ->> 'id',
      f ->> 'call_id', p_phone, private.said_at(f, p_now)) returning id into v_id;
  return v_id;
end $$;

create function private.artefact_rank(p_status text) returns int language sql immutable parallel safe set search_path = '' as $$
  select coalesce(array_position('{in-progress,absent,failed,completed}'::text[], p_status), 0)
$$;
create function private.apply_words(f jsonb) returns private.outcome language plpgsql set search_path = '' as $$
begin
  if not exists (select 1 from public.calls where external_id = f ->> 'call_id') then return ('waits', 'call:' || (f ->> 'call_id'))::private.outcome; end if;
  if f ->> 'kind' = 'transcript' then
    update public.calls set transcript_status = coalesce(f ->> 'status', 'completed'), dialogue = nullif(f -> 'dialogue', 'null') where external_id = f ->> 'call_id'
      and (private.artefact_rank(coalesce(f ->> 'status', 'completed')) > private.artefact_rank(transcript_status)
        or (transcript_status = coalesce(f ->> 'status', 'completed') and dialogue is null and jsonb_typeof(f -> 'dialogue') = 'array'));
  else
    update public.calls set summary_status = coalesce(f ->> 'status', 'completed'), summary = private.texts_or_null(f -> 'summary'),
        next_steps = private.texts_or_null(f -> 'next_steps') where external_id = f ->> 'call_id'
      and (private.artefact_rank(coalesce(f ->> 'status', 'completed')) > private.artefact_rank(summary_status)
        or (summary_status = coalesce(f ->> 'status', 'completed') and summary is null and jsonb_typeof(f -> 'summary') = 'array'));
  end if;
  return (case when found then 'changed' else 'same' end, null)::private.outcome;
end $$;
create function private.texts_or_null(p_list jsonb) returns text[] language sql immutable set search_path = '' as $$
  select case when jsonb_typeof(p_list) = 'array' then private.texts(p_list) end
$$;
