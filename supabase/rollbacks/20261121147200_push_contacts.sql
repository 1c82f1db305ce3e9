drop function public.record_push(uuid, uuid, uuid, text, jsonb, text, text, int);
drop function public.contacts_to_push(uuid, uuid, int, int);
drop function public.begin_contact_pushes(timestamptz);
drop function private.next_to_push(uuid, uuid, int);
drop function private.push_form(public.contacts);
drop table private.pushed_contacts;
delete from public.settings where key = 'push_contacts';
delete from public.setting_kinds where key = 'push_contacts';
