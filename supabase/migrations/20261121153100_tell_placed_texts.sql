-- The answer to STOP, START or HELP waited for the next sweep: the job was not told that its webhooks had brought one.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- To the person alone, also when the word was said in a group. A text an hour old is no longer waited for.
create or replace function private.answer_keyword(m public.messages, p_outcome text, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  if p_quiet or m.occurred_at <= p_now - interval '1 hour' or private.vendor_answers(m, p_word) then return; end if;
  perform private.place_text(m.location_id, m.phone_number_id, 'confirmation', array[m.from_phone], private.keyword_answer(m, p_outcome),
    p_contact => m.contact_id, p_now => p_now);
  perform private.put_off('text_placed', 'null');
  update private.keyword_texts set answered_at = p_now where message_id = m.id;
end $$;

-- Every statement under it looks rows up by a key: planned once, not once an event.
create or replace function public.apply_webhook_events(p_lease uuid, p_events jsonb) returns jsonb
language plpgsql security definer set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_events jsonb := (select jsonb_object_agg(x ->> 'id', x) from jsonb_array_elements(p_events) x);
  e private.webhook_events;
  v_event jsonb;
  v_after private.webhook_events[];
  v_placed boolean;
begin
  perform private.lock_facts(jsonb_path_query_array(p_events, '$[*].facts[*]'));
  perform private.begin_batch();
  for e in select * from private.webhook_events where id = any (array(select x::bigint from jsonb_object_keys(v_events) x))
      and lease = p_lease and status in ('received', 'parked') order by id for update loop
    v_event := v_events -> e.id::text;
    begin
      e := private.event_after(e, private.apply_event(v_event, null));
    exception when others then
      e := private.event_failed(e, sqlstate, sqlerrm);
    end;
    e.facts := v_event -> 'facts';
    v_after := v_after || e;
  end loop;
  update private.webhook_events w set status = a.status, attempts = a.attempts, next_try_at = a.next_try_at, lease = null, lease_until = null,
    waits_for = a.waits_for, facts = a.facts, error_code = a.error_code, error = a.error, processed_at = a.processed_at from unnest(v_after) a where w.id = a.id;
  -- A savepoint that went back took its part along: the text is not there either.
  v_placed := strpos(current_setting('crm.put_off'), '["text_placed"') > 0;
  perform private.end_batch();
  return (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from unnest(v_after) group by status) x)
    || case when v_placed then jsonb '{"texts_placed": true}' else jsonb '{}' end;
end $$;
comment on function public.apply_webhook_events is 'Takes [{id, facts}, {id, malformed} or {id, failed}] of one lease; a bad row never takes others with it. How many by status, and texts_placed: true where an answer of ours waits to be sent.';
