drop function private.import_merge(public.imports, int, jsonb),
  private.import_record(public.imports, int, int),
  private.import_members(public.imports, int),
  private.is_suppressed(uuid, uuid);
