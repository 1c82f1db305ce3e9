set lock_timeout = '4s';
create or replace function private.give_up_media(p_media public.media, p_error text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_what text := case when p_media.recording_id is not null then 'recording of a call' when p_media.voicemail_id is not null then 'voicemail'
    else 'picture or file of a text' end;
begin
  update public.media set status = 'failed', error = left(p_error, 500), lease = null, lease_until = null where id = p_media.id;
  perform private.notify(p_media.location_id, 'media_failed', 'media:' || p_media.id, format('A %s could not be kept', v_what), p_error,
    jsonb_build_object('conversation_id', p_media.conversation_id, 'media_id', p_media.id));
  perform private.add_todo(p_media.location_id, 'media:' || p_media.id, format('Save a %s by hand', v_what),
    p_error || ' Open the conversation in the phone app and save it there, or try again here.', p_media.contact_id, p_media.conversation_id, 2);
end $$;
create or replace function private.media_is_stored(p_media public.media) returns void language sql security definer set search_path = '' as $$
  update public.todos set status = 'done' where location_id = p_media.location_id and dedupe_key = 'media:' || p_media.id and status = 'open'
$$;
drop function private.save_by_hand(public.media, text, text);
drop function private.tell_of_media(public.media, text, text);
