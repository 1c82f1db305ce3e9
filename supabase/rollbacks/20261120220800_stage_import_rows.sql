drop function private.import_turns(public.imports, int),
  private.import_touches(public.imports, int, int[]),
  private.import_stage(public.imports, int, jsonb),
  private.import_changes(jsonb, jsonb),
  private.import_patch(jsonb, jsonb, text[], text, text[]);
