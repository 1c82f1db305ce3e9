create or replace function private.pass_or_end(o public.outbound, p_now timestamptz) returns jsonb language plpgsql set search_path = '' as $$
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
alter table public.send_kinds drop column stale_after;
