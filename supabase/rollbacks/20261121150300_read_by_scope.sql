create or replace function private.refused_by_flag(p_location uuid, p_kind text, p_phones text[], p_now timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_automated boolean := (select is_automated from public.send_kinds where kind = p_kind);
  f public.contact_flags;
begin
  select x.* into f from public.contact_flags x
    where (x.phone = any (p_phones) or x.contact_id = any (array(select private.contact_by_phone(p_location, p) from unnest(p_phones) p)))
      and x.applies_to in ('sms', 'both') and (x.expires_at is null or x.expires_at > p_now)
      and (x.flag in ('do_not_contact', 'opted_out', 'wrong_number', 'invalid_number') or (v_automated and x.flag in ('office_number', 'negative'))
        or (p_kind = 'cold' and x.flag = 'recently_texted'))
    order by array_position('{do_not_contact,opted_out,wrong_number,office_number,invalid_number,negative,recently_texted}', x.flag), x.id limit 1;
  if f.id is null then return null; end if;
  return private.refusal(f.flag, format('They are flagged %s%s.', replace(f.flag, '_', ' '), coalesce(': ' || nullif(btrim(f.reason), ''), '')),
    'Remove the flag if it is wrong.', null, f.phone);
end $$;
create or replace function private.text_values(p_location uuid, p_contact uuid) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_strip_nulls(jsonb_build_object('first_name', c.first_name, 'last_name', c.last_name,
      'name', case when c.is_entity then c.display_name else coalesce(nullif(concat_ws(' ', c.first_name, c.last_name), ''), c.display_name) end,
      'city', p.city, 'neighborhood', coalesce(p.subdivision, p.city), 'property_address', p.address, 'property_type', lower(p.property_type),
      'year_built', p.year_built, 'year_purchased', extract(year from p.purchase_date)::int,
      'company', coalesce(nullif(private.location_setting(p_location, 'brand_name') #>> '{}', ''), l.name)))
    from public.locations l
    left join public.contacts c on c.id = p_contact and c.location_id = l.id
    left join lateral (select h.* from public.property_contacts x join public.properties h on h.id = x.property_id
      where x.contact_id = c.id and x.end_date is null order by x.is_primary desc, x.created_at, h.id limit 1) p on true
    where l.id = p_location);
end $$;
