-- What a dead worker left behind, and what nobody knows the outcome of: the vendor is asked three times within a quarter of an hour,
-- then a person decides. Nothing is sent again by itself. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create function public.reap_outbound(p_limit int default 1, p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  o public.outbound;
  v_freed int := 0;
  v_doubted int := 0;
begin
  for o in select * from public.outbound where state in ('reserved', 'dispatching') and lease_until <= clock_timestamp()
      order by phone_number_id, kind, id limit p_limit for update skip locked loop
    perform private.lock_number(o.phone_number_id);
    if o.state = 'dispatching' then
      perform private.doubt_send(o, 'no_answer', 'The worker ended before it heard the answer.', v_now);
      perform private.watch_number(o.phone_number_id, v_now);
      v_doubted := v_doubted + 1;
    elsif o.recipient_id is not null then
      perform private.cancel_send(o, 'not_started', 'The worker ended before it began.', v_now);
      v_freed := v_freed + 1;
    else
      perform private.postpone_send(o, null, null);
      v_freed := v_freed + 1;
    end if;
  end loop;
  return jsonb_build_object('freed', v_freed, 'doubted', v_doubted);
end $$;
comment on function public.reap_outbound is 'What was reserved and never started goes back, with its money; what was started is in doubt, and stays spent.';

-- Each is given to one asker for a minute.
create function public.outbound_to_reconcile(p_limit int default 20, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_found jsonb;
begin
  with due as (select id from public.outbound where state = 'unconfirmed' and next_poll_at <= v_now order by next_poll_at limit p_limit for update skip locked),
    taken as (update public.outbound o set next_poll_at = v_now + interval '1 minute' from due where o.id = due.id returning o.*)
  select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'from', n.e164, 'to', t.to_phones, 'body', t.body, 'call_started_at', t.call_started_at)), '[]')
    into v_found from taken t join public.phone_numbers n on n.id = t.phone_number_id;
  return v_found;
end $$;

create function private.poll_again(o public.outbound, p_now timestamptz) returns text language plpgsql set search_path = '' as $$
begin
  update public.outbound set polls = o.polls + 1,
    next_poll_at = (case o.polls when 0 then p_now + interval '4 minutes' when 1 then p_now + interval '10 minutes' end) where id = o.id;
  if o.polls >= 2 then
    perform private.tell_of_send(o, 'send_in_doubt', format('Was this text to %s sent?', o.to_phones[1]),
      'OpenPhone gave no answer and does not list it. Look there, then say so here; it is never sent again by itself.');
  end if;
  return 'unconfirmed';
end $$;

create function public.reconcile_send(p_outbound uuid, p_external_ids text[], p_now timestamptz default null) returns text
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  o public.outbound;
  v_ids text[];
begin
  select * into o from public.outbound where id = p_outbound for update;
  if o.state is distinct from 'unconfirmed' then return o.state; end if;
  -- The same words to the same people, sent before and known: not this one.
  v_ids := array(select distinct e from unnest(p_external_ids) e where not exists (select 1 from public.outbound x where x.external_id = e and x.id <> o.id));
  if cardinality(v_ids) = 1 then
    perform private.adopt_text(o, v_ids[1], v_now);
    perform private.close_doubt(o);
    return 'accepted';
  elsif cardinality(v_ids) > 1 then
    update public.outbound set polls = 3, next_poll_at = null where id = o.id;
    perform private.tell_of_send(o, 'send_alarm', format('OpenPhone lists this text to %s more than once', o.to_phones[1]),
      'Look there how often it went out, and say here that it was sent.');
    return 'unconfirmed';
  end if;
  return private.poll_again(o, v_now);
end $$;
comment on function public.reconcile_send is 'What the vendor listed: one is this text, several are an alarm, none is asked for again, three times.';

create function public.settle_send(p_outbound uuid, p_decision text, p_now timestamptz default null) returns public.outbound
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  o public.outbound;
begin
  select * into o from public.outbound where id = p_outbound and location_id in (select private.my_locations('owner', 'admin')) for update;
  if o.id is null then perform private.refuse(404, 'not_found', 'No such text.'); end if;
  if p_decision is null or p_decision not in ('sent', 'not_sent') then
    perform private.refuse(422, 'invalid_value', 'p_decision must be sent or not_sent.');
  elsif o.state <> 'unconfirmed' then
    perform private.refuse(409, 'send_settled', format('This text is settled: it is %s.', o.state), 'Look at it again.');
  elsif o.next_poll_at is not null then
    perform private.refuse(409, 'still_asking', 'OpenPhone is still being asked.', 'Wait until the todo asks you to decide.');
  end if;
  update public.outbound set state = case p_decision when 'sent' then 'accepted' else 'cancelled' end, settled_by = auth.uid(), settled_at = v_now,
    finished_at = v_now, lease = null, lease_until = null, rule = case p_decision when 'not_sent' then 'not_sent' end where id = o.id returning * into o;
  perform private.close_doubt(o);
  update public.todos set status = 'done' where location_id = o.location_id and dedupe_key = 'send_alarm:' || o.id and status = 'open';
  return o;
end $$;
comment on function public.settle_send is 'A person has looked: sent, or not_sent (the day stays spent; who wants to send it writes anew).';

revoke execute on function public.reap_outbound(int, timestamptz), public.outbound_to_reconcile(int, timestamptz),
  public.reconcile_send(uuid, text[], timestamptz), public.settle_send(uuid, text, timestamptz) from public;
grant execute on function public.reap_outbound(int, timestamptz), public.outbound_to_reconcile(int, timestamptz),
  public.reconcile_send(uuid, text[], timestamptz) to service_role;
grant execute on function public.settle_send(uuid, text, timestamptz) to authenticated;
insert into public.api_scope_functions (scope, function) values ('messages:write', 'settle_send');
