drop function public.begin_export(text, uuid, jsonb), public.save_setting(uuid, text, jsonb),
  public.save_preference(uuid, text, jsonb), public.my_settings(uuid);
drop table public.exports, public.preferences, public.settings, public.setting_kinds;
drop function private.check_setting();
