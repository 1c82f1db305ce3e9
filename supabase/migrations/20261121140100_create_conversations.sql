-- What was said: conversations with their texts, calls and pictures. Every row comes from the vendor or from the send machine
-- (20261121140200); a person changes only how a conversation is sorted. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table public.conversations (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  phone_number_id uuid not null,
  external_id text unique,
  -- Everybody but us, sorted: one number, or all of a group.
  participants text[] not null check (cardinality(participants) > 0),
  is_group boolean not null generated always as (cardinality(participants) > 1) stored,
  contact_id uuid,
  stage text not null default 'new_lead' check (stage in ('new_lead', 'quoted', 'scheduled', 'active', 'done')),
  assigned_to uuid references public.profiles (id) on delete set null,
  starred boolean not null default false, archived_at timestamptz,
  -- Kept by trigger from what was said.
  last_at timestamptz, last_kind text check (last_kind in ('message', 'call', 'voicemail')),
  last_direction text check (last_direction in ('incoming', 'outgoing')), last_preview text,
  last_incoming_at timestamptz, last_outgoing_at timestamptz,
  needs_reply boolean not null default false,
  has_media boolean not null default false, has_campaign_messages boolean not null default false,
  has_replied boolean not null default false,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id), unique (phone_number_id, participants),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id)
);
comment on column public.conversations.last_outgoing_at is 'Of what we said ourselves: a confirmation the system sent is no answer.';
comment on column public.conversations.needs_reply is 'The last word is theirs (a text, a missed call or a voicemail), and no system text counts as an answer.';
create index conversations_inbox on public.conversations (location_id, last_at desc, id desc);
create index conversations_contact on public.conversations (contact_id) where contact_id is not null;
create index conversations_assigned on public.conversations (assigned_to) where assigned_to is not null;
create index conversations_participants on public.conversations using gin (participants);

create table public.conversation_reads (
  user_id uuid not null default auth.uid() references public.profiles (id) on delete cascade,
  conversation_id uuid not null, location_id uuid not null,
  read_to timestamptz not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (user_id, conversation_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id) on delete cascade
);
comment on table public.conversation_reads is 'How far each person has read; unread is what came in after it.';
create index conversation_reads_conversation on public.conversation_reads (conversation_id);
create index conversation_reads_location on public.conversation_reads (location_id);

create table public.messages (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null,
  conversation_id uuid not null, phone_number_id uuid not null, contact_id uuid,
  external_id text unique,
  direction text not null check (direction in ('incoming', 'outgoing')),
  channel text not null default 'sms' check (channel in ('sms', 'email')),
  body text not null default '',
  from_phone text not null, to_phone text not null, to_phones text[] not null,
  status text not null check (status in ('queued', 'unconfirmed', 'sent', 'failed', 'undelivered', 'delivered', 'received', 'cancelled')),
  error_code text, error_text text, segments int,
  source text not null check (source in ('app', 'vendor')),
  kind text references public.send_kinds (kind),
  is_system boolean not null default false,
  campaign_id uuid, sent_by uuid references public.profiles (id) on delete set null, external_user_id text,
  -- occurred_at orders the thread and never changes; sent_at is when the vendor took or got it.
  occurred_at timestamptz not null, sent_at timestamptz, delivered_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id)
);
comment on table public.messages is 'The record of every text, in and out, whoever sent it by whatever means.';
comment on column public.messages.to_phone is 'Whom it went to; of a group the first by number. to_phones has all of them.';
comment on column public.messages.source is 'app: our send machine wrote it. vendor: it came in, or somebody sent it from the vendor''s own app.';
create index messages_thread on public.messages (conversation_id, occurred_at desc, id desc);
create index messages_contact on public.messages (contact_id, sent_at desc) where contact_id is not null;
create index messages_to_phone on public.messages (to_phone, sent_at desc) where direction = 'outgoing';
create index messages_from_phone on public.messages (from_phone, occurred_at desc) where direction = 'incoming';
create index messages_number on public.messages (phone_number_id);
create index messages_location on public.messages (location_id);
create index messages_kind on public.messages (kind) where kind is not null;
create index messages_sent_by on public.messages (sent_by) where sent_by is not null;
create index messages_campaign on public.messages (campaign_id) where campaign_id is not null;

create table public.calls (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null,
  conversation_id uuid not null, phone_number_id uuid not null, contact_id uuid,
  external_id text not null unique,
  direction text not null check (direction in ('incoming', 'outgoing')),
  phone text not null,
  status text not null check (status in ('ringing', 'answered', 'forwarded', 'abandoned', 'failed', 'missed', 'completed')),
  answered_at timestamptz, completed_at timestamptz, duration_s int check (duration_s >= 0),
  answered_by text, initiated_by text, forwarded_from text, forwarded_to text, ai_handled boolean,
  summary text[], next_steps text[], summary_status text,
  dialogue jsonb, transcript_status text,
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id)
);
comment on column public.calls.dialogue is '[{identifier, user_id, content, start, end}], start and end in seconds of the call.';
create index calls_thread on public.calls (conversation_id, occurred_at desc, id desc);
create index calls_contact on public.calls (contact_id) where contact_id is not null;
create index calls_number on public.calls (phone_number_id);
create index calls_location on public.calls (location_id);

