-- The send machine: claim → start → (the vendor is called) → finish, each one short transaction, and what becomes of a text whose
-- worker died. A call that was started is never made again. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- The row may leave now, or is put back or cancelled: null, or the refusal.
create function private.pass_or_end(o public.outbound, p_now timestamptz) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_paid boolean := o.quota_day is not distinct from private.local_day(o.location_id, p_now);
  v_refusal jsonb;
begin
  if not v_paid then perform private.lock_cold(o.phone_number_id, o.kind); end if;
  v_refusal := private.send_refusal(o.location_id, o.phone_number_id, o.kind, o.to_phones, p_now, v_paid);
  if o.kind in ('confirmation', 'conversation', 'urgent') and o.queued_at < p_now - interval '24 hours' then
    v_refusal := private.refusal('too_old', 'It waited for more than a day, and what it says may no longer be so.', 'Write anew.');
  end if;
  if v_refusal is null then return null; end if;
  perform private.ask_number_check(o.location_id, v_refusal, p_now);
  if private.is_gate(v_refusal ->> 'rule') and o.recipient_id is null then
    perform private.postpone_send(o, v_refusal ->> 'rule', coalesce((v_refusal ->> 'not_before')::timestamptz, p_now + interval '1 minute'));
  else
    perform private.cancel_send(o, v_refusal ->> 'rule', v_refusal ->> 'detail', p_now);
  end if;
  return v_refusal;
end $$;
comment on function private.pass_or_end is 'A campaign''s text is cancelled by a closed gate too: the campaign takes its person up again.';

create function private.reserve_send(o public.outbound, p_lease_s int, p_now timestamptz) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_day date := private.local_day(o.location_id, p_now);
  v_lease uuid := gen_random_uuid();
begin
  -- Yesterday's money is no use today: it goes back, and today pays.
  if o.quota_day is distinct from v_day then
    perform private.refund_day(o);
    update public.outbound set quota_day = null where id = o.id returning * into o;
  end if;
  if private.pass_or_end(o, p_now) is not null then return null; end if;
  if o.quota_day is null then v_day := private.debit_day(o.phone_number_id, o.kind, p_now); end if;
  update public.outbound set state = 'reserved', lease = v_lease, lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
    attempts = attempts + 1, reserved_at = p_now, quota_day = v_day, rule = null, not_before = null where id = o.id;
  return jsonb_build_object('id', o.id, 'lease', v_lease);
end $$;

