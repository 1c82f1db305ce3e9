-- A customer's text that could not be taken in is told at once, not with the next day's report: it may have asked us to stop, or for help.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- Whose number it came to; where nobody knows, all who have one.
create function private.concerned_by(p_facts jsonb) returns setof uuid language plpgsql stable set search_path = '' as $$
begin
  return query select distinct location_id from public.phone_numbers n where n.is_active and not n.is_health
    and (n.e164 = p_facts -> 0 ->> 'number' or n.openphone_id = p_facts -> 0 ->> 'number_id') order by 1;
  if not found then
    return query select distinct location_id from public.phone_numbers where is_active and not is_health order by 1;
  end if;
end $$;

-- One todo a location for as long as it is open, however many die. A number that is not ours yet is no failure, unless its text may
-- ask us to stop.
create function private.text_died() returns trigger language plpgsql set search_path = '' as $$
declare
  v_location uuid;
  v_todo uuid;
  v_key text := case new.sender when '' then 'dead_texts:nameless' else 'dead_texts' end;
  v_title text := case new.sender when '' then 'A text could not be read, nor who wrote it' else 'What a customer wrote could not be read' end;
  v_detail text := case new.sender when '' then 'It may have asked us to stop, and nothing is held. Look at the dead texts and replay it.'
    else 'Look at the dead texts: replay it, or dismiss it. Until then nothing automatic goes to the number if it may have asked us to stop.' end;
begin
  if new.error_code = 'unknown_number'
    and (private.text_outcome((private.incoming_text(new.type, new.body)).said)).outcome not in ('opt_out', 'hold') then return null; end if;
  -- Two batches make the same todos, each in an order of its own: one after the other, or they would wait for each other in a ring.
  perform pg_advisory_xact_lock(hashtextextended('dead_webhooks', 0));
  for v_location in select * from private.concerned_by(new.facts) loop
    v_todo := private.add_todo(v_location, v_key, v_title, v_detail, p_priority => 1);
    if v_todo is not null then
      perform private.notify(v_location, 'dead_text', v_key || ':' || v_todo, v_title, v_detail);
    end if;
  end loop;
  return null;
end $$;
create trigger text_died after update of status on private.webhook_events for each row
  when (new.status = 'dead' and old.status <> 'dead' and new.sender is not null) execute function private.text_died();