create table public.call_recordings (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null, call_id uuid not null,
  external_id text not null unique,
  status text, duration_s int check (duration_s >= 0), started_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (call_id, location_id) references public.calls (id, location_id)
);
create index call_recordings_call on public.call_recordings (call_id);
create index call_recordings_location on public.call_recordings (location_id);

create table public.voicemails (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null, conversation_id uuid not null, call_id uuid, contact_id uuid,
  external_id text not null unique, call_external_id text,
  phone text not null, duration_s int check (duration_s >= 0), transcript text,
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id),
  foreign key (call_id, location_id) references public.calls (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id)
);
create index voicemails_thread on public.voicemails (conversation_id, occurred_at desc, id desc);
create index voicemails_call on public.voicemails (call_id) where call_id is not null;
create index voicemails_contact on public.voicemails (contact_id) where contact_id is not null;
create index voicemails_location on public.voicemails (location_id);

create table public.media (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null, conversation_id uuid not null, contact_id uuid,
  message_id uuid, recording_id uuid, voicemail_id uuid,
  position int not null default 0,
  source_url text not null,
  status text not null default 'waiting' check (status in ('waiting', 'stored', 'failed')),
  kind text check (kind in ('photo', 'video', 'audio', 'document')), mime text, declared_mime text,
  storage_path text, jpeg_path text, thumb_path text,
  bytes bigint check (bytes >= 0), sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
  width int, height int, duration_s numeric(9,1),
  taken_at timestamptz, lat double precision, lon double precision, original_filename text,
  attempts int not null default 0, next_try_at timestamptz not null default now(), error text,
  lease uuid, lease_until timestamptz, stored_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  check (num_nonnulls(message_id, recording_id, voicemail_id) = 1),
  check (status <> 'stored' or (storage_path is not null and sha256 is not null)),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id),
  foreign key (message_id, location_id) references public.messages (id, location_id),
  foreign key (recording_id, location_id) references public.call_recordings (id, location_id),
  foreign key (voicemail_id, location_id) references public.voicemails (id, location_id)
);
comment on table public.media is 'Every photo, recording and voicemail. The vendor''s address dies soon; the bytes are fetched at once and never deleted.';
create unique index media_message on public.media (message_id, position) where message_id is not null;
create unique index media_recording on public.media (recording_id) where recording_id is not null;
create unique index media_voicemail on public.media (voicemail_id) where voicemail_id is not null;
create index media_waiting on public.media (next_try_at) where status = 'waiting';
create index media_bytes on public.media (location_id, sha256) where sha256 is not null;
create index media_conversation on public.media (conversation_id, created_at desc);
create index media_contact on public.media (contact_id) where contact_id is not null;
create index media_location on public.media (location_id);

-- A note may belong to a whole conversation: a group has no one person.
alter table public.notes add column conversation_id uuid, alter column contact_id drop not null;
alter table public.notes add foreign key (conversation_id, location_id) references public.conversations (id, location_id);
alter table public.notes add check (contact_id is not null or conversation_id is not null);
create index notes_conversation on public.notes (conversation_id, created_at desc) where conversation_id is not null;
grant insert (conversation_id) on public.notes to authenticated;

do $$
declare t text;
begin
  foreach t in array '{conversations,conversation_reads,messages,calls,call_recordings,voicemails,media}'::text[] loop
    execute format('create trigger set_updated_at before update on public.%I for each row execute function private.set_updated_at()', t);
    execute format('alter table public.%I enable row level security', t);
    perform private.limit_keys(format('public.%I', t)::regclass);
    execute format('grant select on public.%I to authenticated, service_role', t);
    if t <> 'conversation_reads' then
      execute format($p$create policy "owners and admins read" on public.%I for select to authenticated
        using (location_id = any (array(select private.my_locations('owner', 'admin'))))$p$, t);
      insert into public.api_scopes (scope, resource) values ('messages:read', t), ('messages:write', t);
    end if;
  end loop;
end $$;
create policy "each reads his own" on public.conversation_reads for select to authenticated
  using (user_id = (select auth.uid()) and location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins sort" on public.conversations for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
grant update (stage, assigned_to, starred, archived_at) on public.conversations to authenticated;
update public.api_scopes set may_write = true where scope = 'messages:write' and resource = 'conversations';
create trigger limit_changed after update on public.conversations referencing old table as old_rows
  for each statement when (auth.uid() is not null) execute function private.limit_rows();
-- What the vendor's own address of a file is stays with the workers: it opens without a sign-in.
revoke select on public.media from authenticated;
grant select (id, location_id, conversation_id, contact_id, message_id, recording_id, voicemail_id, position, status, kind, mime, storage_path,
  jpeg_path, thumb_path, bytes, sha256, width, height, duration_s, taken_at, lat, lon, original_filename, attempts, error, stored_at,
  created_at, updated_at) on public.media to authenticated;
