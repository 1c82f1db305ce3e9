delete from public.api_scopes where resource in ('conversations', 'messages', 'calls', 'call_recordings', 'voicemails', 'media');
delete from public.notes where contact_id is null;
alter table public.notes drop column conversation_id;
alter table public.notes alter column contact_id set not null;
drop table public.media, public.voicemails, public.call_recordings, public.calls, public.messages, public.conversation_reads, public.conversations;
