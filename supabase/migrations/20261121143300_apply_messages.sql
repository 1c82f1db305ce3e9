-- Texts as the vendor tells of them: once each, whatever the order, and their status only forward.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create type private.outcome as (outcome text, detail text);
comment on type private.outcome is 'new, changed, same, ignored; waits (detail: for what, as in webhook_events.waits_for); dead (detail: a code and a sentence).';

create function private.texts(p_list jsonb) returns text[] language plpgsql immutable set search_path = '' as $$
begin
  return array(select jsonb_array_elements_text(p_list) where jsonb_typeof(p_list) = 'array');
end $$;

-- When it was said. A date that cannot be (a START of the year 9999 would undo every STOP to come) is that of its arrival.
create function private.said_at(f jsonb, p_now timestamptz) returns timestamptz language plpgsql stable set search_path = '' as $$
declare v_at timestamptz := (f ->> 'occurred_at')::timestamptz;
begin
  return case when v_at between '2010-01-01Z' and p_now + interval '1 hour' then v_at else p_now end;
end $$;

create function private.message_rank(p_status text) returns int language sql immutable parallel safe set search_path = '' as $$
  select coalesce(array_position('{queued,unconfirmed,sent,failed,undelivered,delivered}'::text[], p_status), 0)
$$;

-- What the vendor itself answers to STOP and START: no word of ours.
create function private.is_vendors_confirmation(p_text text) returns boolean language sql immutable parallel safe set search_path = '' as $$
  select coalesce(p_text ~* '\m(you have|you''ve|you are|you''re)( now| been| successfully)* (un|re-?)subscribed\M'
    or p_text ~* '\myou (have|are)( now| been| successfully)* opted (out|in|back in)\M'
    or p_text ~* '\m(will not receive any more|no more|no further|stop receiving) (messages|texts)\M.*\m(start|unstop)\M', false)
$$;

-- A send of ours to the same people whose outcome is open: the event may tell of it. Locked, so that whoever finishes the send
-- comes before us or after us.
create function private.open_send(p_number uuid, p_phones text[], p_body text, p_at timestamptz) returns public.outbound
language sql set search_path = '' as $$
  select * from public.outbound
    where phone_number_id = p_number and to_phones @> p_phones and to_phones <@ p_phones
      and (state = 'dispatching' or (state = 'unconfirmed' and body = p_body
        and p_at between call_started_at - interval '2 minutes' and call_started_at + interval '1 day'))
    order by state = 'dispatching' desc, call_started_at, id limit 1 for update
$$;

-- One that a person settled, as sent or as not sent, whose report came after all.
create function private.settled_send(p_number uuid, p_phones text[], p_body text, p_at timestamptz) returns public.outbound
language sql set search_path = '' as $$
  select * from public.outbound
    where phone_number_id = p_number and (state = 'accepted' or rule = 'not_sent') and external_id is null and body = p_body and to_phones @> p_phones
      and to_phones <@ p_phones and p_at between call_started_at - interval '2 minutes' and call_started_at + interval '1 day'
    order by call_started_at, id limit 1 for update
$$;
create index outbound_settled on public.outbound (phone_number_id) where (state = 'accepted' or rule = 'not_sent') and external_id is null;

create function private.apply_message(f jsonb, p_ours public.phone_numbers, p_quiet boolean, p_now timestamptz) returns private.outcome
language plpgsql set search_path = '' as $$
declare
  v_phones text[] := array_remove(private.texts(f -> 'participants'), p_ours.e164);
  v_id uuid := (select id from public.messages where external_id = f ->> 'id');
  v_open public.outbound;
begin
  if v_id is null and f ->> 'direction' = 'outgoing' and p_ours.id is not null then
    v_open := private.open_send(p_ours.id, v_phones, f ->> 'text', (f ->> 'occurred_at')::timestamptz);
    -- It may have been finished while we waited for it.
    v_id := (select id from public.messages where external_id = f ->> 'id');
    if v_id is null and v_open.state = 'dispatching' then return ('waits', 'outbound:' || v_open.id)::private.outcome; end if;
    if v_id is null and v_open.id is not null then
      perform private.settle_unconfirmed(v_open.id, f ->> 'id', p_now);
      v_id := v_open.message_id;
    elsif v_id is null then
      v_open := private.settled_send(p_ours.id, v_phones, f ->> 'text', (f ->> 'occurred_at')::timestamptz);
      update public.outbound set external_id = f ->> 'id' where id = v_open.id returning message_id into v_id;
      if v_open.rule = 'not_sent' then
        perform private.tell_of_send(v_open, 'send_alarm', 'A text went out after all', 'It was settled as not sent, and OpenPhone has it. Was it written anew?');
      end if;
    end if;
  end if;
  if v_id is not null then return (private.forward_message(v_id, f), null)::private.outcome; end if;
  if p_ours.id is null or f ->> 'direction' is null or f ->> 'text' is null or cardinality(v_phones) = 0 then
    return ('waits', 'message:' || (f ->> 'id'))::private.outcome; -- a report that says only which one: the vendor is asked for the rest
  end if;
  return (private.add_message(f, p_ours, v_phones, p_quiet, p_now), null)::private.outcome;
end $$;

