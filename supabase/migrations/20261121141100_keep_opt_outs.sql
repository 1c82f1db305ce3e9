-- Opt-outs grow the rest of their rules: what each takes effect on, how it ends, who else may say so than the person's own text.
-- Locks opt_outs, opt_out_events and list_members for a moment (columns with constant defaults). Way back: supabase/rollbacks/.
set lock_timeout = '4s';

alter table public.opt_outs add column channel text check (channel in ('phone_call', 'email', 'in_person', 'letter', 'website', 'text', 'other')),
  add column note text check (length(note) <= 2000), add column revoked_message_id uuid;
comment on column public.opt_outs.channel is 'By what way somebody told us who did not write STOP: any reasonable means counts (47 CFR 64.1200(a)(10)).';
comment on column public.opt_outs.revoked_message_id is 'The person''s own START that ended it; null where an owner did.';
alter table public.opt_out_events add column message_id uuid;
comment on column public.opt_out_events.message_id is 'The text that said so: one line a text, so that history is the same in whatever order they came.';
create unique index opt_out_events_message on public.opt_out_events (message_id) where message_id is not null;

-- Why a member is suppressed is asked again when an opt-out ends; only what a person set by hand says nothing anybody could ask.
alter table public.list_members add column suppressed_by_hand boolean not null default false;
-- Of those suppressed before, nobody noted by whom: what nothing else explains was set by hand.
update public.list_members set suppressed_by_hand = true where status = 'suppressed' and not private.is_suppressed(location_id, contact_id);
create function private.suppressed_by_hand() returns trigger language plpgsql set search_path = '' as $$
begin
  new.suppressed_by_hand := new.status = 'suppressed';
  return new;
end $$;
create trigger "05_suppressed_by_hand" before insert or update of status on public.list_members for each row
  when (auth.uid() is not null and pg_trigger_depth() = 0) execute function private.suppressed_by_hand();

-- By location, for numbers are indexed so and an index more would be paid by every imported row.
create function private.contacts_of(p_phone text) returns setof uuid language plpgsql stable set search_path = '' as $$
begin
  return query select n.contact_id from public.locations l cross join lateral (
    select contact_id from public.contact_phones where location_id = l.id and phone = p_phone offset 0) n;
end $$;

create function private.add_opt_out_event(p_row public.opt_outs, p_event text) returns void language plpgsql set search_path = '' as $$
declare v_out constant boolean := p_event = 'opted_out';
begin
  insert into public.opt_out_events (opt_out_id, location_id, phone, contact_id, contact_name, event, method, keyword, reason, actor_id, at, message_id)
    select p_row.id, p_row.location_id, p_row.phone, p_row.contact_id,
      (select display_name from public.contacts where id = coalesce(p_row.contact_id, private.contact_by_phone(p_row.location_id, p_row.phone))),
      p_event, p_row.method, case when p_row.revoked_message_id is null or v_out then p_row.keyword else p_row.revoked_reason end,
      case when v_out then p_row.note else p_row.revoked_reason end, auth.uid(),
      case when v_out then p_row.opted_out_at else p_row.revoked_at end,
      case when not v_out then p_row.revoked_message_id when p_row.method = 'keyword' then p_row.message_id end
    on conflict (message_id) where message_id is not null do nothing;
end $$;

create or replace function private.record_opt_out() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.revoked_at is not distinct from old.revoked_at then return null; end if;
  if tg_op = 'INSERT' or new.revoked_at is null then perform private.add_opt_out_event(new, 'opted_out'); end if;
  if new.revoked_at is not null then
    perform private.add_opt_out_event(new, 'revoked');
    perform private.restore_members(new.phone);
  else
    update public.list_members m set status = 'suppressed' where m.contact_id in (select private.contacts_of(new.phone)) and m.status = 'active';
    perform private.cancel_sends(new.phone, 'opted_out', clock_timestamp());
  end if;
  return null;
end $$;

create function private.restore_members(p_phone text) returns void language plpgsql set search_path = '' as $$
begin
  update public.list_members m set status = 'active' where m.contact_id in (select private.contacts_of(p_phone)) and m.status = 'suppressed'
    and not m.suppressed_by_hand and not private.is_suppressed(m.location_id, m.contact_id);
end $$;
comment on function private.restore_members is 'Who was suppressed by nothing but an opt-out that ended may be texted again.';

-- Every text that says STOP, START or HELP, and every lift by an owner: what the rows of method keyword are worked out from.
create table private.keyword_texts (
  id bigint generated always as identity primary key,
  phone text not null, said_at timestamptz not null, external_id text,
  message_id uuid unique, -- null: an owner lifted it
  outcome text not null check (outcome in ('opt_out', 'opt_in', 'lifted', 'hold', 'help')),
  word text, answered_at timestamptz,
  check ((outcome = 'lifted') = (message_id is null))
);
create index keyword_texts_phone on private.keyword_texts (phone, said_at);
alter table private.keyword_texts enable row level security;

