-- An outage of a week makes thousands of pictures that could not be had: the office is told once a day with their number, and has not
-- thousands of todos. Which they are is in public.media, status failed. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- The first of a day is told with its conversation, the others by their number; who has read it is told anew.
create function private.tell_of_media(p_media public.media, p_title text, p_error text) returns void
language plpgsql set search_path = '' as $$
declare v_key text := (select 'media_failed:' || id || ':' || (clock_timestamp() at time zone timezone)::date from public.locations where id = p_media.location_id);
begin
  -- One after the other, or two would both be the first.
  perform pg_advisory_xact_lock(hashtextextended(v_key, 0));
  update public.notifications n set read_at = null, body = 'The last one: ' || p_error,
      (title, link) = (select format('%s files could not be kept today', x), jsonb_build_object('count', x) from (values (coalesce((n.link ->> 'count')::int, 1) + 1)) v (x))
    where n.dedupe_key = v_key and n.user_id in (select user_id from public.location_members where location_id = p_media.location_id);
  if not found then
    perform private.notify(p_media.location_id, 'media_failed', v_key, p_title, p_error,
      jsonb_build_object('conversation_id', p_media.conversation_id, 'media_id', p_media.id));
  end if;
end $$;

-- Twenty open todos say what to save; the rest are one.
create function private.save_by_hand(p_media public.media, p_title text, p_error text) returns void
language plpgsql set search_path = '' as $$
begin
  if (select count(*) from (select 1 from public.todos where location_id = p_media.location_id and status = 'open' and dedupe_key like 'media:%' limit 20) x) < 20 then
    perform private.add_todo(p_media.location_id, 'media:' || p_media.id, p_title,
      p_error || ' Open the conversation in the phone app and save it there, or try again here.', p_media.contact_id, p_media.conversation_id, 2);
  else
    perform private.add_todo(p_media.location_id, 'media_failed', 'Save many pictures and recordings by hand',
      'List those that failed, mend the reason and try them again, or save them in the phone app.', p_priority => 2);
  end if;
end $$;

create or replace function private.give_up_media(p_media public.media, p_error text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_what text := case when p_media.recording_id is not null then 'recording of a call' when p_media.voicemail_id is not null then 'voicemail'
    else 'picture or file of a text' end;
begin
  update public.media set status = 'failed', error = left(p_error, 500), lease = null, lease_until = null where id = p_media.id;
  perform private.tell_of_media(p_media, format('A %s could not be kept', v_what), p_error);
  perform private.save_by_hand(p_media, format('Save a %s by hand', v_what), p_error);
end $$;

create or replace function private.media_is_stored(p_media public.media) returns void language sql security definer set search_path = '' as $$
  update public.todos set status = 'done' where location_id = p_media.location_id and dedupe_key = 'media:' || p_media.id and status = 'open';
  update public.todos t set status = 'done' where t.location_id = p_media.location_id and t.dedupe_key = 'media_failed' and t.status = 'open'
    and not exists (select 1 from public.media f where f.location_id = p_media.location_id and f.status = 'failed')
$$;
