drop function public.imports_to_ring(), public.release_import(uuid, uuid, text), public.fail_import(uuid, uuid, text),
  public.begin_import(uuid, uuid, text, text, jsonb, int, int, jsonb), public.renew_import(uuid, uuid),
  public.claim_import(uuid, uuid, int), public.cancel_import(uuid),
  public.create_import(uuid, uuid, text, text, bigint, text, text, text, text, text), public.import_location(uuid),
  private.hold_import(uuid, uuid), private.end_import(uuid, text, text), private.import_list(uuid, text, text);
