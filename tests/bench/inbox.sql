-- :conversations conversations at one location, ten texts to each: nine of ten are a campaign's, unanswered; the tenth was answered.
-- Run by psql as the superuser: without triggers and foreign keys. Also wants :location, :owner and :prefix (+1781, +1857 …).
\set ON_ERROR_STOP 1
set session_replication_role = replica;
set synchronous_commit = off;
insert into public.phone_numbers (location_id, e164, label)
  select :'location', :'prefix' || '555010' || n, 'Line ' || n from generate_series(0, 2) n;

create temp table threads as
select n, gen_random_uuid() as id, gen_random_uuid() as person, gen_random_uuid() as house, :'prefix' || (2000000 + n) as phone,
  (select array_agg(id order by e164) from public.phone_numbers where location_id = :'location') as numbers,
  n % 10 = 0 as answered, now() - n * interval '37 seconds' as last_at
from generate_series(1, :conversations) n;

insert into public.contacts (id, location_id, first_name, last_name, display_name, phone, contact_type, is_employee)
  select person, :'location', 'Ann', 'Person ' || n, 'Ann Person ' || n, phone, case when n % 500 = 0 then 'realtor' else 'homeowner' end, n in (20, 40) from threads;
insert into public.contact_phones (location_id, contact_id, phone, is_primary) select :'location', person, phone, true from threads;
insert into public.properties (id, location_id, address, city, zip) select house, :'location', n || ' Oak St', 'Town ' || n % 60, '02728' from threads;
insert into public.property_contacts (location_id, property_id, contact_id, is_primary) select :'location', house, person, true from threads;
insert into public.conversations (id, location_id, phone_number_id, participants, contact_id, stage, assigned_to, starred, archived_at, last_at, last_kind,
    last_direction, last_preview, last_incoming_at, last_outgoing_at, needs_reply, has_media, has_campaign_messages, has_replied, has_calls, has_words)
  select id, :'location', numbers[1 + (n % 100 = 0)::int], array[phone], person, case when n % 400 = 0 then 'quoted' else 'new_lead' end,
    case when n % 300 = 0 then :'owner'::uuid end, n % 250 = 0, case when n % 70 = 0 then now() end, last_at, 'message',
    case when answered then 'incoming' else 'outgoing' end, 'The cellar is wet.', case when answered then last_at end, last_at - interval '1 hour',
    n % 50 = 0, answered and n % 40 = 0, n % 20 <> 0, answered, n % 60 = 0, answered from threads;
insert into public.conversation_reads (user_id, conversation_id, location_id, read_to, incoming_at)
  select :'owner', id, :'location', case when n % 100 = 0 then last_at - interval '2 minutes' else last_at end, last_at from threads where answered;
insert into public.messages (location_id, conversation_id, phone_number_id, contact_id, direction, body, from_phone, to_phone, to_phones, status, source,
    campaign_id, occurred_at, sent_at)
  select :'location', id, numbers[1], person, case when answered and k % 2 = 0 then 'incoming' else 'outgoing' end, 'The cellar is wet. ' || k,
    phone, phone, array[phone], case when answered and k % 2 = 0 then 'received' else 'delivered' end, 'app',
    case when k = 9 and n % 20 <> 0 then md5((n % 5)::text)::uuid end, last_at - k * interval '1 minute', last_at - k * interval '1 minute'
  from threads, generate_series(0, 9) k;
insert into public.media (location_id, conversation_id, message_id, source_url, status)
  select t.location_id, t.conversation_id, t.id, 'https://files.example.com/a', 'waiting'
  from threads x join public.messages t on t.conversation_id = x.id and t.occurred_at = x.last_at where answered and n % 40 = 0;
insert into public.calls (location_id, conversation_id, phone_number_id, contact_id, external_id, direction, phone, status, occurred_at)
  select :'location', id, numbers[1], person, 'AC' || :'prefix' || n, 'incoming', phone, 'missed', last_at - interval '30 seconds' from threads where n % 60 = 0;
analyze public.contacts, public.contact_phones, public.properties, public.property_contacts, public.conversations, public.conversation_reads,
  public.messages, public.media, public.calls;
