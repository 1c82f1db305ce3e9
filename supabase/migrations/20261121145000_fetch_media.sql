-- Pictures, films, recordings: fetched by one worker at a time under a lease, kept once per location, never deleted.
-- The bytes lie in the bucket `media`; the rows (20261121140100) say where. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values ('media', 'media', false, 209715200,
  '{image/jpeg,image/png,image/gif,image/heic,image/avif,image/tiff,image/webp,image/bmp,video/mp4,video/quicktime,video/3gpp,video/webm,
    video/x-msvideo,audio/mp4,audio/3gpp,audio/wav,audio/mpeg,audio/aac,audio/ogg,audio/flac,audio/amr,application/pdf,text/plain,
    text/vcard,text/calendar}') on conflict (id) do nothing;
-- Files lie under <location id>/; a name that is no uuid matches nothing. Only workers put files there, and nobody takes one away.
create policy "owners and admins read media files" on storage.objects for select to authenticated
  using (bucket_id = 'media' and (storage.foldername(name))[1] in
    (select l::text from private.my_locations('owner', 'admin') l));

-- For the figures of what is open: nearly all are stored.
create index media_open on public.media (location_id, status) where status in ('waiting', 'failed');

create table private.media_files (
  location_id uuid not null references public.locations (id),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  folder text not null unique,
  created_at timestamptz not null default now(),
  primary key (location_id, sha256)
);
comment on table private.media_files is 'Where bytes lie or will lie: decided before the upload, so that a second try, or the same picture again, comes to the same place.';
alter table private.media_files enable row level security;

create function public.media_to_fetch(p_limit int default 100, p_now timestamptz default null) returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_limit int := least(p_limit, 1000);
begin
  -- Half of the newest, or a picture that comes in now waits behind all of an imported history, and its address expires.
  return query with due as (
    select m.id, m.created_at, m.next_try_at from public.media m
    where m.status = 'waiting' and m.next_try_at <= v_now and (m.lease_until is null or m.lease_until <= clock_timestamp())
  )
  select w.id from (
    (select d.id, d.created_at from due d order by d.created_at desc limit (v_limit + 1) / 2)
    union (select d.id, d.created_at from due d order by d.next_try_at limit v_limit / 2)) w order by w.created_at desc;
end $$;
comment on function public.media_to_fetch is 'What waits to be fetched and nobody works on: the newest first, and what has waited longest.';

-- The end of trying, told to the office: what is only at the vendor's is lost some day.
create function private.give_up_media(p_media public.media, p_error text) returns void
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

