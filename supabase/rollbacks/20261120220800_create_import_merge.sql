drop function private.import_merge(public.imports, int, jsonb), private.import_record(public.imports, int),
  private.import_members(public.imports, int), private.is_suppressed(uuid, uuid), private.import_links(public.imports, int),
  private.import_more_numbers(public.imports, int), private.import_contact_updates(public.imports, int),
  private.import_contact_patch(public.imports, public.contacts, jsonb, text, boolean),
  private.import_new_contacts(public.imports, int), private.import_phoneless(public.imports, int, int, text),
  private.import_contacts(public.imports, int, int), private.import_property_updates(public.imports, int, int),
  private.import_properties(public.imports, int, int), private.import_stage(public.imports, int, jsonb),
  private.import_changes(jsonb, jsonb), private.import_patch(jsonb, jsonb, text[], text, text[]);
