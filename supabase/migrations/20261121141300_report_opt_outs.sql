-- Who opted out, counted and listed, and taken out of the house on the record. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create function private.tally(p_location uuid, p_column text, p_since timestamptz) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'count', n) order by n desc, name), '[]') from (
    select case p_column when 'method' then method else coalesce(upper(keyword), 'none') end as name, count(*) as n
      from public.opt_outs where location_id = p_location and opted_out_at > p_since group by 1) x);
end $$;

-- Of the people texted in these days; null where nobody was.
create function private.opt_out_rate(p_location uuid, p_since timestamptz, p_until timestamptz, out texted bigint, out opted_out bigint, out rate numeric)
language plpgsql stable set search_path = '' as $$
begin
  select count(distinct to_phone) into texted from public.messages where location_id = p_location and direction = 'outgoing' and not is_system
    and sent_at > p_since and sent_at <= p_until and status in ('sent', 'delivered', 'undelivered', 'unconfirmed');
  select count(distinct phone) into opted_out from public.opt_outs o where location_id = p_location and opted_out_at > p_since and opted_out_at <= p_until
    and method in ('keyword', 'manual') and exists (select 1 from public.messages m where m.to_phone = o.phone and m.direction = 'outgoing'
      and not m.is_system and m.sent_at > p_since and m.sent_at <= p_until and m.location_id = p_location);
  rate := round(opted_out::numeric / nullif(texted, 0), 4);
end $$;

create function public.opt_out_report(p_location uuid, p_days int default 30, p_now timestamptz default null) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_since timestamptz := v_now - make_interval(days => least(greatest(coalesce(p_days, 30), 1), 3660));
begin
  perform private.require_role(p_location, 'owner', 'admin');
  return (select jsonb_build_object('in_force', count(*) filter (where revoked_at is null), 'ever', count(*),
      'days', extract(day from v_now - v_since)::int, 'lately', count(*) filter (where opted_out_at > v_since),
      'revoked_lately', count(*) filter (where revoked_at > v_since)) from public.opt_outs where location_id = p_location)
    || jsonb_build_object('by_method', private.tally(p_location, 'method', v_since), 'by_keyword', private.tally(p_location, 'keyword', v_since),
      'open_holds', (select count(*) from public.send_holds where location_id = p_location and resolved_at is null),
      'recent', (select coalesce(jsonb_agg(to_jsonb(r) order by opted_out_at desc, id), '[]') from (select * from private.opt_out_lines(p_location, null, null, 20)) r))
    || (select to_jsonb(r) from private.opt_out_rate(p_location, v_since, v_now) r);
end $$;
comment on function public.opt_out_report is
  '{in_force, ever, days, lately, revoked_lately, by_method[], by_keyword[] (of those days), texted, opted_out, rate (people), open_holds, recent[]}';

create type private.opt_out_line as (id uuid, phone text, name text, opted_out_at timestamptz, method text, keyword text, channel text, note text,
  revoked_at timestamptz, revoked_reason text, recorded_by text);
create function private.opt_out_lines(p_location uuid, p_before timestamptz, p_after uuid, p_limit int) returns setof private.opt_out_line
language plpgsql stable set search_path = '' as $$
begin
  return query select o.id, o.phone, c.display_name, o.opted_out_at, o.method, o.keyword, o.channel, o.note, o.revoked_at, o.revoked_reason, p.name
    from public.opt_outs o left join public.profiles p on p.id = o.created_by
      left join public.contacts c on c.id = coalesce(o.contact_id, private.contact_by_phone(o.location_id, o.phone))
    where o.location_id = p_location and (p_before is null or o.opted_out_at < p_before or (o.opted_out_at = p_before and o.id > p_after))
    order by o.opted_out_at desc, o.id limit p_limit;
end $$;
create function public.list_opt_outs(p_location uuid, p_before timestamptz default null, p_after uuid default null, p_limit int default 50)
returns setof private.opt_out_line language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(p_location, 'owner', 'admin');
  return query select * from private.opt_out_lines(p_location, p_before, p_after, least(greatest(coalesce(p_limit, 50), 1), 1000));
end $$;
comment on function public.list_opt_outs is 'Newest first; the next page is after the last row''s opted_out_at (p_before) and id (p_after).';

alter table public.exports drop constraint exports_kind_check, add constraint exports_kind_check check (kind in ('import_rows', 'opt_outs'));
create or replace function public.begin_export(p_kind text, p_subject uuid, p_filters jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_location uuid; v_id uuid;
begin
  if not coalesce(p_kind in ('import_rows', 'opt_outs'), false) then
    perform private.refuse(422, 'invalid_value', 'p_kind is nothing that can be exported.', 'Give import_rows or opt_outs.');
  elsif p_kind = 'opt_outs' then
    perform private.require_role(p_subject, 'owner', 'admin');
    v_location := p_subject;
  else
    select location_id into v_location from public.imports
      where id = p_subject and location_id in (select private.my_locations('owner', 'admin'));
    if not found then perform private.refuse(404, 'not_found', 'No such import.'); end if;
  end if;
  insert into public.exports (location_id, kind, subject_id, filters, created_by)
    values (v_location, p_kind, p_subject, coalesce(p_filters, '{}'), auth.uid()) returning id into v_id;
  return v_id;
end $$;
comment on function public.begin_export is 'The line that says who takes what out of the house. p_subject: the import, or for opt_outs the location.';

insert into public.api_scope_functions values ('opt_outs:read', 'begin_export'), ('opt_outs:read', 'list_opt_outs'), ('opt_outs:read', 'opt_out_report'),
  ('opt_outs:write', 'list_opt_outs'), ('opt_outs:write', 'opt_out_report'), ('opt_outs:write', 'opt_out_number');
revoke execute on function public.opt_out_report(uuid, int, timestamptz), public.list_opt_outs(uuid, timestamptz, uuid, int) from public;
grant usage on type private.opt_out_line to authenticated;
grant execute on function public.opt_out_report(uuid, int, timestamptz), public.list_opt_outs(uuid, timestamptz, uuid, int) to authenticated;
