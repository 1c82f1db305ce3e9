-- What a text will be when it leaves: how many segments, and no token left in it. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- Strict GSM 03.38: the backtick and the small ç are not in it. Those of the second line take two units.
create function private.gsm_alphabet(out basic text, out extension text) language sql immutable parallel safe set search_path = '' as $$
  select E'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
    E'\f^{}\\[~]|€'
$$;

create function private.count_segments(p_text text, out encoding text, out units int, out segments int)
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  v_basic text;
  v_extension text;
  v_doubles text;
  v_most int;
  v_unit int;
  v_full int := 0; -- of the segment that is being filled
  v_char text;
begin
  select basic, extension into v_basic, v_extension from private.gsm_alphabet();
  encoding := case when translate(p_text, v_basic || v_extension, '') = '' then 'GSM-7' else 'UCS-2' end;
  v_doubles := case when encoding = 'GSM-7' then translate(p_text, v_basic, '') else regexp_replace(p_text, '[\u0001-\uffff]', '', 'g') end;
  units := length(p_text) + length(v_doubles);
  v_most := case when encoding = 'GSM-7' then 153 else 67 end;
  if units <= (case when encoding = 'GSM-7' then 160 else 70 end) then
    segments := least(units, 1); return;
  elsif v_doubles = '' then
    segments := ceil(units::numeric / v_most); return;
  end if;
  -- A pair does not straddle a border: it begins the next segment.
  segments := 1;
  foreach v_char in array string_to_array(p_text, null) loop
    v_unit := case when strpos(v_doubles, v_char) > 0 then 2 else 1 end;
    if v_full + v_unit > v_most then segments := segments + 1; v_full := 0; end if;
    v_full := v_full + v_unit;
  end loop;
end $$;
comment on function private.count_segments is '160 units of GSM-7 or 70 of UCS-2 in one segment; 153 or 67 in each of several.';

create table private.text_tokens (
  token text primary key check (token ~ '^[a-z_]+$'),
  fallback text, -- what stands for it where neither the person nor the template says
  is_name boolean not null default false,
  description text not null
);
comment on table private.text_tokens is 'The tokens a template may hold. One without value and fallback keeps the text from being sent.';
alter table private.text_tokens enable row level security;
insert into private.text_tokens (token, fallback, is_name, description) values
  ('first_name', 'there', true, 'The person''s first name.'), ('last_name', null, true, 'The person''s last name.'),
  ('name', 'there', true, 'First and last name.'), ('city', null, false, 'The town of the house.'),
  ('neighborhood', null, false, 'The neighbourhood, else the town.'), ('property_address', null, false, 'Street and number of the house.'),
  ('property_type', null, false, 'What kind of house it is.'), ('year_built', null, false, 'When the house was built.'),
  ('year_purchased', null, false, 'When it was bought.'), ('company', null, false, 'How we name ourselves.'),
  ('time', null, false, 'When we come.'), ('job_type', null, false, 'What is done.'), ('service', null, false, 'The service asked for.'),
  ('review_link', null, false, 'Where to leave a review.');

-- A phone number or a placeholder is no name (v1 texted "Hi 6175550123").
create function private.usable_name(p_name text) returns text language sql immutable parallel safe set search_path = '' as $$
  select case when x.name ~ '[[:alpha:]]' and x.name !~ '\d' and x.name !~ '[@/\\<>{}_]' and length(x.name) between 2 and 60
    and lower(x.name) !~ ('^(unknown|none|null|nil|n\.?a\.?|na|test|tbd|no name|noname|first ?name|last ?name|name|owner|home ?owner|property owner|'
      || 'occupant|resident|current (owner|resident)|customer|client|contact|lead|new lead|new contact|anonymous|private|restricted|blocked|unavailable|'
      || '(wireless|unknown|toll free) caller|caller|spam|do not (call|text|contact)|dnc|xx+|\.+|-+)$') then x.name end
  from (select btrim(regexp_replace(p_name, '\s+', ' ', 'g'))) x (name)
$$;

-- One problem, as a sentence, or null. A template is braces in pairs around tokens we know: {x}, {{x}}, {x|instead}.
create function private.template_problem(p_body text) returns text language plpgsql stable set search_path = '' as $$
declare
  v_rest text := regexp_replace(p_body, '\{\{\s*[a-z_]+\s*(\|[^{}|]*)?\}\}|\{\s*[a-z_]+\s*(\|[^{}|]*)?\}', '', 'gi');
  v_token text;
