set lock_timeout = '4s';
create function private.sendability(p_location uuid, p_contact uuid, p_phone text, p_status text, p_now timestamptz) returns text
language plpgsql stable security definer set search_path = '' as $$
declare v public.phone_validations;
begin
  if exists (select 1 from public.opt_outs o join public.contact_phones n on n.phone = o.phone where n.contact_id = p_contact and o.revoked_at is null) then
    return 'opted_out';
  end if;
  if p_status = 'suppressed' or private.is_suppressed(p_location, p_contact) then return 'flagged'; end if;
  if p_phone is null then return 'no_phone'; end if;
  select * into v from public.phone_validations where location_id = p_location and phone = p_phone;
  return case when v.status is distinct from 'checked' or v.valid_until <= p_now then 'unknown' when not v.is_valid then 'invalid'
    when v.line_type = 'mobile' then 'sendable' when v.line_type in ('landline', 'voip') then v.line_type
    when v.line_type is null then 'unknown' else 'other' end;
end $$;
create or replace function public.list_sendability(p_list uuid, p_now timestamptz default null)
returns table (total bigint, sendable bigint, landline bigint, voip bigint, invalid bigint, other bigint, unknown bigint, no_phone bigint,
  opted_out bigint, flagged bigint) language plpgsql stable security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_location uuid := (select l.location_id from public.lists l where l.id = p_list);
begin
  if v_location is null or v_location not in (select private.my_locations('owner', 'admin', 'marketer')) then
    perform private.refuse(404, 'not_found', 'There is no such list that you may see.');
  end if;
  return query
    with members as (
      select private.sendability(v_location, c.id, c.phone, m.status, v_now) as what from public.list_members m
        join public.contacts c on c.id = m.contact_id where m.list_id = p_list and m.status <> 'removed' and c.deleted_at is null)
    select count(*), count(*) filter (where what = 'sendable'), count(*) filter (where what = 'landline'), count(*) filter (where what = 'voip'),
      count(*) filter (where what = 'invalid'), count(*) filter (where what = 'other'), count(*) filter (where what = 'unknown'),
      count(*) filter (where what = 'no_phone'), count(*) filter (where what = 'opted_out'), count(*) filter (where what = 'flagged')
    from members;
end $$;
