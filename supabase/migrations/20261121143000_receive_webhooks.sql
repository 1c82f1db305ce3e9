-- The webhook inbox's front: what came is kept as it came, what was turned away is counted.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- What the vendor's address book says, the newest word of each person: it may come before we know the number.
create table private.vendor_contacts (
  external_id text primary key,
  reported_at timestamptz not null,
  is_deleted boolean not null default false,
  first_name text, last_name text,
  phones text[] not null default '{}'
);
comment on table private.vendor_contacts is 'The vendor''s address book: names for numbers nobody has named. Read when a contact is made.';
create index vendor_contacts_phones on private.vendor_contacts using gin (phones);
alter table private.vendor_contacts enable row level security;

create table private.health_texts (
  text text primary key,
  heard_at timestamptz not null default clock_timestamp()
);
comment on table private.health_texts is 'Texts by which the system hears itself; they never reach the inbox.';
alter table private.health_texts enable row level security;

-- Not by its order of arrival but by id, so that two calls with the same deliveries never wait for each other in a ring.
create function public.receive_webhooks(p_provider text, p_events jsonb) returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  e record;
  v_new boolean[] := array_fill(false, array[jsonb_array_length(p_events)]);
begin
  if not coalesce((auth.jwt() ->> 'inbox')::boolean, false) then
    perform private.refuse(403, 'not_permitted', 'Only the webhook route may do this.', 'Send X-Inbox-Key.');
  end if;
  for e in select x ->> 'event_id' as event_id, x ->> 'scheme' as scheme, x ->> 'type' as type, x ->> 'body' as body, nth
      from jsonb_array_elements(p_events) with ordinality n (x, nth) order by x ->> 'event_id' collate "C", nth loop
    v_new[e.nth] := private.keep_webhook(p_provider, e.event_id, e.scheme, e.type, e.body);
  end loop;
  return to_jsonb(v_new);
end $$;
comment on function public.receive_webhooks is 'Takes [{event_id, scheme, type, body}]. For each, in order: true when it is new, false when this delivery was kept before.';

create function private.keep_webhook(p_provider text, p_event_id text, p_scheme text, p_type text, p_body text) returns boolean
language plpgsql set search_path = '' as $$
begin
  insert into private.webhook_events (provider, event_id, scheme, type, body) values (p_provider, p_event_id, p_scheme, p_type, p_body)
    on conflict (provider, event_id) do nothing;
  if found or exists (select 1 from private.webhook_events where provider = p_provider and event_id = p_event_id and body = p_body) then
    return found;
  end if;
  -- An id that was given to something else before: what was accepted is kept all the same.
  insert into private.webhook_events (provider, event_id, scheme, type, body)
    values (p_provider, p_event_id || ':' || encode(sha256(convert_to(p_body, 'UTF8')), 'hex'), p_scheme, p_type, p_body)
    on conflict (provider, event_id) do nothing;
  return found;
end $$;

create function public.count_webhook_refusals(p_counts jsonb) returns void language sql security definer set search_path = '' as $$
  insert into private.webhook_refusals (day, provider, reason, count)
    select day, provider, reason, sum(count) from jsonb_to_recordset(p_counts) x (day date, provider text, reason text, count bigint)
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (day, provider, reason) do update set count = webhook_refusals.count + excluded.count
$$;
comment on function public.count_webhook_refusals is 'Adds [{day, provider, reason, count}].';

create function public.health_heard(p_text text) returns timestamptz language sql stable security definer set search_path = '' as $$
  select heard_at from private.health_texts where text = p_text
$$;
comment on function public.health_heard is 'When the vendor brought this text back; null: not yet.';

revoke execute on function public.receive_webhooks(text, jsonb), public.count_webhook_refusals(jsonb), public.health_heard(text) from public;
grant execute on function public.receive_webhooks(text, jsonb) to authenticated;
grant execute on function public.count_webhook_refusals(jsonb), public.health_heard(text) to service_role;
