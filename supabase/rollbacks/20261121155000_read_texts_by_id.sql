set lock_timeout = '4s';
create or replace function private.take_keyword(p_message uuid, p_quiet boolean, p_now timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
  m public.messages;
  v_outcome text;
  v_word text;
  v_now timestamptz := coalesce(p_now, clock_timestamp());
begin
  select * into m from public.messages where id = p_message and direction = 'incoming';
  select outcome, word into v_outcome, v_word from private.text_outcome(m.body);
  if v_outcome = 'none' or not private.is_e164(m.from_phone) then return 'none'; end if;
  perform private.lock_phone(m.from_phone);
  insert into private.keyword_texts (phone, said_at, external_id, message_id, outcome, word)
    values (m.from_phone, m.occurred_at, coalesce(m.external_id, m.id::text), m.id, v_outcome, v_word) on conflict (message_id) do nothing;
  if not found then return v_outcome; end if;
  if v_outcome = 'hold' then perform private.open_hold(m, v_word, p_quiet, v_now);
  elsif v_outcome = 'help' then perform private.answer_help(m, v_word, p_quiet, v_now);
  else perform private.take_opt(m, v_outcome, v_word, p_quiet, v_now); end if;
  return v_outcome;
end $$;
