drop function private.import_property_updates(public.imports, int),
  private.import_house_patch(public.imports, public.properties, private.import_stage_rows, boolean),
  private.import_properties(public.imports, int);