create function public.claim_media(p_media uuid, p_lease uuid, p_lease_s int default 180, p_now timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.media;
begin
  update public.media set lease = p_lease, lease_until = clock_timestamp() + make_interval(secs => p_lease_s), attempts = attempts + 1
    where id = p_media and status = 'waiting' and next_try_at <= v_now and (lease_until is null or lease_until <= clock_timestamp())
    returning * into v_row;
  if not found then return null; end if;
  if v_row.attempts > 8 then
    perform private.give_up_media(v_row, 'Whoever worked on it died every time.');
    return null;
  end if;
  return (select jsonb_build_object('id', v_row.id, 'source_url', v_row.source_url, 'timezone', l.timezone, 'attempts', v_row.attempts,
      'message_id', m.external_id, 'position', v_row.position, 'recording_id', r.external_id, 'voicemail_id', v.external_id,
      'call_id', coalesce(c.external_id, vc.external_id, v.call_external_id))
    from public.locations l left join public.messages m on m.id = v_row.message_id
      left join public.call_recordings r on r.id = v_row.recording_id left join public.calls c on c.id = r.call_id
      left join public.voicemails v on v.id = v_row.voicemail_id left join public.calls vc on vc.id = v.call_id
    where l.id = v_row.location_id);
end $$;
comment on function public.claim_media is 'Gives it to one worker for a while, with the vendor''s ids it is asked for anew by; null when there is nothing to do.';

create function private.held_media(p_media uuid, p_lease uuid) returns public.media
language plpgsql security definer set search_path = '' as $$
declare v_row public.media;
begin
  select * into v_row from public.media where id = p_media and lease = p_lease and status = 'waiting' for update;
  if not found then
    perform private.refuse(409, 'lease_lost', 'Another worker has taken this up, or it is done.', 'Leave it alone.');
  end if;
  return v_row;
end $$;

create function public.renew_media(p_media uuid, p_lease uuid, p_url text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.held_media(p_media, p_lease);
  update public.media set source_url = p_url where id = p_media;
end $$;
comment on function public.renew_media is 'The vendor gave a fresh address for an expired one.';

-- What hangs on it being there at last.
create function private.media_is_stored(p_media public.media) returns void language sql security definer set search_path = '' as $$
  update public.todos set status = 'done' where location_id = p_media.location_id and dedupe_key = 'media:' || p_media.id and status = 'open'
$$;

create function public.place_media(p_media uuid, p_lease uuid, p_sha256 text, p_kind text, p_filename text default null,
  p_now timestamptz default null) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.media := private.held_media(p_media, p_lease);
  v_twin public.media;
  v_folder text;
begin
  select * into v_twin from public.media where location_id = v_row.location_id and sha256 = p_sha256 and status = 'stored' order by stored_at limit 1;
  if found then
    update public.media set status = 'stored', stored_at = v_now, error = v_twin.error, lease = null, lease_until = null, kind = v_twin.kind,
        mime = v_twin.mime, storage_path = v_twin.storage_path, jpeg_path = v_twin.jpeg_path, thumb_path = v_twin.thumb_path, bytes = v_twin.bytes,
        sha256 = p_sha256, width = v_twin.width, height = v_twin.height, duration_s = v_twin.duration_s, taken_at = v_twin.taken_at,
        lat = v_twin.lat, lon = v_twin.lon, original_filename = left(p_filename, 200)
      where id = p_media;
    perform private.media_is_stored(v_row);
    return jsonb_build_object('known', true);
  end if;
  insert into private.media_files (location_id, sha256, folder)
    select v_row.location_id, p_sha256, concat_ws('/', l.id, to_char(v_row.created_at at time zone l.timezone, 'YYYY-MM-DD'),
        v_row.conversation_id, p_kind, gen_random_uuid())
      from public.locations l where l.id = v_row.location_id on conflict (location_id, sha256) do nothing;
  select f.folder into v_folder from private.media_files f where f.location_id = v_row.location_id and f.sha256 = p_sha256;
  return jsonb_build_object('known', false, 'folder', v_folder);
end $$;
comment on function public.place_media is 'Where the bytes belong. known: the location has them already, and the row is done.';

create function public.store_media(p_media uuid, p_lease uuid, p_facts jsonb, p_now timestamptz default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.media := private.held_media(p_media, p_lease);
  v_facts public.media := jsonb_populate_record(null::public.media, p_facts);
begin
  if not exists (select 1 from private.media_files f where f.location_id = v_row.location_id and f.sha256 = v_facts.sha256
      and v_facts.storage_path like f.folder || '/_%') then
    perform private.refuse(422, 'invalid_value', 'p_facts: the file does not lie where place_media said.', 'Ask place_media first.');
  end if;
  update public.media set status = 'stored', stored_at = v_now, error = v_facts.error, lease = null, lease_until = null, kind = v_facts.kind,
      mime = v_facts.mime, declared_mime = coalesce(declared_mime, v_facts.declared_mime), storage_path = v_facts.storage_path,
      jpeg_path = v_facts.jpeg_path, thumb_path = v_facts.thumb_path, bytes = v_facts.bytes, sha256 = v_facts.sha256, width = v_facts.width,
      height = v_facts.height, duration_s = v_facts.duration_s, taken_at = v_facts.taken_at, lat = v_facts.lat, lon = v_facts.lon,
      original_filename = left(v_facts.original_filename, 200)
    where id = p_media;
  perform private.media_is_stored(v_row);
end $$;
comment on function public.store_media is 'The bytes lie in storage; p_facts has what is known of them, named as the columns.';

create function public.fail_media(p_media uuid, p_lease uuid, p_error text, p_verdict text, p_retry_after_s int default 0,
  p_now timestamptz default null) returns text language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_row public.media := private.held_media(p_media, p_lease);
  v_wait_s int := case p_verdict when 'wait' then 30 else greatest(p_retry_after_s, 10 * 2 ^ (v_row.attempts - 1)) end;
begin
  if p_verdict not in ('final', 'again', 'wait') then
    perform private.refuse(422, 'invalid_value', 'p_verdict must be final, again or wait.');
  elsif p_verdict = 'final' or (p_verdict = 'again' and v_row.attempts >= 8) then
    perform private.give_up_media(v_row, p_error);
    return 'failed';
  end if;
  update public.media set lease = null, lease_until = null, error = left(p_error, 500), next_try_at = v_now + make_interval(secs => v_wait_s),
      attempts = case p_verdict when 'wait' then attempts - 1 else attempts end
    where id = p_media;
  return 'waiting';
end $$;
comment on function public.fail_media is
  'final: never again. again: soon, for addresses expire, eight times within 21 minutes. wait: what failed is ours, and no try is spent.';

create function public.retry_media(p_media uuid) returns void language plpgsql security definer set search_path = '' as $$
begin
  update public.media set status = 'waiting', attempts = 0, next_try_at = clock_timestamp(), error = null
    where id = p_media and status = 'failed' and location_id in (select private.my_locations('owner', 'admin'));
  if not found then
    perform private.refuse(404, 'not_found', 'No such file that could not be fetched.');
  end if;
end $$;
comment on function public.retry_media is 'A person asks for one more round of tries; the sweep takes it up within seconds.';

-- Who looks at the conversation sees the picture come.
create function private.media_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(*), 'ids', case when count(*) <= 50 then jsonb_agg(n.id order by n.id) else '[]' end,
      'conversation_ids', case when count(*) <= 50 then jsonb_agg(distinct n.conversation_id) else '[]' end),
      'media.updated', 'location:' || n.location_id, true)
    from new_rows n join old_rows o using (id) where n.status is distinct from o.status group by n.location_id;
  return null;
end $$;
create trigger broadcast_changed after update on public.media referencing old table as old_rows new table as new_rows
  for each statement execute function private.media_changed();

grant execute on function public.media_to_fetch(int, timestamptz), public.claim_media(uuid, uuid, int, timestamptz),
  public.renew_media(uuid, uuid, text), public.place_media(uuid, uuid, text, text, text, timestamptz),
  public.store_media(uuid, uuid, jsonb, timestamptz), public.fail_media(uuid, uuid, text, text, int, timestamptz) to service_role;
grant execute on function public.retry_media(uuid) to authenticated;