-- One at a time for a number.
create function private.lock_phone(p_phone text) returns void language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('opt_out:' || p_phone, 0));
end $$;

create function private.lift_opt_out(p_row public.opt_outs, p_reason text) returns public.opt_outs language plpgsql set search_path = '' as $$
begin
  update public.opt_outs set revoked_at = greatest(now(), opted_out_at), revoked_reason = p_reason where id = p_row.id returning * into p_row;
  insert into private.keyword_texts (phone, said_at, outcome, word) values (p_row.phone, p_row.revoked_at, 'lifted', p_reason);
  return p_row;
end $$;

create or replace function public.revoke_opt_out(p_phone text, p_reason text) returns public.opt_outs
language plpgsql security definer set search_path = '' as $$
declare v_row public.opt_outs;
begin
  if btrim(coalesce(p_reason, '')) = '' then
    perform private.refuse(422, 'reason_required', 'Say why this opt-out is lifted.', 'Give p_reason.');
  end if;
  perform private.lock_phone(p_phone);
  select * into v_row from public.opt_outs
    where phone = p_phone and revoked_at is null and location_id in (select private.my_locations('owner')) for update;
  if v_row.id is null then
    perform private.refuse(404, 'not_found', 'No opt-out of this number that you may lift.', 'Only an owner may; check the number.');
  end if;
  return private.lift_opt_out(v_row, p_reason);
end $$;

-- What somebody said on the telephone outlives his own START: it takes the place of a keyword's.
create function public.opt_out_number(p_location uuid, p_phone text, p_channel text, p_note text default null) returns public.opt_outs
language plpgsql security definer set search_path = '' as $$
declare v_row public.opt_outs;
begin
  perform private.require_role(p_location, 'owner', 'admin');
  if not private.is_e164(p_phone) then
    perform private.refuse(422, 'invalid_value', 'p_phone is no telephone number.', 'Give it as +16175550100.');
  elsif not coalesce(p_channel in ('phone_call', 'email', 'in_person', 'letter', 'website', 'text', 'other'), false) or length(p_note) > 2000 then
    perform private.refuse(422, 'invalid_value', 'p_channel is no way to tell us, or p_note is longer than 2000.',
      'Give phone_call, email, in_person, letter, website, text or other.');
  end if;
  perform private.lock_phone(p_phone);
  select * into v_row from public.opt_outs where phone = p_phone and revoked_at is null for update;
  if v_row.method <> 'keyword' then
    if v_row.location_id = p_location then return v_row; end if;
    perform private.refuse(409, 'already_exists', 'This number has opted out already.');
  elsif v_row.id is not null then
    perform private.lift_opt_out(v_row, 'Opted out by hand instead.');
  end if;
  insert into public.opt_outs (location_id, phone, contact_id, method, channel, note)
    values (p_location, p_phone, private.contact_by_phone(p_location, p_phone), 'manual', p_channel, nullif(btrim(p_note), '')) returning * into v_row;
  return v_row;
end $$;
comment on function public.opt_out_number is 'By hand: who told us otherwise than by a text. Their own START does not end it, an owner does.';

create table private.carrier_opt_out_codes (
  code text primary key, vendor text not null
);
comment on table private.carrier_opt_out_codes is 'Failures that mean: this person is unsubscribed from us. A filtered or dead number is none.';
alter table private.carrier_opt_out_codes enable row level security;
insert into private.carrier_opt_out_codes values ('21610', 'Twilio'), ('40300', 'Telnyx'), ('4790', 'Bandwidth'), ('unsubscribed', 'words'), ('opted_out', 'words'), ('opt_out', 'words');

create function private.opt_out_by_carrier(p_message uuid, p_code text, p_now timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare m public.messages;
begin
  select * into m from public.messages where id = p_message and direction = 'outgoing' and cardinality(to_phones) = 1;
  if m.id is null or not exists (select 1 from private.carrier_opt_out_codes where code = regexp_replace(lower(btrim(p_code)), '[ -]+', '_', 'g')) then
    return;
  end if;
  perform private.lock_phone(m.to_phone);
  insert into public.opt_outs (location_id, phone, contact_id, opted_out_at, method, keyword, message_id, campaign_id)
    values (m.location_id, m.to_phone, m.contact_id, coalesce(p_now, clock_timestamp()), 'carrier', p_code, m.id, m.campaign_id)
    on conflict (phone) where revoked_at is null do nothing;
end $$;
comment on function private.opt_out_by_carrier is 'A failure that says the person is unsubscribed suppresses the number; any other code does nothing.';

revoke execute on function private.opt_out_by_carrier(uuid, text, timestamptz), public.opt_out_number(uuid, text, text, text) from public;
grant execute on function public.opt_out_number(uuid, text, text, text) to authenticated;
