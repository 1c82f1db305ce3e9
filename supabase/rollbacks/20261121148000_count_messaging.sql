-- As it was before the texts.
create or replace function public.business_counts() returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'imports', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from public.imports group by status) s),
    'oldest_open_import_seconds', (select coalesce(extract(epoch from now() - min(created_at))::int, 0) from public.imports
      where status in ('uploaded', 'reading', 'importing')),
    'opt_outs', (select count(*) from public.opt_outs where revoked_at is null),
    'contacts_estimate', (select greatest(reltuples, 0)::bigint from pg_catalog.pg_class where oid = 'public.contacts'::regclass),
    'open_invites', (select count(*) from public.invites where accepted_at is null and revoked_at is null and expires_at > now()),
    'live_api_keys', (select count(*) from public.api_keys where revoked_at is null and (expires_at is null or expires_at > now())))
$$;
