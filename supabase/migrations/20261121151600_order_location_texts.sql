-- A location's texts in their order: each 500 of the search for old STOPs sorted all that came in, and the rate of opt-outs read all
-- that were ever sent. Takes the place of an index by location alone: what a text costs stays as it was (docs/benchmarks.md).
-- Locks messages for seconds where there are a million. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create index messages_location_time on public.messages (location_id, occurred_at, id);
drop index public.messages_location;

create or replace function private.opt_out_rate(p_location uuid, p_since timestamptz, p_until timestamptz, out texted bigint, out opted_out bigint, out rate numeric)
language plpgsql stable set search_path = '' as $$
begin
  -- By when it was written, for that is indexed: nothing waits a week to be sent.
  select count(distinct to_phone) into texted from public.messages where location_id = p_location and direction = 'outgoing' and not is_system
    and sent_at > p_since and sent_at <= p_until and occurred_at > p_since - interval '7 days' and occurred_at <= p_until and status in ('sent', 'delivered', 'undelivered', 'unconfirmed');
  select count(distinct phone) into opted_out from public.opt_outs o where location_id = p_location and opted_out_at > p_since and opted_out_at <= p_until
    and method in ('keyword', 'manual') and exists (select 1 from public.messages m where m.to_phone = o.phone and m.direction = 'outgoing'
      and not m.is_system and m.sent_at > p_since and m.sent_at <= p_until and m.location_id = p_location);
  rate := round(opted_out::numeric / nullif(texted, 0), 4);
end $$;
