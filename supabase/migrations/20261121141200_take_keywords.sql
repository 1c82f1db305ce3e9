-- What a text that says STOP, START or HELP does, in the transaction it comes in. Texts come late, twice and out of order: the rows of
-- method keyword are worked out from all that the number ever said, by the texts' own time. Way back: supabase/rollbacks/.
set lock_timeout = '4s';

insert into public.setting_kinds (key, scope, kind, default_value, description) values
  ('openphone_confirms_stop', 'location', 'boolean', 'true', 'OpenPhone answers STOP and START by itself, so we do not.');

-- A stretch of time during which the number was out, from its first STOP to the START or lift that ended it (p_end null: it lasts).
create function private.keep_opt_out(p_start private.keyword_texts, p_texts uuid[], p_end private.keyword_texts) returns void
language plpgsql set search_path = '' as $$
declare
  m public.messages;
  v_row public.opt_outs;
  v_new public.opt_outs;
begin
  select * into strict m from public.messages where id = p_start.message_id;
  select * into v_row from public.opt_outs where phone = p_start.phone and method = 'keyword' and message_id = any (p_texts) order by opted_out_at limit 1;
  v_new := v_row;
  v_new.location_id := m.location_id; v_new.contact_id := m.contact_id; v_new.message_id := m.id;
  v_new.opted_out_at := p_start.said_at; v_new.keyword := p_start.word; v_new.campaign_id := private.campaign_before(p_start);
  v_new.revoked_at := case when p_end.id is not null then greatest(p_end.said_at, p_start.said_at) end; v_new.revoked_reason := p_end.word; v_new.revoked_message_id := p_end.message_id;
  if v_row.id is null and not private.is_out_otherwise(p_start) then
    insert into public.opt_outs (location_id, phone, contact_id, opted_out_at, method, keyword, message_id, campaign_id, revoked_at, revoked_reason, revoked_message_id)
      values (m.location_id, p_start.phone, m.contact_id, v_new.opted_out_at, 'keyword', v_new.keyword, m.id, v_new.campaign_id,
        v_new.revoked_at, v_new.revoked_reason, v_new.revoked_message_id)
      on conflict (phone) where revoked_at is null do nothing;
  elsif v_row.id is not null and v_new is distinct from v_row then
    update public.opt_outs set (location_id, contact_id, opted_out_at, keyword, message_id, campaign_id, revoked_at, revoked_reason, revoked_message_id)
      = (v_new.location_id, v_new.contact_id, v_new.opted_out_at, v_new.keyword, v_new.message_id, v_new.campaign_id,
         v_new.revoked_at, v_new.revoked_reason, v_new.revoked_message_id) where id = v_row.id;
  end if;
end $$;

create function private.is_out_otherwise(p_text private.keyword_texts) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return exists (select 1 from public.opt_outs where phone = p_text.phone and method <> 'keyword' and opted_out_at <= p_text.said_at
    and coalesce(revoked_at > p_text.said_at, true));
end $$;
comment on function private.is_out_otherwise is 'By hand, by import or by the carrier: a STOP adds nothing to that, and a START takes nothing away.';

create function private.campaign_before(p_text private.keyword_texts) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return (select campaign_id from public.messages where to_phone = p_text.phone and direction = 'outgoing' and campaign_id is not null
    and sent_at between p_text.said_at - interval '30 days' and p_text.said_at order by sent_at desc limit 1);
end $$;
comment on function private.campaign_before is 'The campaign whose text the person answers with STOP.';

-- By the texts' own time; but a STOP that an owner did not know of when he lifted an older one counts as said after him.
create function private.said_of_texting(p_phone text) returns setof private.keyword_texts language sql stable set search_path = '' as $$
  select k.* from private.keyword_texts k left join lateral (select max(l.said_at) as at from private.keyword_texts l
      where l.phone = p_phone and l.outcome = 'lifted' and l.id < k.id and k.outcome = 'opt_out') l on true
    where k.phone = p_phone and k.outcome in ('opt_out', 'opt_in', 'lifted')
    order by greatest(k.said_at, l.at), k.outcome = 'lifted' desc, k.external_id, k.id
$$;

create function private.replay_keywords(p_phone text) returns void language plpgsql set search_path = '' as $$
declare
  t private.keyword_texts;
  v_start private.keyword_texts;
  v_texts uuid[];
