-- Who may not be texted, and why anybody may: opt-outs by number, consent as an append-only ledger.
set lock_timeout = '4s';

create table public.opt_outs (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  phone text not null check (phone ~ '^\+[1-9]\d{7,14}$'),
  contact_id uuid,
  opted_out_at timestamptz not null default now(),
  method text not null default 'manual' check (method in ('keyword', 'manual', 'import', 'carrier')),
  keyword text, message_id uuid, campaign_id uuid,
  revoked_at timestamptz, revoked_reason text, created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id),
  check (revoked_at is null or revoked_at >= opted_out_at)
);
comment on table public.opt_outs is 'By number, for the whole business: a row with revoked_at null forbids every text to it, at every location.';
create unique index opt_outs_phone_in_force on public.opt_outs (phone) where revoked_at is null;
create index opt_outs_location on public.opt_outs (location_id, opted_out_at desc);
create index opt_outs_contact on public.opt_outs (contact_id) where contact_id is not null;
create index opt_outs_created_by on public.opt_outs (created_by) where created_by is not null;

create table public.opt_out_events (
  id bigint generated always as identity primary key,
  opt_out_id uuid not null, location_id uuid not null, phone text not null, contact_id uuid, contact_name text,
  event text not null check (event in ('opted_out', 'revoked')), method text, keyword text, reason text,
  actor_id uuid, at timestamptz not null
);
comment on table public.opt_out_events is 'Append-only history of outs and ins, with the name and number as they were.';
create index opt_out_events_location on public.opt_out_events (location_id, at desc);
create index opt_out_events_phone on public.opt_out_events (phone, at);

create table public.consents (
  id bigint generated always as identity primary key,
  location_id uuid not null references public.locations (id),
  phone text not null check (phone ~ '^\+[1-9]\d{7,14}$'),
  contact_id uuid,
  status text not null check (status in ('unknown', 'express', 'written', 'revoked')),
  source text not null default 'manual' check (source in ('manual', 'import', 'website', 'message', 'quote')),
  evidence text, import_id uuid, created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id)
);
comment on table public.consents is 'Append-only; the newest row of a number counts. No row means unknown, and unknown is not sendable.';
create index consents_phone on public.consents (location_id, phone, id desc);
create index consents_contact on public.consents (contact_id) where contact_id is not null;
create index consents_created_by on public.consents (created_by) where created_by is not null;
create index consents_import on public.consents (import_id) where import_id is not null;

create function private.record_opt_out() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_name text;
begin
  if tg_op = 'UPDATE' and new.revoked_at is not distinct from old.revoked_at then return null; end if;
  select display_name into v_name from public.contacts
    where id = coalesce(new.contact_id, private.contact_by_phone(new.location_id, new.phone));
  insert into public.opt_out_events (opt_out_id, location_id, phone, contact_id, contact_name, event, method, keyword, reason, actor_id, at)
  values (new.id, new.location_id, new.phone, new.contact_id, v_name,
          case when new.revoked_at is null then 'opted_out' else 'revoked' end,
          new.method, new.keyword, new.revoked_reason, auth.uid(), coalesce(new.revoked_at, new.opted_out_at));
  update public.list_members m set status = 'suppressed' from public.contact_phones n
    where new.revoked_at is null and n.phone = new.phone and m.contact_id = n.contact_id and m.status = 'active';
  return null;
end $$;
create trigger record_opt_out after insert or update on public.opt_outs for each row execute function private.record_opt_out();
create trigger set_updated_at before update on public.opt_outs for each row execute function private.set_updated_at();
create trigger audit after insert or update or delete on public.opt_outs for each row execute function private.audit();

create function private.refuse_rewriting() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'PT405', message = 'append_only', detail = format('%s is history: it is added to, never changed.', tg_table_name);
end $$;
create trigger append_only before update or delete on public.opt_out_events for each row execute function private.refuse_rewriting();
create trigger append_only before update or delete on public.audit_log for each row execute function private.refuse_rewriting();
create trigger append_only_delete before delete on public.consents for each row execute function private.refuse_rewriting();
-- A person, file or colleague that is gone is forgotten by the row (set null); what was said stays.
create trigger append_only before update on public.consents for each row
  when ((old.id, old.location_id, old.phone, old.status, old.source, old.evidence, old.created_at)
    is distinct from (new.id, new.location_id, new.phone, new.status, new.source, new.evidence, new.created_at))
  execute function private.refuse_rewriting();
create trigger append_only_truncate before truncate on public.opt_out_events execute function private.refuse_rewriting();
create trigger append_only_truncate before truncate on public.audit_log execute function private.refuse_rewriting();
create trigger append_only_truncate before truncate on public.consents execute function private.refuse_rewriting();

-- What a person does at the screen keeps to the same rule as an import: who may not be texted is in a list as suppressed.
create function private.suppress_member() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if private.is_suppressed(new.location_id, new.contact_id) then new.status := 'suppressed'; end if;
  return new;
end $$;
create trigger "10_suppress_member" before insert or update of status on public.list_members for each row
  when (auth.uid() is not null and new.status = 'active') execute function private.suppress_member();
create function private.suppress_flagged() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.list_members m set status = 'suppressed'
    where m.contact_id = any (array[new.contact_id, private.contact_by_phone(new.location_id, new.phone)])
      and m.status = 'active' and private.is_suppressed(m.location_id, m.contact_id);
  return null;
end $$;
create trigger suppress_flagged after insert or update on public.contact_flags for each row execute function private.suppress_flagged();

-- An opt-out ends by the person's own START, or here: by an owner, with a reason, on the record.
create function public.revoke_opt_out(p_phone text, p_reason text) returns public.opt_outs
language plpgsql security definer set search_path = '' as $$
declare v_row public.opt_outs;
begin
  if btrim(coalesce(p_reason, '')) = '' then
    perform private.refuse(422, 'reason_required', 'Say why this opt-out is lifted.', 'Give p_reason.');
  end if;
  update public.opt_outs set revoked_at = greatest(now(), opted_out_at), revoked_reason = p_reason
    where phone = p_phone and revoked_at is null and location_id in (select private.my_locations('owner')) returning * into v_row;
  if v_row.id is null then
    perform private.refuse(404, 'not_found', 'No opt-out of this number that you may lift.', 'Only an owner may; check the number.');
  end if;
  return v_row;
end $$;

alter table public.opt_outs enable row level security;
alter table public.opt_out_events enable row level security;
alter table public.consents enable row level security;
create policy "owners and admins read" on public.opt_outs for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins opt a number out by hand" on public.opt_outs for insert to authenticated
  with check (method = 'manual' and revoked_at is null and location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.opt_out_events for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins read" on public.consents for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "owners and admins add" on public.consents for insert to authenticated
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));

grant select on public.opt_outs, public.opt_out_events, public.consents to authenticated;
grant insert (location_id, phone, contact_id, method) on public.opt_outs to authenticated;
grant insert (location_id, phone, contact_id, status, source, evidence) on public.consents to authenticated;
grant execute on function public.revoke_opt_out(text, text) to authenticated;
grant select, insert, update on public.opt_outs to service_role;
grant select on public.opt_out_events to service_role;
grant select, insert on public.consents to service_role;
