drop index public.contacts_employees, public.contacts_kind, public.messages_email;
drop index public.conversations_shown, public.conversations_needs_reply, public.conversations_starred, public.conversations_media,
  public.conversations_calls, public.conversations_replies, public.conversations_archived, public.conversations_groups,
  public.conversations_stage, public.conversations_number, public.conversations_assignee;
drop trigger hand_back_work on public.location_members;
drop function private.hand_back_work();
drop trigger "30_note_incoming" on public.conversations;
drop trigger "30_note_incoming_later" on public.conversations;
drop function private.conversations_made();
drop function private.conversations_grew();
drop function private.note_incoming(uuid[]);
alter table public.conversation_reads drop column is_unread, drop column incoming_at;
drop trigger "10_keep_archive" on public.conversations;
drop function private.keep_archive();
drop trigger "41_mark_words" on public.messages;
drop trigger "41_mark_calls" on public.calls;
drop trigger "41_mark_calls" on public.voicemails;
drop function private.mark_words();
drop function private.mark_calls();
alter table public.conversations drop column has_words, drop column has_calls;
