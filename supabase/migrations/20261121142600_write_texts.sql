-- One text, written by a person: looked at before it is sent, and put into the machine. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create type private.addressee as (location_id uuid, number_id uuid, phones text[], conversation_id uuid, contact_id uuid);

create function private.addressee_of(p_location uuid, p_phone text, p_contact uuid, p_conversation uuid, p_number uuid) returns private.addressee
language plpgsql security definer set search_path = '' as $$
declare a private.addressee;
begin
  if num_nonnulls(p_phone, p_contact, p_conversation) <> 1 then
    perform private.refuse(422, 'invalid_value', 'to must name one of a phone number, a contact or a conversation.');
  elsif p_conversation is not null then
    select location_id, phone_number_id, participants, id, contact_id into a from public.conversations
      where id = p_conversation and location_id in (select private.my_locations('owner', 'admin'));
  elsif p_contact is not null then
    select location_id, null::uuid, array[phone], null::uuid, id into a from public.contacts
      where id = p_contact and deleted_at is null and location_id in (select private.my_locations('owner', 'admin'));
  else
    a.location_id := coalesce(p_location, private.only_location());
    perform private.require_role(a.location_id, 'owner', 'admin');
    a.phones := array[p_phone]; a.contact_id := private.contact_by_phone(a.location_id, p_phone);
  end if;
  if a.location_id is null or a.location_id is distinct from coalesce(p_location, a.location_id) then
    perform private.refuse(404, 'not_found', 'Nobody of that kind that you may write to.');
  elsif a.phones[1] is null then
    perform private.refuse(422, 'no_phone', 'contact_id has no phone number.', 'Add one, or name the number.');
  end if;
  a.number_id := coalesce(p_number, a.number_id, private.number_for(a.location_id, a.phones));
  if p_number is not null and not exists (select 1 from public.phone_numbers where id = p_number and location_id = a.location_id) then
    perform private.refuse(404, 'not_found', 'No such number of ours.');
  elsif not exists (select 1 from public.conversations where id = a.conversation_id and phone_number_id = a.number_id) then
    a.conversation_id := null; -- from another number of ours it is another conversation
  end if;
  return a;
end $$;

create function private.only_location() returns uuid language plpgsql stable set search_path = '' as $$
declare v_ids uuid[] := array(select private.my_locations('owner', 'admin'));
begin
  if cardinality(v_ids) > 1 then
    perform private.refuse(422, 'location_required', 'You work at several locations.', 'Name one in location_id.');
  end if;
  return v_ids[1];
end $$;

-- The number they know us by, else the first one.
create function private.number_for(p_location uuid, p_phones text[]) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return coalesce(
    (select c.phone_number_id from public.conversations c join public.phone_numbers n on n.id = c.phone_number_id
      where c.participants = p_phones and c.location_id = p_location and n.is_active order by c.last_at desc nulls last, c.id limit 1),
    (select id from public.phone_numbers where location_id = p_location and is_active order by created_at, id limit 1));
end $$;

-- Words as they stand, unless they hold a token; a template always is rendered.
create function private.text_to_send(p_body text, p_template uuid, a private.addressee) returns text language plpgsql stable set search_path = '' as $$
declare v_text text;
begin
  if num_nonnulls(p_body, p_template) <> 1 then
    perform private.refuse(422, 'invalid_value', 'body or template_id must be given, and only one of them.');
  elsif p_template is not null then
    select body into v_text from public.campaign_templates where id = p_template and location_id = a.location_id and archived_at is null;
    if v_text is null then perform private.refuse(404, 'not_found', 'No such template.'); end if;
  end if;
  v_text := coalesce(v_text, p_body);
  if p_template is not null or v_text ~ '\{\s*[A-Za-z_]+\s*(\|[^{}]*)?\}' then
    v_text := private.render_text(v_text, private.text_values(a.location_id, a.contact_id));
  end if;
  -- What the vendor tells of it is matched by its words, and blanks at the ends may be lost there.
  v_text := btrim(v_text, E' \t\r\n');
  if v_text = '' then
    perform private.refuse(422, 'invalid_value', 'body is empty.', 'Write something.');
  elsif length(v_text) > 1600 then
    perform private.refuse(422, 'text_too_long', format('body has %s characters, and 1600 is the most.', length(v_text)), 'Make two texts of it.');
  end if;
  return v_text;
end $$;

create function private.text_facts(a private.addressee, p_text text) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('location_id', a.location_id, 'from', (select e164 from public.phone_numbers where id = a.number_id),
    'to', to_jsonb(a.phones), 'text', p_text, 'encoding', s.encoding, 'units', s.units, 'segments', s.segments) from private.count_segments(p_text) s);
