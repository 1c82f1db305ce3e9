-- Does a text that reaches our number reach us? A second number texts the first, through the send machine like every text, and a
-- webhook must bring it back within two minutes. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.phone_numbers add column is_health boolean not null default false;
comment on column public.phone_numbers.is_health is 'The second number (OPENPHONE_HEALTH_NUMBER): it texts the others of its location and serves nobody else.';
create unique index phone_numbers_health on public.phone_numbers (is_health) where is_health and is_active;

create table public.health_checks (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null, phone_number_id uuid not null,
  slot timestamptz not null,
  word text not null unique,
  outbound_id uuid unique,
  status text not null default 'waiting' check (status in ('waiting', 'heard', 'failed')),
  reason text,
  sent_at timestamptz not null, heard_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  -- One text a slot, whoever is killed wherever.
  unique (phone_number_id, slot),
  check ((status = 'failed') <= (reason is not null)), check ((status = 'heard') <= (heard_at is not null)),
  foreign key (phone_number_id, location_id) references public.phone_numbers (id, location_id),
  foreign key (outbound_id, location_id) references public.outbound (id, location_id)
);
comment on table public.health_checks is 'Each text AAC-HEALTH-<word> to one of our numbers, and whether a webhook brought it back.';
create index health_checks_location on public.health_checks (location_id, sent_at desc);
create index health_checks_open on public.health_checks (sent_at) where status = 'waiting';
create trigger set_updated_at before update on public.health_checks for each row execute function private.set_updated_at();
alter table public.health_checks enable row level security;
select private.limit_keys('public.health_checks');
create policy "owners and admins read" on public.health_checks for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))));
grant select on public.health_checks to authenticated, service_role;
insert into public.api_scopes (scope, resource) values ('messages:read', 'health_checks'), ('messages:write', 'health_checks');

create table private.outages (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id) on delete cascade,
  kind text not null check (kind in ('texts_not_heard', 'no_webhooks', 'webhooks_unsigned')), subject text not null default '',
  title text not null, detail text, opened_at timestamptz not null, closed_at timestamptz
);
comment on table private.outages is 'What is or was wrong with messaging: told when it begins and when it is over.';
create unique index outages_open on private.outages (location_id, kind, subject) where closed_at is null;
create index outages_location on private.outages (location_id);
alter table private.outages enable row level security;

