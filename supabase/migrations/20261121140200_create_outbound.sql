-- Every text the system sends has a row here before the vendor is called, and one row is at most one call.
-- queued → reserved → dispatching → accepted → delivered | undelivered | failed; exits: cancelled, rejected, unconfirmed.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table public.outbound (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null, phone_number_id uuid not null,
  message_id uuid not null unique, conversation_id uuid not null, contact_id uuid,
  kind text not null references public.send_kinds (kind),
  campaign_id uuid, recipient_id uuid,
  to_phones text[] not null check (cardinality(to_phones) between 1 and 10),
  body text not null check (btrim(body) <> '' and length(body) <= 1600),
  segments int not null check (segments > 0),
  state text not null default 'queued' check (state in ('queued', 'reserved', 'dispatching', 'accepted', 'delivered', 'undelivered',
    'failed', 'cancelled', 'rejected', 'unconfirmed')),
  not_before timestamptz, attempts int not null default 0,
  lease uuid, lease_until timestamptz,
  queued_at timestamptz not null, reserved_at timestamptz, call_started_at timestamptz, finished_at timestamptz,
  quota_day date,
  external_id text unique, rule text, error_code text, error_text text,
  polls int not null default 0, next_poll_at timestamptz,
  requested_by uuid references public.profiles (id) on delete set null,
  settled_by uuid references public.profiles (id) on delete set null, settled_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (id, location_id),
  foreign key (message_id, location_id) references public.messages (id, location_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id),
  check ((state = 'reserved') <= (lease is not null)),
  check ((state in ('dispatching', 'accepted', 'delivered', 'undelivered', 'failed', 'unconfirmed')) <= (call_started_at is not null))
);
comment on table public.outbound is 'The send machine''s ledger. Written only by its functions; a started call is never made again.';
comment on column public.outbound.attempts is 'Claims, not calls: only an answer that proves nothing was sent (429) lets a row be claimed again.';
comment on column public.outbound.rule is 'Which rule cancelled it, or lets it wait.';
create index outbound_queued on public.outbound (not_before nulls first, queued_at) where state = 'queued';
create index outbound_open on public.outbound (lease_until) where state in ('reserved', 'dispatching');
create index outbound_unconfirmed on public.outbound (next_poll_at) where state = 'unconfirmed';
create index outbound_phones on public.outbound using gin (to_phones) where state in ('queued', 'reserved', 'dispatching', 'unconfirmed');
create index outbound_number on public.outbound (phone_number_id, reserved_at desc);
create index outbound_conversation on public.outbound (conversation_id);
create index outbound_contact on public.outbound (contact_id) where contact_id is not null;
create index outbound_location on public.outbound (location_id, created_at desc);
create index outbound_kind on public.outbound (kind);
create index outbound_requested_by on public.outbound (requested_by) where requested_by is not null;
create index outbound_settled_by on public.outbound (settled_by) where settled_by is not null;
-- One live attempt a recipient, ever.
create unique index outbound_recipient on public.outbound (recipient_id) where recipient_id is not null and state not in ('cancelled', 'rejected');

create table public.number_days (
  phone_number_id uuid not null, location_id uuid not null,
  day date not null,
  kind text not null references public.send_kinds (kind),
  cap int check (cap >= 0),
  used int not null default 0,
  last_reserved_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (phone_number_id, day, kind),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  constraint number_days_cap check (used >= 0 and (cap is null or used <= cap))
);
comment on table public.number_days is 'Texts reserved by number, local day and kind. Only cold has a cap; the CHECK makes the 126th impossible.';
create index number_days_location on public.number_days (location_id, day);
create index number_days_kind on public.number_days (kind);

create table public.send_holds (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  phone text not null check (phone ~ '^\+[1-9]\d{7,14}$'),
  contact_id uuid, message_id uuid, word text, reason text not null,
  opened_at timestamptz not null,
  resolved_at timestamptz, decision text check (decision in ('opt_out', 'release')), decision_reason text,
  resolved_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id),
  foreign key (message_id, location_id) references public.messages (id, location_id),
  check ((resolved_at is null) = (decision is null))
);
comment on table public.send_holds is 'Doubt whether a text was an opt-out: nothing is sent to the number until a person has decided.';
create unique index send_holds_open on public.send_holds (phone) where resolved_at is null;
create index send_holds_location on public.send_holds (location_id, opened_at desc);
create index send_holds_contact on public.send_holds (contact_id) where contact_id is not null;
create index send_holds_message on public.send_holds (message_id) where message_id is not null;
create index send_holds_resolved_by on public.send_holds (resolved_by) where resolved_by is not null;