begin
  if btrim(coalesce(p_body, '')) = '' then return 'is empty.'; end if;
  if v_rest ~ '[{}]' then
    return format('has a brace that is not part of a token, near "%s".', left(substring(v_rest from '.{0,10}[{}].{0,10}'), 30));
  end if;
  for v_token in select lower(m[1]) from regexp_matches(p_body, '\{\s*([a-z_]+)', 'gi') m loop
    if not exists (select 1 from private.text_tokens where token = v_token) then
      return format('has a token nobody knows, {%s}. Known are: %s.', left(v_token, 40), (select string_agg(token, ', ' order by token) from private.text_tokens));
    end if;
  end loop;
  if btrim(regexp_replace(p_body, '\{\{?[^{}]*\}?\}', '', 'g')) = '' then return 'is nothing but tokens.'; end if;
  return null;
end $$;

create function private.token_value(p_token text, p_fallback text, p_values jsonb) returns text language plpgsql stable set search_path = '' as $$
declare
  t private.text_tokens;
  v_value text := btrim(translate(p_values ->> p_token, E'{}\x01', ''));
begin
  select * into t from private.text_tokens where token = p_token;
  if t.is_name then v_value := private.usable_name(v_value); end if;
  return coalesce(nullif(v_value, ''), btrim(p_fallback), t.fallback);
end $$;

-- What is dropped takes its comma and one blank with it, and a sentence begins with a capital as before.
create function private.without_dropped(p_text text) returns text language plpgsql immutable set search_path = '' as $$
declare
  v text := p_text;
  m text[];
begin
  v := regexp_replace(v, E'(^|[.!?][ ]+|\n)\x01[ \t]*[,;:]?[ \t]*', E'\\1\x02', 'g');
  v := regexp_replace(v, E'[ \t]*\x01(?=[ \t]*[,.!?;:)])', '', 'g');
  v := regexp_replace(v, E'[ \t]*\x01[ \t]*(?=\n|$)', '', 'g');
  v := regexp_replace(v, E'\x01[ \t]*', '', 'g');
  loop
    m := regexp_match(v, E'\x02(.)?');
    exit when m is null;
    v := regexp_replace(v, E'\x02(.)?', upper(coalesce(m[1], '')));
  end loop;
  return btrim(v);
end $$;

create function private.render_text(p_body text, p_values jsonb) returns text language plpgsql stable set search_path = '' as $$
declare
  v_text text := translate(p_body, E'\x01\x02', '');
  v_problem text := private.template_problem(p_body);
  v_value text;
  v_dropped boolean := false;
  m text[];
begin
  if v_problem is not null then
    perform private.refuse(422, 'invalid_template', 'The text ' || v_problem, 'Write tokens as {first_name} or {first_name|there}.');
  end if;
  for m in select regexp_matches(p_body, '(\{\{?\s*([a-z_]+)\s*(?:\|([^{}]*))?\}\}?)', 'gi') loop
    v_value := private.token_value(lower(m[2]), m[3], p_values);
    if v_value is null then
      perform private.refuse(422, 'missing_value', format('Nothing is known for {%s}.', lower(m[2])),
        format('Give a fallback, as in {%s|your area}, or fill it in.', lower(m[2])));
    end if;
    v_dropped := v_dropped or v_value = '';
    v_text := replace(v_text, m[1], case when v_value = '' then E'\x01' else v_value end);
  end loop;
  return case when v_dropped then private.without_dropped(v_text) else btrim(v_text) end;
end $$;
comment on function private.render_text is 'The text without a token left in it, or a refusal: invalid_template, missing_value. {first_name|} drops the token.';

-- What the tokens stand for with one person. Who owns several houses is written about the one he is first of.
create function private.text_values(p_location uuid, p_contact uuid) returns jsonb language plpgsql stable set search_path = '' as $$
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

create function private.location_setting(p_location uuid, p_key text) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(s.value, k.default_value) from public.setting_kinds k
    left join public.settings s on s.location_id = p_location and s.key = k.key where k.key = p_key and k.scope = 'location');
end $$;

create function private.check_template() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_problem text := private.template_problem(new.body);
begin
  if v_problem is not null then
    perform private.refuse(422, 'invalid_template', 'body ' || v_problem, 'Write tokens as {first_name} or {first_name|there}.');
  end if;
  return new;
end $$;
create trigger "10_check_template" before insert or update of body on public.campaign_templates
  for each row execute function private.check_template();