begin
  for t in select * from private.said_of_texting(p_phone) loop
    if t.outcome = 'opt_out' then
      if v_start.id is null then v_start := t; end if;
      v_texts := v_texts || t.message_id;
    elsif v_start.id is not null then
      perform private.keep_opt_out(v_start, v_texts, t);
      v_start := null;
      v_texts := null;
    end if;
  end loop;
  if v_start.id is not null then perform private.keep_opt_out(v_start, v_texts, null); end if;
end $$;

-- A repeated STOP or START changes nothing, yet it was said; a START of who never stopped is not even that.
create function private.note_repeated(p_phone text) returns void language sql set search_path = '' as $$
  insert into public.opt_out_events (opt_out_id, location_id, phone, contact_id, contact_name, event, method, keyword, reason, at, message_id)
    select o.id, m.location_id, k.phone, m.contact_id, c.display_name, case k.outcome when 'opt_out' then 'opted_out' else 'revoked' end,
      'keyword', k.word, case k.outcome when 'opt_in' then k.word end, k.said_at, k.message_id
    from private.keyword_texts k join public.messages m on m.id = k.message_id left join public.contacts c on c.id = m.contact_id
    cross join lateral (select id from public.opt_outs where phone = p_phone order by opted_out_at <= k.said_at desc, opted_out_at desc, id limit 1) o
    where k.phone = p_phone and (k.outcome = 'opt_out' or (k.outcome = 'opt_in'
      and exists (select 1 from private.keyword_texts s where s.phone = p_phone and s.outcome = 'opt_out' and (s.said_at, s.external_id) < (k.said_at, k.external_id))
      and not exists (select 1 from public.opt_outs x where x.phone = p_phone and x.revoked_at is null and x.method <> 'keyword')))
    order by k.said_at, k.id
    on conflict (message_id) where message_id is not null do nothing
$$;

-- Rows that say keyword and came without their text (from an older system) end by a START, too.
create function private.end_foreign_opt_out(m public.messages, p_word text) returns void language plpgsql set search_path = '' as $$
begin
  update public.opt_outs o set revoked_at = m.occurred_at, revoked_reason = p_word, revoked_message_id = m.id
    where o.phone = m.from_phone and o.revoked_at is null and o.method = 'keyword' and o.opted_out_at <= m.occurred_at
      and not exists (select 1 from private.keyword_texts k where k.message_id = o.message_id);
end $$;

create function private.is_out(p_phone text) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return exists (select 1 from public.opt_outs where phone = p_phone and revoked_at is null);
end $$;

