-- A dead text that may ask us to stop holds its sender until it is replayed. Where replaying cures nothing the office reads it and decides.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- What came to another line of the workspace is not the office's to read, and waits for the day that line is added; unless it may ask to stop.
create function private.is_dead_text(e private.webhook_events, p_location uuid) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return e.status = 'dead' and e.sender is not null and p_location in (select private.concerned_by(e.facts))
    and (e.error_code is distinct from 'unknown_number'
      or (private.text_outcome((private.incoming_text(e.type, e.body)).said)).outcome in ('opt_out', 'hold'));
end $$;

-- Unlike dead_webhooks with what was said, so only to those whom it concerns.
create function public.dead_texts(p_location uuid, p_limit int default 50)
returns table (id bigint, received_at timestamptz, sender text, said text, is_held boolean, reason text, detail text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if not coalesce(p_limit, 50) between 1 and 200 then
    perform private.refuse(422, 'invalid_limit', 'p_limit: a page has 1 to 200 texts.');
  end if;
  return query select e.id, e.received_at, nullif(e.sender, ''), t.said,
      e.sender <> '' and (private.text_outcome(t.said)).outcome in ('opt_out', 'hold'), e.error_code, e.error
    from private.webhook_events e, lateral private.incoming_text(e.type, e.body) t
    where e.status = 'dead' and private.is_dead_text(e, p_location)
    order by e.id desc limit coalesce(p_limit, 50);
end $$;
comment on function public.dead_texts is 'Texts of customers that could not be taken in, newest first. is_held: nothing automatic goes to the sender. '
  'sender is null where nobody knows who wrote, said where it cannot be read.';

create function public.dismiss_texts(p_location uuid, p_ids bigint[], p_why text) returns int
language plpgsql security definer set search_path = '' as $$
declare v_ids bigint[];
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if p_ids is null or cardinality(p_ids) not between 1 and 200 then
    perform private.refuse(422, 'too_many_rows', 'p_ids: 1 to 200 texts at once.', 'Go in parts.');
  elsif length(btrim(coalesce(p_why, ''))) not between 3 and 500 then
    perform private.refuse(422, 'invalid_value', 'p_why: say why nobody asked to stop, in 3 to 500 characters.', 'Did somebody ask? Then call opt_out_number first.');
  end if;
  v_ids := array(select e.id from private.webhook_events e where e.id = any (p_ids) and private.is_dead_text(e, p_location) order by e.id for update);
  if cardinality(v_ids) <> (select count(distinct x) from unnest(p_ids) x) then
    perform private.refuse(404, 'not_found', 'Not all of these are dead texts of this location.', 'Load dead_texts again.');
  end if;
  update private.webhook_events set status = 'ignored', error = format('%s Dismissed by %s: %s', error, auth.uid(), btrim(p_why)) where id = any (v_ids);
  return cardinality(v_ids);
end $$;
comment on function public.dismiss_texts is 'Ends dead texts that replay_webhooks cannot cure, all or none: their senders are no longer held. The text, who ended it and why are kept.';

revoke execute on function public.dead_texts(uuid, int), public.dismiss_texts(uuid, bigint[], text) from public;
grant execute on function public.dead_texts(uuid, int), public.dismiss_texts(uuid, bigint[], text) to authenticated;
