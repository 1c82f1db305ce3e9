-- A text becomes a row, and its number's day pays for it in the same transaction. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- Whoever holds several of these took them in one order, so that nobody waits for the other in a ring:
-- the text, our number, its day, the message, the conversation.
create function private.lock_number(p_number uuid) returns void language plpgsql set search_path = '' as $$
begin
  perform 1 from public.phone_numbers where id = p_number for no key update;
end $$;

-- Cold texts of one number are paid for one after the other; a conversation's text waits for none of them.
create function private.lock_cold(p_number uuid, p_kind text) returns boolean language plpgsql set search_path = '' as $$
begin
  if not (select spends_cold from public.send_kinds where kind = p_kind) then return false; end if;
  perform private.lock_number(p_number);
  return true;
end $$;

-- A cap below what is spent becomes what is spent: nothing more leaves, and nothing breaks.
create function private.debit_day(p_number uuid, p_kind text, p_now timestamptz) returns date language plpgsql set search_path = '' as $$
declare
  v_is_cold boolean := private.lock_cold(p_number, p_kind);
  n public.phone_numbers;
  v_day date;
begin
  select * into strict n from public.phone_numbers where id = p_number;
  v_day := private.local_day(n.location_id, p_now);
  insert into public.number_days (phone_number_id, location_id, day, kind, cap, used, last_reserved_at)
    values (n.id, n.location_id, v_day, p_kind, case when v_is_cold then n.daily_cold_cap end, 1, p_now)
    on conflict (phone_number_id, day, kind) do update set used = number_days.used + 1,
      cap = case when v_is_cold then greatest(n.daily_cold_cap, number_days.used) end, last_reserved_at = p_now;
  if v_is_cold and private.spent_lately(n.id, p_kind, p_now) >= n.daily_cold_cap then
    perform private.refuse(409, 'rolling_cap', format('Our number %s has sent its cold texts of the last 24 hours.', n.e164), 'Try again later.');
  end if;
  return v_day;
end $$;
comment on function private.debit_day is 'The day that paid. Raises 23514 (number_days_cap) or rolling_cap when it cannot.';

create function private.refund_day(o public.outbound) returns void language plpgsql set search_path = '' as $$
begin
  if o.quota_day is null then return; end if;
  perform private.lock_cold(o.phone_number_id, o.kind);
  update public.number_days set used = used - 1 where phone_number_id = o.phone_number_id and day = o.quota_day and kind = o.kind;
end $$;
comment on function private.refund_day is 'Only for what is proven unsent, and to the very day that paid. Without such a day nothing happens.';

create function private.place_text(p_location uuid, p_number uuid, p_kind text, p_phones text[], p_body text, p_state text default 'queued',
  p_requested_by uuid default null, p_contact uuid default null, p_conversation uuid default null, p_now timestamptz default null,
  p_id uuid default gen_random_uuid()) returns public.outbound language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := coalesce(p_now, clock_timestamp()); -- the clock was asked by whoever calls
  v_phones text[] := array(select distinct p collate "C" from unnest(p_phones) p order by 1);
  v_day date := private.debit_day(p_number, p_kind, v_now);
  v_conversation uuid := coalesce(p_conversation, private.conversation_for(p_location, p_number, v_phones));
  v_contact uuid := coalesce(p_contact, (select contact_id from public.conversations where id = v_conversation));
  v_segments int := (private.count_segments(p_body)).segments;
  v_row public.outbound;
begin
  insert into public.messages (id, location_id, conversation_id, phone_number_id, contact_id, direction, body, from_phone, to_phone, to_phones, status,
      segments, source, kind, is_system, sent_by, occurred_at)
    select p_id, p_location, v_conversation, p_number, v_contact, 'outgoing', p_body, n.e164, v_phones[1], v_phones, 'queued', v_segments, 'app', p_kind,
      p_kind in ('confirmation', 'health'), p_requested_by, v_now from public.phone_numbers n where n.id = p_number;
  insert into public.outbound (id, location_id, phone_number_id, message_id, conversation_id, contact_id, kind, to_phones, body, segments, state,
      lease, lease_until, queued_at, reserved_at, quota_day, requested_by)
    values (p_id, p_location, p_number, p_id, v_conversation, v_contact, p_kind, v_phones, p_body, v_segments, p_state,
      case when p_state = 'reserved' then gen_random_uuid() end, case when p_state = 'reserved' then clock_timestamp() + interval '2 minutes' end,
      v_now, v_now, v_day, p_requested_by) returning * into v_row;
  return v_row;