create function private.add_message(f jsonb, p_ours public.phone_numbers, p_phones text[], p_quiet boolean, p_now timestamptz) returns text
language plpgsql set search_path = '' as $$
declare
  v_in boolean := f ->> 'direction' = 'incoming';
  v_from text := case when v_in then coalesce(f ->> 'from', p_phones[1]) else p_ours.e164 end;
  v_to text[] := case when v_in then array(select distinct x collate "C" from unnest(private.texts(f -> 'to') || p_ours.e164) x order by 1)
    else array(select distinct x collate "C" from unnest(p_phones) x order by 1) end;
  v_conversation uuid := private.conversation_for(p_ours.location_id, p_ours.id, p_phones, f ->> 'conversation_id');
  v_contact uuid := case when v_in or cardinality(p_phones) = 1
    then private.contact_for_phone(p_ours.location_id, case when v_in then v_from else p_phones[1] end) end;
  v_at timestamptz := private.said_at(f, p_now);
  m public.messages;
begin
  insert into public.messages (location_id, conversation_id, phone_number_id, contact_id, external_id, direction, body, from_phone, to_phone,
      to_phones, status, source, is_system, occurred_at, sent_at)
    values (p_ours.location_id, v_conversation, p_ours.id, v_contact, f ->> 'id', f ->> 'direction', f ->> 'text', v_from,
      case when v_in then p_ours.e164 else v_to[1] end, v_to, case when v_in then 'received' else 'sent' end, 'vendor',
      not v_in and private.is_vendors_confirmation(f ->> 'text'), v_at, v_at)
    on conflict (external_id) do nothing returning * into m;
  if m.id is null then
    return private.forward_message((select id from public.messages where external_id = f ->> 'id'), f);
  end if;
  -- Before anybody else looks at it: does it say STOP?
  if v_in and private.is_e164(v_from) and private.take_keyword(m.id, p_quiet, p_now) in ('opt_out', 'opt_in', 'help') then
    perform private.refresh_conversations(array[v_conversation]); -- there is nothing to reply to
  end if;
  if v_in then perform private.add_media(m, f); else perform private.forward_message(m.id, f); end if;
  if v_in and not p_quiet then perform private.tell_of_message(m); end if;
  return 'new';
end $$;

-- Rank decides, not order; among equals the one that sorts first, so that both orders end alike.
create function private.forward_message(p_message uuid, f jsonb) returns text language plpgsql set search_path = '' as $$
declare
  v_old public.messages;
  v_new public.messages;
begin
  select * into v_old from public.messages where id = p_message;
  v_new := v_old;
  if v_old.direction = 'outgoing' then
    if private.message_rank(f ->> 'status') > private.message_rank(v_old.status) then
      v_new.status := f ->> 'status';
      v_new.error_code := f ->> 'error_code'; v_new.error_text := f ->> 'error_text';
    elsif f ->> 'status' = v_old.status then
      v_new.error_code := least(v_old.error_code, f ->> 'error_code'); v_new.error_text := least(v_old.error_text, f ->> 'error_text');
    end if;
    if f ->> 'status' = 'delivered' then v_new.delivered_at := least(v_old.delivered_at, (f ->> 'reported_at')::timestamptz); end if;
    if v_old.source = 'vendor' then
      v_new.external_user_id := least(v_old.external_user_id, f ->> 'user_id');
      v_new.sent_by := (select id from public.profiles where openphone_user_id = v_new.external_user_id);
    end if;
  end if;
  if v_new is distinct from v_old then
    update public.messages set status = v_new.status, error_code = v_new.error_code, error_text = v_new.error_text,
      delivered_at = v_new.delivered_at, external_user_id = v_new.external_user_id, sent_by = v_new.sent_by where id = p_message;
    if v_old.source = 'app' then
      perform private.outbound_reported(p_message, v_new.status, v_new.delivered_at, v_new.error_code, v_new.error_text);
    end if;
  end if;
  return case when private.add_media(v_old, f) + (v_new is distinct from v_old)::int > 0 then 'changed' else 'same' end;
end $$;

create function private.add_media(p_message public.messages, f jsonb) returns int language plpgsql set search_path = '' as $$
declare v_count int := 0;
begin
  if jsonb_typeof(f -> 'media') = 'array' and f -> 'media' <> '[]' then
    insert into public.media (location_id, conversation_id, contact_id, message_id, position, source_url, declared_mime)
      select p_message.location_id, p_message.conversation_id, p_message.contact_id, p_message.id, nth - 1, item ->> 'url', item ->> 'type'
      from jsonb_array_elements(f -> 'media') with ordinality x (item, nth)
      on conflict (message_id, position) where message_id is not null
        do update set source_url = excluded.source_url, status = 'waiting', attempts = 0, next_try_at = clock_timestamp(), error = null
        where media.status <> 'stored' and media.source_url <> excluded.source_url;
    get diagnostics v_count = row_count;
  end if;
  return v_count;
end $$;
comment on function private.add_media is 'A newer address replaces one that was not fetched yet.';

create function private.tell_of_message(m public.messages) returns void language plpgsql set search_path = '' as $$
declare v_row jsonb;
begin
  v_row := jsonb_build_object('location', m.location_id, 'kind', 'message', 'dedupe_key', 'message:' || m.external_id, 'title', 'Text from ' || m.from_phone,
    'body', nullif(left(m.body, 160), ''), 'link', jsonb_build_object('conversation_id', m.conversation_id, 'message_id', m.id),
    'user', (select assigned_to from public.conversations where id = m.conversation_id));
  if not private.put_off('notify', v_row) then perform private.notify_all(jsonb_build_array(v_row)); end if;
end $$;
