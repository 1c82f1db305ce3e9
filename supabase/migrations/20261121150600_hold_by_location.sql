-- A hold forbids everywhere, and each location decides on its own: who can neither see nor decide it could not write for good.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

drop index public.send_holds_open;
create unique index send_holds_open on public.send_holds (phone, location_id) where resolved_at is null;
comment on table public.send_holds is 'Doubt whether a text was an opt-out: nothing is sent to the number, from anywhere, until each location that was written to has decided.';

-- Two doubtful texts are one hold of the location, from the earlier.
create or replace function private.open_hold(m public.messages, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  insert into public.send_holds (location_id, phone, contact_id, message_id, word, reason, opened_at)
    values (m.location_id, m.from_phone, m.contact_id, m.id, p_word, 'Their text may ask not to be texted.', m.occurred_at)
    on conflict (phone, location_id) where resolved_at is null do update set contact_id = excluded.contact_id,
        message_id = excluded.message_id, word = excluded.word, opened_at = excluded.opened_at
      where (excluded.opened_at, m.external_id) < (send_holds.opened_at, (select external_id from public.messages x where x.id = send_holds.message_id));
  if p_quiet then
    perform private.add_todo(m.location_id, 'holds:old', 'Old texts may ask not to be texted: decide', 'Those numbers get no text until somebody has.', p_priority => 2,
      p_due => p_now + interval '1 day');
    return;
  end if;
  perform private.add_todo(m.location_id, 'hold:' || m.from_phone, 'Did they ask not to be texted? ' || m.from_phone,
    'They get no text until you have decided.', m.contact_id, m.conversation_id, 1, m.occurred_at + interval '1 day');
  update public.todos set due_at = m.occurred_at + interval '1 day', contact_id = m.contact_id, conversation_id = m.conversation_id
    where location_id = m.location_id and dedupe_key = 'hold:' || m.from_phone and status = 'open' and due_at > m.occurred_at + interval '1 day';
  perform private.notify(m.location_id, 'hold', 'hold:' || coalesce(m.external_id, m.id::text), 'Did ' || m.from_phone || ' ask not to be texted?',
    left(m.body, 160), jsonb_build_object('conversation_id', m.conversation_id, 'message_id', m.id));
end $$;

create or replace function private.context_numbers(p_contact uuid, p_location uuid, p_number uuid) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('phone', n.phone, 'label', n.label, 'is_primary', n.is_primary, 'line_type', v.line_type,
      'carrier', v.carrier, 'is_valid', v.is_valid, 'checked_at', v.checked_at,
      'opted_out_at', (select o.opted_out_at from public.opt_outs o where o.phone = n.phone and o.revoked_at is null),
      'hold', (select jsonb_build_object('id', h.id, 'reason', h.reason, 'word', h.word, 'opened_at', h.opened_at) from public.send_holds h
        where h.phone = n.phone and h.location_id = p_location and h.resolved_at is null),
      'refusal', case when p_number is not null then private.send_refusal(p_location, p_number, 'conversation', array[n.phone], clock_timestamp()) end)
    order by n.is_primary desc, n.created_at, n.phone), '[]')
  from public.contact_phones n left join public.phone_validations v on v.location_id = n.location_id and v.phone = n.phone where n.contact_id = p_contact
$$;
