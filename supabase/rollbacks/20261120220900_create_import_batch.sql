drop function public.finish_import(uuid, uuid), public.import_batch(uuid, uuid, int, jsonb),
  private.import_discrepancy(public.imports), private.import_counts(uuid), private.import_row_by_row(public.imports, int, jsonb);
