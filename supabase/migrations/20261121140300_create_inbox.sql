-- What vendors tell us, kept as it came before anything is done with it; and the long runs that ask them.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table private.webhook_events (
  id bigint generated always as identity primary key,
  provider text not null check (provider in ('openphone')),
  event_id text not null, -- the delivery's id, the same for each retry of it
  scheme text not null, type text not null,
  body text not null, -- the very text that was signed
  received_at timestamptz not null default now(),
  status text not null default 'received' check (status in ('received', 'parked', 'processed', 'ignored', 'dead')),
  attempts int not null default 0, next_try_at timestamptz not null default now(),
  lease uuid, lease_until timestamptz,
  waits_for text, -- parked: call:<external id>, or outbound:<id>
  facts jsonb, -- the normal form, once it was read
  error_code text, error text, processed_at timestamptz, replays int not null default 0,
  unique (provider, event_id)
);
comment on table private.webhook_events is 'The webhook inbox. Rows are marked, never deleted.';
create index webhook_events_due on private.webhook_events (next_try_at, id) where status in ('received', 'parked');
create index webhook_events_waits on private.webhook_events (waits_for) where status = 'parked';
create index webhook_events_dead on private.webhook_events (id) where status = 'dead';
create index webhook_events_received on private.webhook_events using brin (received_at);
alter table private.webhook_events enable row level security;

create table private.webhook_refusals (
  day date not null, provider text not null, reason text not null, count bigint not null default 0,
  primary key (day, provider, reason)
);
comment on table private.webhook_refusals is 'How many webhooks were turned away, by day (UTC) and reason; added to by the maintenance worker from Redis.';
alter table private.webhook_refusals enable row level security;

create table public.sync_runs (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  kind text not null check (kind in ('history', 'reconciliation', 'stop_scan', 'contact_push')),
  status text not null default 'waiting' check (status in ('waiting', 'running', 'paused', 'cancelled', 'done', 'failed')),
  phase text, current_item text,
  cursor jsonb not null default '{}', counts jsonb not null default '{}', total jsonb not null default '{}',
  warnings jsonb not null default '[]', error text, error_count int not null default 0,
  lease uuid, lease_until timestamptz, next_try_at timestamptz not null default now(),
  started_at timestamptz, finished_at timestamptz,
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
comment on table public.sync_runs is 'A run through the vendor''s records: where it stands (cursor), what it did (counts), and whether it goes on.';
create unique index sync_runs_one_at_a_time on public.sync_runs (location_id, kind) where status in ('waiting', 'running', 'paused');
create index sync_runs_location on public.sync_runs (location_id, created_at desc);
create index sync_runs_due on public.sync_runs (next_try_at) where status in ('waiting', 'running');
create index sync_runs_created_by on public.sync_runs (created_by) where created_by is not null;
create trigger set_updated_at before update on public.sync_runs for each row execute function private.set_updated_at();
create trigger audit after insert or update of status or delete on public.sync_runs for each row execute function private.audit();
alter table public.sync_runs enable row level security;
select private.limit_keys('public.sync_runs');
create policy "owners and admins read" on public.sync_runs for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
grant select (id, location_id, kind, status, phase, current_item, counts, total, warnings, error, error_count, started_at, finished_at, created_by,
  created_at, updated_at) on public.sync_runs to authenticated;
grant select on public.sync_runs to service_role;