end $$;

create function public.preview_message(p_location uuid default null, p_phone text default null, p_contact uuid default null,
  p_conversation uuid default null, p_body text default null, p_template uuid default null, p_number uuid default null,
  p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  a private.addressee := private.addressee_of(p_location, p_phone, p_contact, p_conversation, p_number);
  v_text text := private.text_to_send(p_body, p_template, a);
  v_refusal jsonb := private.send_refusal(a.location_id, a.number_id, 'conversation', a.phones, v_now);
begin
  perform private.ask_number_check(a.location_id, v_refusal, v_now);
  return private.text_facts(a, v_text) || jsonb_strip_nulls(jsonb_build_object('refusal', v_refusal)) || jsonb_build_object('opens_at',
     (private.send_window(a.location_id, 'conversation', a.phones, v_now)).opens_at);
end $$;
comment on function public.preview_message is 'The text as it would leave, its length, and what forbids it now. A number nobody has checked is put in line.';

-- Answered like an error, and yet committed: that a number waits for its check must outlast the refusal.
create function private.answer_refusal(p_refusal jsonb) returns jsonb language plpgsql set search_path = '' as $$
declare v_status text := case when private.is_gate(p_refusal ->> 'rule') then '409' else '422' end;
begin
  perform set_config('response.status', v_status, true);
  return jsonb_build_object('code', 'PT' || v_status, 'message', p_refusal ->> 'rule', 'details', p_refusal ->> 'detail', 'hint', p_refusal ->> 'hint');
end $$;

create function private.queued_answer(o public.outbound) returns jsonb language plpgsql set search_path = '' as $$
begin
  return (select jsonb_build_object('id', o.id, 'conversation_id', o.conversation_id, 'contact_id', o.contact_id,
      'location_id', o.location_id, 'from', m.from_phone, 'to', to_jsonb(o.to_phones), 'text', o.body, 'status', m.status,
      'segments', o.segments, 'queued_at', o.queued_at)
    from public.messages m where m.id = o.message_id);
end $$;

create function public.queue_message(p_id uuid, p_location uuid default null, p_phone text default null, p_contact uuid default null,
  p_conversation uuid default null, p_body text default null, p_template uuid default null, p_number uuid default null,
  p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  a private.addressee := private.addressee_of(p_location, p_phone, p_contact, p_conversation, p_number);
  v_text text;
  v_refusal jsonb;
  o public.outbound;
begin
  if p_id is null then perform private.refuse(422, 'invalid_value', 'p_id is missing.', 'Make a new uuid for each text.'); end if;
  -- The same id twice at once is one text.
  perform pg_advisory_xact_lock(hashtextextended(p_id::text, 142600));
  select * into o from public.outbound where id = p_id;
  if o.id is not null then
    if o.location_id <> a.location_id or o.requested_by is distinct from auth.uid() then
      perform private.refuse(409, 'already_exists', 'This exists already.', 'Take a new id.');
    end if;
    return private.queued_answer(o);
  end if;
  v_text := private.text_to_send(p_body, p_template, a);
  v_refusal := private.send_refusal(a.location_id, a.number_id, 'conversation', a.phones, v_now);
  if v_refusal is not null then
    perform private.ask_number_check(a.location_id, v_refusal, v_now);
    return private.answer_refusal(v_refusal);
  end if;
  o := private.place_text(a.location_id, a.number_id, 'conversation', a.phones, v_text, 'queued', auth.uid(), a.contact_id, a.conversation_id,
    v_now, p_id);
  return private.queued_answer(o);
end $$;
comment on function public.queue_message is 'The text that now waits for a worker; the same p_id again is the same text. A refusal has its rule in '
  '"message" and comes with status 409 (it may pass) or 422.';

revoke execute on function private.addressee_of(uuid, text, uuid, uuid, uuid),
  public.preview_message(uuid, text, uuid, uuid, text, uuid, uuid, timestamptz),
  public.queue_message(uuid, uuid, text, uuid, uuid, text, uuid, uuid, timestamptz) from public;
grant execute on function public.preview_message(uuid, text, uuid, uuid, text, uuid, uuid, timestamptz),
  public.queue_message(uuid, uuid, text, uuid, uuid, text, uuid, uuid, timestamptz) to authenticated;
insert into public.api_scope_functions (scope, function) values ('messages:write', 'queue_message'), ('messages:write', 'preview_message');
