drop policy "members read what scopes open" on public.api_scope_functions;
drop policy "members read what scopes open" on public.api_scopes;
drop policy "owners and admins read" on public.api_keys;
drop function public.use_api_key(), public.revoke_api_key(uuid), public.rotate_api_key(uuid, int),
  public.create_api_key(uuid, text, text[], timestamptz, uuid), private.new_api_key(uuid, uuid, text, text[], timestamptz);
drop function public.set_member(uuid, uuid, text, boolean), private.require_grant(uuid, text);
drop table public.role_grants;
