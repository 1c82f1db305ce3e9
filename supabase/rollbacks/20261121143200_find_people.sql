drop function private.link_vendor_contact(private.vendor_contacts, text, text);
drop function private.takes_vendor_name(public.contacts, text, text);
drop function private.link_vendor_contacts(text[]);
drop function private.conversation_for(uuid, uuid, text[], text);
drop function private.contact_for_phone(uuid, text);
drop function private.is_e164(text);
drop function private.our_number(text, text);
