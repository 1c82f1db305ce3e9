drop trigger broadcast_inserted on public.contacts;
drop trigger broadcast_changed on public.contacts;
drop trigger broadcast_deleted on public.contacts;
drop trigger broadcast_progress on public.imports;
drop policy "members hear the channels of their place" on realtime.messages;
drop function private.contacts_inserted(), private.contacts_changed(), private.contacts_deleted(), private.imports_progressed(),
  private.broadcast_contacts(uuid[], uuid[]), private.may_join(text);