create function private.take_opt(m public.messages, p_outcome text, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
declare v_before boolean := private.is_out(m.from_phone);
begin
  perform private.replay_keywords(m.from_phone);
  if p_outcome = 'opt_in' then perform private.end_foreign_opt_out(m, p_word); end if;
  perform private.note_repeated(m.from_phone);
  if private.is_out(m.from_phone) <> v_before and (p_outcome = 'opt_out') <> v_before then
    perform private.answer_keyword(m, p_outcome, p_word, p_quiet, p_now);
  end if;
end $$;

create function private.vendor_answers(m public.messages, p_word text) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return upper(btrim(m.body)) = p_word and exists (select 1 from public.text_phrases where phrase = p_word and is_vendors)
    and private.location_setting(m.location_id, 'openphone_confirms_stop') = 'true';
end $$;
comment on function private.vendor_answers is 'Quo answers its own words, alone and exactly; "STOP please" it does not know. https://support.quo.com/core-concepts/messaging/opt-out, read 2026-11-21';

create function private.keyword_answer(m public.messages, p_outcome text) returns text language plpgsql stable set search_path = '' as $$
declare
  v_name text := coalesce(nullif(btrim(private.location_setting(m.location_id, 'brand_name') #>> '{}'), ''),
    (select name from public.locations where id = m.location_id));
  v_number text := (select e164 from public.phone_numbers where id = m.phone_number_id);
begin
  return case p_outcome
    when 'opt_out' then v_name || ': You are unsubscribed and will get no more texts from us. Reply START to get them again.'
    when 'opt_in' then v_name || ': You will get our texts again. Reply HELP for help, STOP to unsubscribe.'
    else v_name || ': For help, call ' || v_number || '. Msg & data rates may apply. Reply STOP to unsubscribe.' end;
end $$;

-- To the person alone, also when the word was said in a group. A text an hour old is no longer waited for.
create function private.answer_keyword(m public.messages, p_outcome text, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  if p_quiet or m.occurred_at <= p_now - interval '1 hour' or private.vendor_answers(m, p_word) then return; end if;
  perform private.place_text(m.location_id, m.phone_number_id, 'confirmation', array[m.from_phone], private.keyword_answer(m, p_outcome),
    p_contact => m.contact_id, p_now => p_now);
  update private.keyword_texts set answered_at = p_now where message_id = m.id;
end $$;

-- Who asks for help is answered also when opted out (CTIA: HELP works whatever the state), once a day.
create function private.answer_help(m public.messages, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  if not exists (select 1 from private.keyword_texts where phone = m.from_phone and outcome = 'help' and answered_at > p_now - interval '1 day') then
    perform private.answer_keyword(m, 'help', p_word, p_quiet, p_now);
  end if;
end $$;

-- Two doubtful texts are one hold, from the earlier.
create function private.open_hold(m public.messages, p_word text, p_quiet boolean, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  insert into public.send_holds (location_id, phone, contact_id, message_id, word, reason, opened_at)
    values (m.location_id, m.from_phone, m.contact_id, m.id, p_word, 'Their text may ask not to be texted.', m.occurred_at)
    on conflict (phone) where resolved_at is null do update set location_id = excluded.location_id, contact_id = excluded.contact_id,
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

create function private.take_keyword(p_message uuid, p_quiet boolean, p_now timestamptz) returns text
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
comment on function private.take_keyword is 'What an incoming text says of being texted, done; in the transaction it came in, before anybody else looks at it. Once a text.';
revoke execute on function private.take_keyword(uuid, boolean, timestamptz) from public;

-- A person decides, once.
create function public.resolve_hold(p_hold uuid, p_decision text, p_reason text) returns public.send_holds
language plpgsql security definer set search_path = '' as $$
declare
  v_hold public.send_holds;
begin
  if not coalesce(p_decision in ('opt_out', 'release'), false) then
    perform private.refuse(422, 'invalid_value', 'p_decision is no decision.', 'Give opt_out or release.');
  elsif btrim(coalesce(p_reason, '')) = '' then
    perform private.refuse(422, 'reason_required', 'Say why you decide so.', 'Give p_reason.');
  end if;
  select * into v_hold from public.send_holds where id = p_hold and location_id in (select private.my_locations('owner', 'admin')) for update;
  if v_hold.id is null then perform private.refuse(404, 'not_found', 'No such hold.'); end if;
  if v_hold.resolved_at is not null then
    perform private.refuse(409, 'already_decided', 'Somebody has decided this already.', 'Look at it again.');
  end if;
  if p_decision = 'opt_out' then
    insert into public.opt_outs (location_id, phone, contact_id, method, channel, note, message_id)
      values (v_hold.location_id, v_hold.phone, v_hold.contact_id, 'manual', 'text', left(p_reason, 2000), v_hold.message_id)
      on conflict (phone) where revoked_at is null do nothing;
  end if;
  update public.send_holds set resolved_at = clock_timestamp(), decision = p_decision, decision_reason = left(p_reason, 2000), resolved_by = auth.uid()
    where id = p_hold returning * into v_hold;
  update public.todos set status = 'done' where location_id = v_hold.location_id and status = 'open' and (dedupe_key = 'hold:' || v_hold.phone
    or (dedupe_key = 'holds:old' and not exists (select 1 from public.send_holds where location_id = v_hold.location_id and resolved_at is null)));
  return v_hold;
end $$;
comment on function public.resolve_hold is 'opt_out: they get no text any more. release: they may be texted. The decision stays as it was made.';
revoke execute on function public.resolve_hold(uuid, text, text) from public;
grant execute on function public.resolve_hold(uuid, text, text) to authenticated;

create trigger append_only before update on public.send_holds for each row
  when (old.resolved_at is not null and (old.phone, old.message_id, old.word, old.reason, old.opened_at, old.resolved_at, old.decision, old.decision_reason)
    is distinct from (new.phone, new.message_id, new.word, new.reason, new.opened_at, new.resolved_at, new.decision, new.decision_reason))
  execute function private.refuse_rewriting();
create trigger append_only_delete before delete on public.send_holds for each row execute function private.refuse_rewriting();