end $$;
comment on function private.place_text is 'The text and its message, under one id, paid for by the day of p_now. Asks no rule: send_refusal does, before and after.';

create function private.message_status(p_state text) returns text language sql immutable parallel safe set search_path = '' as $$
  select case when p_state in ('queued', 'reserved', 'dispatching') then 'queued' when p_state = 'accepted' then 'sent'
    when p_state = 'rejected' then 'failed' else p_state end
$$;

-- What is known of the send is seen on the message; what is known better there (a report that came first) stays.
create function private.mirror_outbound() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_status text := private.message_status(new.state);
begin
  update public.messages m set external_id = coalesce(new.external_id, m.external_id),
      status = case when v.moves then v_status else m.status end,
      error_code = case when v.moves then new.error_code else m.error_code end,
      error_text = case when v.moves then new.error_text else m.error_text end,
      sent_at = case when new.state in ('accepted', 'delivered', 'undelivered', 'failed') then coalesce(m.sent_at, new.call_started_at) else m.sent_at end
    from (select status <> v_status and (status in ('queued', 'unconfirmed') or private.message_rank(v_status) > private.message_rank(status)) as moves
      from public.messages where id = new.message_id) v
    where m.id = new.message_id and (v.moves or m.external_id is distinct from coalesce(new.external_id, m.external_id));
  return null;
end $$;
create trigger "10_mirror" after update of state, external_id on public.outbound for each row
  when ((old.state, old.external_id, old.message_id) is distinct from (new.state, new.external_id, new.message_id))
  execute function private.mirror_outbound();

-- Back into the line, with its money: nobody was called.
create function private.postpone_send(o public.outbound, p_rule text, p_not_before timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  perform private.refund_day(o);
  update public.outbound set state = 'queued', rule = p_rule, not_before = p_not_before, quota_day = null, lease = null, lease_until = null,
    call_started_at = null where id = o.id;
end $$;

-- Who wrote it is told: he saw it wait, and counts on it.
create function private.cancel_send(o public.outbound, p_rule text, p_detail text, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  perform private.refund_day(o);
  if o.requested_by is not null and o.recipient_id is null then
    perform private.notify(o.location_id, 'send_cancelled', 'send_cancelled:' || o.id, format('Your text to %s was not sent', o.to_phones[1]), p_detail,
      jsonb_build_object('conversation_id', o.conversation_id, 'outbound_id', o.id), o.requested_by);
  end if;
  update public.outbound set state = 'cancelled', rule = p_rule, error_text = p_detail, quota_day = null, lease = null, lease_until = null,
    finished_at = p_now where id = o.id;
end $$;

create or replace function private.cancel_sends(p_phone text, p_rule text, p_now timestamptz) returns int language plpgsql security definer set search_path = '' as $$
declare
  o public.outbound;
  v_count int := 0;
begin
  for o in select x.* from public.outbound x join public.send_kinds k using (kind)
      where x.to_phones @> array[p_phone] and x.state in ('queued', 'reserved') and k.obeys_opt_out
      order by x.phone_number_id, x.kind, x.id for update of x loop
    perform private.cancel_send(o, p_rule, 'They asked not to be texted.', p_now);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function private.cancel_sends is 'Whatever waits for this number is cancelled and refunded; only a confirmation still goes.';

create function private.cap_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.number_days set cap = greatest(new.daily_cold_cap, used)
    where phone_number_id = new.id and cap is not null and day >= private.local_day(new.location_id, clock_timestamp());
  return null;
end $$;
create trigger cap_changed after update of daily_cold_cap on public.phone_numbers for each row
  when (old.daily_cold_cap <> new.daily_cold_cap) execute function private.cap_changed();

-- One click lets a number go on: paused_at becomes null.
create function private.number_resumes() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.resumed_at := clock_timestamp();
  new.pause_reason := null;
  update public.outbound set not_before = null where phone_number_id = new.id and state = 'queued' and rule = 'number_paused';
  update public.todos set status = 'done' where location_id = new.location_id and dedupe_key = 'number_paused:' || new.id and status = 'open';
  return new;
end $$;
create trigger "10_resumes" before update of paused_at on public.phone_numbers for each row
  when (old.paused_at is not null and new.paused_at is null) execute function private.number_resumes();
revoke execute on function private.place_text(uuid, uuid, text, text[], text, text, uuid, uuid, uuid, timestamptz, uuid),
  private.cancel_sends(text, text, timestamptz), private.debit_day(uuid, text, timestamptz) from public;
