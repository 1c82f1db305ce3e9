drop table public.api_scope_functions, public.api_scopes, public.api_keys;
do $$
declare t regclass;
begin
  for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
    execute format('drop policy if exists "programs keep to their scopes" on %s', t);
  end loop;
end $$;
drop function private.limit_keys(regclass), private.key_may(text), private.key_id();