create function private.open_outage(p_location uuid, p_kind text, p_subject text, p_title text, p_detail text, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  insert into private.outages (location_id, kind, subject, title, detail, opened_at) values (p_location, p_kind, p_subject, p_title, p_detail, p_now)
    on conflict (location_id, kind, subject) where closed_at is null do nothing returning id into v_id;
  if v_id is null then return; end if;
  perform private.notify(p_location, p_kind, p_kind || ':' || v_id, p_title, p_detail, jsonb_build_object('outage_id', v_id));
  perform private.add_todo(p_location, p_kind || ':' || p_subject, p_title, p_detail, null, null, 1);
end $$;

create function private.close_outage(p_location uuid, p_kind text, p_subject text, p_title text, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  update private.outages set closed_at = p_now where location_id = p_location and kind = p_kind and subject = p_subject and closed_at is null
    returning id into v_id;
  if v_id is null then return; end if;
  perform private.notify(p_location, p_kind || '_over', p_kind || '_over:' || v_id, p_title, null, jsonb_build_object('outage_id', v_id));
  update public.todos set status = 'done' where location_id = p_location and dedupe_key = p_kind || ':' || p_subject and status = 'open';
end $$;

create function private.is_business_time(p_zone text, p_at timestamptz) returns boolean language sql stable set search_path = '' as $$
  select extract(isodow from p_at at time zone p_zone) < 6 and (p_at at time zone p_zone)::time >= '09:00' and (p_at at time zone p_zone)::time < '18:00'
$$;

-- Each hour from nine to six, Monday to Friday; else at midnight, six, noon and six. On local clocks, which strike none of these twice.
create function private.health_slot(p_zone text, p_at timestamptz) returns timestamptz language plpgsql stable set search_path = '' as $$
declare v_local timestamp := date_trunc('hour', p_at at time zone p_zone);
begin
  if not private.is_business_time(p_zone, p_at) then
    v_local := date_trunc('day', v_local) + interval '6 hours' * floor(extract(hour from v_local) / 6);
  end if;
  return v_local at time zone p_zone;
end $$;

-- Another number, or none, is configured: the old one rests. A number that serves customers is not taken for this.
create function private.set_health_number(p_e164 text) returns public.phone_numbers language plpgsql set search_path = '' as $$
declare n public.phone_numbers;
begin
  update public.phone_numbers set is_active = false where is_health and is_active and e164 is distinct from p_e164;
  insert into public.phone_numbers (location_id, e164, label, is_health)
    select location_id, p_e164, 'Health check', true from public.phone_numbers
      where is_active and not is_health and p_e164 is not null order by created_at, id limit 1
    on conflict (e164) do nothing;
  update public.phone_numbers set is_active = true where e164 = p_e164 and is_health and not is_active;
  select * into n from public.phone_numbers where e164 = p_e164 and is_health;
  return n;
end $$;

-- What became of it; null while nobody can say.
create function private.check_outcome(h public.health_checks, o public.outbound, p_heard timestamptz, p_now timestamptz) returns text
language plpgsql stable set search_path = '' as $$
begin
  if p_heard <= coalesce(o.call_started_at, h.sent_at) + interval '2 minutes' then return 'heard';
  elsif p_heard is not null then return 'A webhook brought it back, but after more than two minutes.';
  elsif o.state in ('cancelled', 'rejected', 'failed', 'undelivered') then
    return format('It was not delivered: %s.', coalesce(rtrim(o.error_text, '.'), o.error_code, o.rule, o.state));
  elsif o.call_started_at < p_now - interval '2 minutes' then return 'No webhook brought it back within two minutes.';
  elsif o.call_started_at is null and h.sent_at < p_now - interval '10 minutes' then return 'It did not leave within ten minutes: do the workers run?';
  end if;
  return null;
end $$;

-- Nobody is asked about a text to ourselves: heard, it was sent; late, it does not leave any more; in doubt, it stays so.
create function private.end_health_text(o public.outbound, p_heard boolean, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  if o.state in ('queued', 'reserved') then
    perform private.cancel_send(o, 'too_late', 'The check is over.', p_now);
  elsif o.state = 'unconfirmed' and p_heard then
    update public.outbound set state = 'accepted', finished_at = p_now, settled_at = p_now, next_poll_at = null, lease = null, lease_until = null
      where id = o.id;
  elsif o.state = 'unconfirmed' then
    update public.outbound set polls = 3, next_poll_at = null where id = o.id;
  end if;
end $$;

create function private.end_check(h public.health_checks, p_outcome text, p_heard timestamptz, p_now timestamptz) returns void
language plpgsql set search_path = '' as $$
declare v_number text := (select e164 from public.phone_numbers where id = h.phone_number_id);
begin
  update public.health_checks set status = case p_outcome when 'heard' then 'heard' else 'failed' end, heard_at = p_heard,
    reason = case when p_outcome <> 'heard' then p_outcome end where id = h.id;
  if p_outcome = 'heard' then
    perform private.close_outage(h.location_id, 'texts_not_heard', h.phone_number_id::text, format('Texts to %s reach us again', v_number), p_now);
  else
    perform private.open_outage(h.location_id, 'texts_not_heard', h.phone_number_id::text, format('A text to our number %s did not reach us', v_number),
      p_outcome || ' What customers write may not arrive: look at OpenPhone and its webhooks.', p_now);
  end if;
end $$;

create function private.settle_checks(p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare
  h public.health_checks;
  o public.outbound;
  v_heard timestamptz;
  v_outcome text;
begin
  for h in select * from public.health_checks where status = 'waiting' order by sent_at, id for update loop
    select * into o from public.outbound where id = h.outbound_id for update;
    v_heard := public.health_heard('AAC-HEALTH-' || h.word);
    v_outcome := private.check_outcome(h, o, v_heard, p_now);
    if v_outcome is not null then
      perform private.end_check(h, v_outcome, v_heard, p_now);
      perform private.end_health_text(o, v_outcome = 'heard', p_now);
    end if;
  end loop;
end $$;

create function private.begin_check(p_from public.phone_numbers, p_to public.phone_numbers, p_slot timestamptz, p_now timestamptz) returns int
language plpgsql set search_path = '' as $$
declare
  h public.health_checks;
  v_refusal jsonb;
begin
  insert into public.health_checks (location_id, phone_number_id, slot, word, sent_at)
    values (p_to.location_id, p_to.id, p_slot, replace(gen_random_uuid()::text, '-', ''), p_now)
    on conflict (phone_number_id, slot) do nothing returning * into h;
  if h.id is null then return 0; end if;
  v_refusal := private.send_refusal(p_from.location_id, p_from.id, 'health', array[p_to.e164], p_now);
  if v_refusal is not null then
    perform private.end_check(h, format('It may not be sent: %s', v_refusal ->> 'detail'), null, p_now);
    return 0;
  end if;
  update public.health_checks set outbound_id = (private.place_text(p_from.location_id, p_from.id, 'health', array[p_to.e164],
    'AAC-HEALTH-' || h.word, p_now => p_now)).id where id = h.id;
  return 1;
end $$;

create function private.begin_checks(p_health public.phone_numbers, p_now timestamptz) returns int language plpgsql set search_path = '' as $$
declare
  n public.phone_numbers;
  v_zone text := (select timezone from public.locations where id = p_health.location_id);
  v_count int := 0;
begin
  -- Who stopped the sending, or this number, need not be told that nothing is sent.
  if p_health.id is null or p_health.paused_at is not null or private.location_setting(p_health.location_id, 'sending_paused') = 'true' then return 0; end if;
  for n in select * from public.phone_numbers where location_id = p_health.location_id and is_active and not is_health order by id loop
    v_count := v_count + private.begin_check(p_health, n, private.health_slot(v_zone, p_now), p_now);
  end loop;
  return v_count;
end $$;

-- As they were (20261121142400, 142600), but that the second number neither writes to customers nor is paused by its own alarms.
create or replace function private.pause_number(p_number uuid, p_reason text, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
declare n public.phone_numbers;
begin
  update public.phone_numbers set paused_at = p_now, pause_reason = p_reason where id = p_number and paused_at is null and not is_health returning * into n;
  if n.id is null then return; end if;
  perform private.add_todo(n.location_id, 'number_paused:' || n.id, format('Our number %s is paused', n.e164), p_reason, null, null, 1);
  perform private.notify(n.location_id, 'number_paused', format('number_paused:%s:%s', n.id, extract(epoch from p_now)),
    format('Our number %s is paused', n.e164), p_reason, jsonb_build_object('phone_number_id', n.id));
end $$;
create or replace function private.number_for(p_location uuid, p_phones text[]) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return coalesce(
    (select c.phone_number_id from public.conversations c join public.phone_numbers n on n.id = c.phone_number_id
      where c.participants = p_phones and c.location_id = p_location and n.is_active and not n.is_health order by c.last_at desc nulls last, c.id limit 1),
    (select id from public.phone_numbers where location_id = p_location and is_active and not is_health order by created_at, id limit 1));
end $$;
