-- A customer's text that was acknowledged and is not read yet may say STOP. Until it is read nothing automatic goes to its sender; where it names
-- none, to nobody. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- As app/integrations/openphone_objects.py reads it, and no more of it than this: sender is null for what is no incoming text,
-- '' where it cannot be told who wrote.
create function private.incoming_text(p_type text, p_body text, out sender text, out said text) language plpgsql immutable set search_path = '' as $$
declare
  v_data jsonb;
  v_told jsonb;
  v_way text;
  v_from jsonb;
  v_type text := btrim(p_type, E' \t\r\n');
begin
  if v_type not like 'message.%' then return; end if;
  -- Neither NUL nor half a surrogate pair, as openphone_fields.safe.
  v_data := regexp_replace(p_body, '\\u(0000|[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u)[dD][c-fC-F]..)', '\\ufffd', 'g')::jsonb -> 'data';
  v_told := coalesce(nullif(v_data -> 'object', 'null'), nullif(v_data -> 'resource', 'null'), v_data);
  if jsonb_typeof(v_told) is distinct from 'object' then v_told := v_data; end if;
  v_way := coalesce(lower(btrim(v_told ->> 'direction', E' \t\r\n')), '');
  if v_way in ('outgoing', 'outbound', 'out') or (v_way not in ('incoming', 'inbound', 'in') and v_type <> 'message.received'
    and not (v_type = 'message.updated' and coalesce(lower(btrim(v_told ->> 'status', E' \t\r\n')), '') = 'received')) then return; end if;
  v_from := case when v_told -> 'from' not in ('null', '""', '0', 'false', '[]', '{}') then v_told -> 'from' else v_data -> 'context' -> 'senderIdentifier' end;
  if jsonb_typeof(v_from) = 'object' then v_from := coalesce(nullif(v_from -> 'phoneNumber', 'null'), nullif(v_from -> 'number', 'null'), v_from -> 'value'); end if;
  sender := left(coalesce(private.vendors_phone(v_from #>> '{}'), ''), 100); -- what is longer is no number, and no index takes it
  said := coalesce(v_told ->> 'text', v_told ->> 'body', v_told ->> 'content', '');
exception when others then
  sender := '';
end $$;

create function private.vendors_phone(p_told text) returns text language plpgsql immutable parallel safe set search_path = '' as $$
declare
  v_word text := btrim(split_part(ltrim(p_told, E', \t\r\n\u00a0'), ',', 1));
  v_digits text := regexp_replace(v_word, '\D', '', 'g');
begin
  return case when v_word ~ '[A-Za-z@]' then v_word when v_digits = '' then null
    when v_word like '+%' then '+' || v_digits when length(v_digits) = 10 then '+1' || v_digits
    when v_digits ~ '^1\d{10}$' then '+' || v_digits else v_digits end;
end $$;

alter table private.webhook_events add column sender text;
comment on column private.webhook_events.sender is 'Who wrote it: an E.164 number or what the vendor says instead; '''' is nobody knows; null: no customer''s text.';
create function private.name_sender() returns trigger language plpgsql set search_path = '' as $$
begin
  new.sender := (private.incoming_text(new.type, new.body)).sender;
  return new;
end $$;
create trigger name_sender before insert on private.webhook_events for each row when (new.type like '%message.%') execute function private.name_sender();
update private.webhook_events set sender = (private.incoming_text(type, body)).sender
  where status in ('received', 'parked', 'dead') and type like '%message.%';
create index webhook_events_sender on private.webhook_events (sender) where status in ('received', 'parked', 'dead') and sender is not null;

-- Of what died, only what may ask us to stop: all else would keep its sender from being texted for good. Real time, for it is about
-- what this machine has read.
create function private.refused_by_unread(p_phones text[], p_now timestamptz) returns jsonb language plpgsql stable set search_path = '' as $$
declare v_phone text;
begin
  select e.sender into v_phone from private.webhook_events e
    where e.sender = any (p_phones) and e.sender is not null and e.status in ('received', 'parked', 'dead')
      and (e.status <> 'dead' or (private.text_outcome((private.incoming_text(e.type, e.body)).said)).outcome in ('opt_out', 'hold')) limit 1;
  if not found and not exists (select 1 from private.webhook_events where status = 'received' and sender = ''
      and received_at < clock_timestamp() - interval '30 seconds') then
    return null;
  end if;
  return private.refusal('webhooks_waiting', coalesce(format('What %s wrote is not read yet.', v_phone), 'Somebody wrote, and nobody knows yet who.'),
    'It goes on by itself; if it does not, look at the dead texts.', p_now + interval '1 minute', v_phone);
end $$;

create or replace function private.is_gate(p_rule text) returns boolean language sql immutable parallel safe set search_path = '' as $$
  select p_rule in ('sending_paused', 'number_paused', 'held', 'webhooks_waiting', 'number_unchecked', 'outside_hours', 'daily_cap', 'rolling_cap')
$$;

create or replace function private.send_refusal(p_location uuid, p_number uuid, p_kind text, p_phones text[], p_now timestamptz, p_paid boolean default false)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  n public.phone_numbers;
  k public.send_kinds;
  v_found jsonb;
begin
  select * into n from public.phone_numbers where id = p_number and location_id = p_location;
  select * into strict k from public.send_kinds where kind = p_kind;
  v_found := coalesce(private.refused_by_number(n, p_kind), private.refused_by_address(p_kind, p_phones));
  if v_found is null and k.obeys_opt_out then
    v_found := coalesce(private.refused_by_person(p_phones), private.refused_by_flag(p_location, p_kind, p_phones, p_now));
  end if;
  if v_found is null and k.is_automated then v_found := private.refused_by_unread(p_phones, p_now); end if;
  if v_found is null and k.needs_checked_number then
    v_found := (select x from unnest(p_phones) with ordinality p (phone, nth), lateral private.refused_by_check(p_location, p.phone, p_now) x
      where x is not null order by p.nth limit 1);
  end if;
  if v_found is null and p_kind not in ('confirmation', 'health') then v_found := private.refused_by_circle(p_location, p_kind, p_phones); end if;
  v_found := coalesce(v_found, private.refused_by_hours(p_location, p_kind, p_phones, p_now));
  if v_found is null and not p_paid then v_found := private.refused_by_cap(n, p_kind, p_phones, p_now); end if;
  return v_found;
end $$;
comment on function private.send_refusal is 'The first rule that forbids it, {rule, detail, hint, not_before, phone}, or null. Order: our number, the address, '
  'opt-outs and holds, flags, texts not read yet, the check of the number, groups and staff, hours, caps.';
