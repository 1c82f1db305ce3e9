-- What an operator watches of the texts: what waits, what is in doubt, what failed. No lock. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create or replace function public.business_counts() returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'imports', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from public.imports group by status) s),
    'oldest_open_import_seconds', (select coalesce(extract(epoch from now() - min(created_at))::int, 0) from public.imports
      where status in ('uploaded', 'reading', 'importing')),
    'opt_outs', (select count(*) from public.opt_outs where revoked_at is null),
    'contacts_estimate', (select greatest(reltuples, 0)::bigint from pg_catalog.pg_class where oid = 'public.contacts'::regclass),
    'open_invites', (select count(*) from public.invites where accepted_at is null and revoked_at is null and expires_at > now()),
    'live_api_keys', (select count(*) from public.api_keys where revoked_at is null and (expires_at is null or expires_at > now())),
    'texts_open', (select coalesce(jsonb_object_agg(state, n), '{}') from (select state, count(*) as n from public.outbound
      where state in ('queued', 'reserved', 'dispatching', 'unconfirmed') group by state) s),
    'oldest_due_text_seconds', (select coalesce(extract(epoch from now() - min(coalesce(not_before, queued_at)))::int, 0) from public.outbound
      where state = 'queued' and coalesce(not_before, queued_at) <= now()),
    'cold_texts_today', (select coalesce(sum(d.used), 0) from public.number_days d join public.locations l on l.id = d.location_id
      where d.kind = 'cold' and d.day = (now() at time zone l.timezone)::date),
    'numbers_paused', (select count(*) from public.phone_numbers where is_active and paused_at is not null),
    'open_holds', (select count(*) from public.send_holds where resolved_at is null),
    'webhooks_open', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from private.webhook_events
      where status in ('received', 'parked') group by status) s),
    'oldest_waiting_webhook_seconds', (select coalesce(extract(epoch from now() - min(received_at))::int, 0) from private.webhook_events
      where status = 'received'),
    'webhooks_dead', (select count(*) from private.webhook_events where status = 'dead'),
    'media_open', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from public.media
      where status in ('waiting', 'failed') group by status) s))
$$;
