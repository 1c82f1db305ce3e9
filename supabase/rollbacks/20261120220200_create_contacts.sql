drop table public.notes, public.contact_tags, public.tags, public.contact_flags, public.contact_emails, public.contact_phones,
  public.contact_cards, public.contacts, public.companies;
drop function private.name_key(text);
