-- How long a text may wait before what it says is no longer so, by kind. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.send_kinds add column stale_after interval check (stale_after > '0');
comment on column public.send_kinds.stale_after is 'So long after it was put in line it is cancelled, not sent; null: never (a campaign asks for its people anew).';
-- "Your visit is tomorrow" must not leave on the next day: hours end at six and begin at nine. A reminder two hours before is of no use later still.
update public.send_kinds set stale_after = case kind when 'transactional' then interval '4 hours' else '24 hours' end
  where kind in ('confirmation', 'conversation', 'urgent', 'transactional');

create or replace function private.pass_or_end(o public.outbound, p_now timestamptz) returns jsonb language plpgsql set search_path = '' as $$
declare
  v_paid boolean := o.quota_day is not distinct from private.local_day(o.location_id, p_now);
  v_refusal jsonb;
begin
  if not v_paid then perform private.lock_cold(o.phone_number_id, o.kind); end if;
  v_refusal := private.send_refusal(o.location_id, o.phone_number_id, o.kind, o.to_phones, p_now, v_paid);
  if o.queued_at < p_now - (select stale_after from public.send_kinds where kind = o.kind) then
    v_refusal := private.refusal('too_old', 'It waited for too long, and what it says may no longer be so.', 'Write anew.');
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
