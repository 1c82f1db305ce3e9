drop table public.sync_runs, private.webhook_refusals, private.webhook_events;