create table public.phone_validations (
  location_id uuid not null references public.locations (id),
  phone text not null check (phone ~ '^\+[1-9]\d{7,14}$'),
  status text not null default 'waiting' check (status in ('waiting', 'checked', 'unknown')),
  is_valid boolean, line_type text check (line_type in ('mobile', 'landline', 'voip', 'toll_free', 'premium', 'pager', 'other')),
  carrier text, country text, place text,
  checked_at timestamptz, valid_until timestamptz,
  attempts int not null default 0, next_try_at timestamptz not null default now(), error text,
  lease uuid, lease_until timestamptz, raw jsonb,
  requested_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (location_id, phone),
  check (status <> 'checked' or (is_valid is not null and checked_at is not null and valid_until is not null))
);
comment on table public.phone_validations is 'What a validation service said of a number, good for 30 days. No row, waiting and unknown are not sendable.';
create index phone_validations_waiting on public.phone_validations (next_try_at) where status in ('waiting', 'unknown');
create index phone_validations_phone on public.phone_validations (phone);
create index phone_validations_requested_by on public.phone_validations (requested_by) where requested_by is not null;

create table public.campaign_templates (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  name text not null check (btrim(name) <> '' and length(name) <= 100),
  body text not null check (btrim(body) <> '' and length(body) <= 1600),
  category text not null default 'custom' check (category in ('promotional', 'reminder', 'follow_up', 'notification', 'custom')),
  created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), archived_at timestamptz,
  unique (id, location_id)
);
comment on table public.campaign_templates is 'Texts with tokens such as {first_name|there}; private.render_text says which there are.';
create unique index campaign_templates_name on public.campaign_templates (location_id, lower(name)) where archived_at is null;
create index campaign_templates_created_by on public.campaign_templates (created_by) where created_by is not null;

do $$
declare t text;
begin
  foreach t in array '{outbound,number_days,send_holds,phone_validations,campaign_templates}'::text[] loop
    execute format('create trigger set_updated_at before update on public.%I for each row execute function private.set_updated_at()', t);
    execute format('alter table public.%I enable row level security', t);
    perform private.limit_keys(format('public.%I', t)::regclass);
    execute format($p$create policy "owners and admins read" on public.%I for select to authenticated
      using (location_id = any (array(select private.my_locations('owner', 'admin'%s))))$p$, t,
      case when t in ('campaign_templates', 'number_days') then ', ''marketer''' else '' end);
    execute format('grant select on public.%I to authenticated, service_role', t);
    insert into public.api_scopes (scope, resource, may_write) values ('messages:read', t, false), ('messages:write', t, t = 'campaign_templates');
  end loop;
end $$;
revoke select on public.outbound from authenticated;
grant select (id, location_id, phone_number_id, message_id, conversation_id, contact_id, kind, campaign_id, to_phones, body, segments, state,
  not_before, attempts, queued_at, reserved_at, call_started_at, finished_at, quota_day, external_id, rule, error_code, error_text,
  requested_by, settled_by, settled_at, created_at, updated_at) on public.outbound to authenticated;
revoke select on public.phone_validations from authenticated;
grant select (location_id, phone, status, is_valid, line_type, carrier, country, place, checked_at, valid_until, attempts, error, created_at, updated_at)
  on public.phone_validations to authenticated;
create policy "owners and admins add" on public.campaign_templates for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins change" on public.campaign_templates for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
grant insert (id, location_id, name, body, category), update (name, body, category, archived_at) on public.campaign_templates to authenticated;
create trigger limit_changed after update on public.campaign_templates referencing old table as old_rows
  for each statement when (auth.uid() is not null) execute function private.limit_rows();
create trigger audit after insert or update or delete on public.send_holds for each row execute function private.audit();
create trigger audit after insert or update or delete on public.campaign_templates for each row execute function private.audit();