create function public.claim_outbound(p_limit int default 5, p_lease_s int default 120, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_ids uuid[];
  v_claimed jsonb := jsonb '[]';
  o public.outbound;
begin
  v_ids := array(select x.id from public.outbound x join public.send_kinds k using (kind) join public.phone_numbers n on n.id = x.phone_number_id
    where x.state = 'queued' and (x.not_before is null or x.not_before <= v_now)
      and (x.kind = 'confirmation' or (n.paused_at is null and private.location_setting(x.location_id, 'sending_paused') = 'false'))
    order by k.priority, x.queued_at, x.id limit least(p_limit, 5) for update of x skip locked);
  -- In one order for all, so that two who claim never wait for each other in a ring.
  for o in select * from public.outbound where id = any (v_ids) order by phone_number_id, kind, id loop
    v_claimed := v_claimed || coalesce(private.reserve_send(o, p_lease_s, v_now), '[]');
  end loop;
  return jsonb_build_object('claimed', v_claimed, 'looked_at', cardinality(v_ids));
end $$;
comment on function public.claim_outbound is '{claimed: [{id, lease}], looked_at}: what may leave now is given to one worker. looked_at 0: nothing waits.';

create function public.start_send(p_outbound uuid, p_lease uuid, p_lease_s int default 45, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  o public.outbound;
begin
  select * into o from public.outbound where id = p_outbound for update;
  if o.state is distinct from 'reserved' or o.lease is distinct from p_lease or o.lease_until <= clock_timestamp() then return null; end if;
  if private.pass_or_end(o, v_now) is not null then return null; end if;
  update public.outbound set state = 'dispatching', call_started_at = v_now, lease_until = clock_timestamp() + make_interval(secs => p_lease_s)
    where id = o.id;
  return jsonb_build_object('id', o.id, 'from', (select e164 from public.phone_numbers where id = o.phone_number_id), 'to', o.to_phones, 'body', o.body);
end $$;
comment on function public.start_send is 'What to send, once: {id, from, to, body}; null when it must not leave now. The vendor is to be called within p_lease_s.';

-- The vendor has it under this id. A report that nobody could match may have made a message of its own: what that one knows comes to
-- ours, whose id was given to who wrote it.
create function private.adopt_text(o public.outbound, p_external_id text, p_now timestamptz) returns text language plpgsql set search_path = '' as $$
declare
  v_settled boolean := o.state = 'unconfirmed';
  m public.messages;
begin
  if exists (select 1 from public.outbound where external_id = p_external_id and id <> o.id) then
    perform private.tell_of_send(o, 'send_alarm', 'A text has the vendor''s id of another', 'Compare the conversation with OpenPhone.');
    return o.state;
  end if;
  select * into m from public.messages where external_id = p_external_id and id <> o.message_id for update;
  update public.messages set external_id = null, status = 'cancelled', sent_at = null, error_text = 'This is our own text, which is shown as such.'
    where id = m.id;
  update public.outbound set state = 'accepted', external_id = p_external_id, finished_at = p_now, next_poll_at = null, lease = null,
    lease_until = null, error_code = null, error_text = null, settled_at = case when v_settled then p_now end where id = o.id;
  if private.message_rank(m.status) > private.message_rank('sent') then
    update public.messages set status = m.status, error_code = m.error_code, error_text = m.error_text, delivered_at = m.delivered_at
      where id = o.message_id;
    perform private.outbound_reported(o.message_id, m.status, m.delivered_at, m.error_code, m.error_text);
  end if;
  return (select state from public.outbound where id = o.id);
end $$;

create function private.tell_of_send(o public.outbound, p_kind text, p_title text, p_detail text) returns void language plpgsql set search_path = '' as $$
begin
  perform private.add_todo(o.location_id, p_kind || ':' || o.id, p_title, p_detail, o.contact_id, o.conversation_id, 1);
  perform private.notify(o.location_id, p_kind, p_kind || ':' || o.id, p_title, p_detail,
    jsonb_build_object('conversation_id', o.conversation_id, 'outbound_id', o.id));
end $$;

-- The carrier or the vendor knows of a STOP that we never saw. Which codes say so is in private.carrier_opt_out_codes.
create function private.hear_carrier(o public.outbound, p_code text, p_text text, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  perform private.opt_out_by_carrier(o.message_id,
    case when p_text ~* '\m(opted[- ]out|unsubscribed|replied (with )?stop)\M' then 'opted_out' else p_code end, p_now);
end $$;

create function private.reject_send(o public.outbound, p_code text, p_text text, p_now timestamptz) returns text language plpgsql set search_path = '' as $$
begin
  perform private.refund_day(o);
  update public.outbound set state = 'rejected', error_code = p_code, error_text = p_text, finished_at = p_now, quota_day = null, lease = null,
    lease_until = null, next_poll_at = null where id = o.id;
  perform private.hear_carrier(o, p_code, p_text, p_now);
  return 'rejected';
end $$;

create function private.doubt_send(o public.outbound, p_code text, p_text text, p_now timestamptz) returns text language plpgsql set search_path = '' as $$
begin
  update public.outbound set state = 'unconfirmed', error_code = p_code, error_text = p_text, next_poll_at = p_now + interval '30 seconds'
    where id = o.id;
  return 'unconfirmed';
end $$;
comment on function private.doubt_send is 'The day stays spent and the lease stays known: whoever made the call may still say how it ended.';

create function public.finish_send(p_outbound uuid, p_lease uuid, p_outcome text, p_external_id text default null, p_status int default null,
  p_code text default null, p_text text default null, p_retry_after_s numeric default null, p_now timestamptz default null) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  o public.outbound;
  v_state text;
begin
  select * into o from public.outbound where id = p_outbound for update;
  if o.state not in ('dispatching', 'unconfirmed') or o.lease is distinct from p_lease then return o.state; end if;
  if p_outcome = 'unknown' and o.state = 'unconfirmed' then return o.state; end if;
  if p_outcome <> 'accepted' then perform private.lock_number(o.phone_number_id); end if;
  if o.state = 'unconfirmed' then perform private.close_doubt(o); end if;
  v_state := case p_outcome when 'accepted' then private.adopt_text(o, p_external_id, v_now)
    when 'refused' then private.reject_send(o, coalesce(p_code, p_status::text), p_text, v_now)
    when 'unknown' then private.doubt_send(o, p_code, p_text, v_now) end;
  if p_outcome = 'busy' then
    perform private.postpone_send(o, 'vendor_busy', v_now + make_interval(secs => coalesce(p_retry_after_s, 5)));
    return 'queued';
  elsif v_state is null then
    perform private.refuse(422, 'invalid_value', 'p_outcome is none of accepted, refused, busy, unknown.');
  end if;
  if p_outcome = 'refused' and p_status in (401, 402, 403) then
    perform private.pause_number(o.phone_number_id, format('OpenPhone refuses our account (%s).', coalesce(p_code, p_status::text)), v_now);
  end if;
  if p_outcome <> 'accepted' then perform private.watch_number(o.phone_number_id, v_now); end if;
  return v_state;
end $$;
comment on function public.finish_send is 'How the call ended: accepted, refused (4xx), busy (429: proven unsent) or unknown. The state it has now; '
  'saying it again, or without the lease, changes nothing.';

create function private.pause_number(p_number uuid, p_reason text, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare n public.phone_numbers;
begin
  update public.phone_numbers set paused_at = p_now, pause_reason = p_reason where id = p_number and paused_at is null returning * into n;
  if n.id is null then return; end if;
  perform private.add_todo(n.location_id, 'number_paused:' || n.id, format('Our number %s is paused', n.e164), p_reason, null, null, 1);
  perform private.notify(n.location_id, 'number_paused', format('number_paused:%s:%s', n.id, extract(epoch from p_now)),
    format('Our number %s is paused', n.e164), p_reason, jsonb_build_object('phone_number_id', n.id));
end $$;

-- Over the last 20 texts since somebody let it go on: five errors in a row, or more than a fifth failed.
create function private.watch_number(p_number uuid, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare
  v_count int;
  v_failed int;
  v_last_five int;
begin
  select count(*), count(*) filter (where failed), count(*) filter (where failed and nth <= 5) into v_count, v_failed, v_last_five
    from (select o.state in ('rejected', 'failed', 'undelivered', 'unconfirmed') as failed, row_number() over (order by o.call_started_at desc, o.id) as nth
      from public.outbound o join public.phone_numbers n on n.id = o.phone_number_id
      where o.phone_number_id = p_number and o.state in ('accepted', 'delivered', 'undelivered', 'failed', 'rejected', 'unconfirmed')
        and o.call_started_at > coalesce(n.resumed_at, '-infinity') and o.call_started_at > p_now - interval '7 days'
        and o.reserved_at > p_now - interval '8 days' -- as old at most, and by this they are indexed
      order by o.call_started_at desc, o.id limit 20) x;
  if v_last_five = 5 then
    perform private.pause_number(p_number, 'Five texts in a row went wrong.', p_now);
  elsif v_count = 20 and v_failed > 4 then
    perform private.pause_number(p_number, format('%s of the last 20 texts went wrong.', v_failed), p_now);
  end if;
end $$;

-- The vendor's report has reached the message (apply_message): the ledger follows, forward only.
create function private.outbound_reported(p_message uuid, p_status text, p_at timestamptz, p_error_code text, p_error_text text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  o public.outbound;
  v_at timestamptz := coalesce(p_at, clock_timestamp());
  v_state text := case p_status when 'sent' then 'accepted' else p_status end;
begin
  select * into o from public.outbound where message_id = p_message for update;
  if o.id is null or o.call_started_at is null
    or coalesce(array_position('{accepted,failed,undelivered,delivered}', v_state), 0) <= coalesce(array_position('{accepted,failed,undelivered,delivered}', o.state), 0) then
    return;
  end if;
  update public.outbound set state = v_state, error_code = p_error_code, error_text = p_error_text, next_poll_at = null where id = o.id;
  if v_state in ('failed', 'undelivered') then
    perform private.hear_carrier(o, p_error_code, p_error_text, v_at);
    perform private.watch_number(o.phone_number_id, v_at);
  end if;
end $$;

-- The vendor's event was recognised by its words and people.
create function private.settle_unconfirmed(p_outbound uuid, p_external_id text, p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare o public.outbound;
begin
  select * into o from public.outbound where id = p_outbound for update;
  if o.state = 'unconfirmed' then
    perform private.adopt_text(o, p_external_id, p_now);
    perform private.close_doubt(o);
  end if;
end $$;

create function private.close_doubt(o public.outbound) returns void language plpgsql set search_path = '' as $$
begin
  update public.todos set status = 'done' where location_id = o.location_id and dedupe_key = 'send_in_doubt:' || o.id and status = 'open';
end $$;

revoke execute on function private.outbound_reported(uuid, text, timestamptz, text, text), private.settle_unconfirmed(uuid, text, timestamptz),
  public.claim_outbound(int, int, timestamptz), public.start_send(uuid, uuid, int, timestamptz),
  public.finish_send(uuid, uuid, text, text, int, text, text, numeric, timestamptz) from public;
grant execute on function public.claim_outbound(int, int, timestamptz), public.start_send(uuid, uuid, int, timestamptz),
  public.finish_send(uuid, uuid, text, text, int, text, text, numeric, timestamptz) to service_role;
