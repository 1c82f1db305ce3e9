drop function private.import_people(public.imports, int),
  private.import_links(public.imports, int),
  private.import_more_numbers(public.imports, int),
  private.import_contact_updates(public.imports, int),
  private.import_contact_patch(public.imports, public.contacts, jsonb, text, boolean),
  private.import_new_contacts(public.imports, int),
  private.import_phoneless(public.imports, int, text),
  private.import_contacts(public.imports, int, text);
