-- When a text may leave: the location's hours for its kind, days off, and the hours where the person who gets it lives.
-- Instants are compared as local timestamps, never as hour numbers, so clock changes need no case of their own.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

alter table public.send_kinds add column is_automated boolean not null default false, add column minds_recipient_zone boolean not null default false;
comment on column public.send_kinds.is_automated is 'Nobody wrote it to this one person: never to groups, staff, vendors or offices.';
comment on column public.send_kinds.minds_recipient_zone is 'Also only from 8:00 to 21:00 where the recipient is, in every zone he may be in.';
update public.send_kinds set is_automated = kind in ('cold', 'warm', 'transactional', 'urgent'),
  minds_recipient_zone = kind in ('cold', 'warm', 'transactional');

-- The 11 of 5 U.S.C. 6103(a); (b) moves one on a Saturday to the Friday before, one on a Sunday to the Monday after.
create function private.federal_holidays(p_year int) returns table (day date, observed date, name text)
language sql immutable parallel safe set search_path = '' as $$
  with fixed (m, d, name) as (values (1, 1, 'New Year''s Day'), (6, 19, 'Juneteenth'), (7, 4, 'Independence Day'), (11, 11, 'Veterans Day'),
      (12, 25, 'Christmas Day')),
    -- The n-th weekday (ISO) on or after a day of the month: the third Monday is the first on or after the 15th.
    floating (m, d, weekday, name) as (values (1, 15, 1, 'Birthday of Martin Luther King, Jr.'), (2, 15, 1, 'Washington''s Birthday'),
      (5, 25, 1, 'Memorial Day'), (9, 1, 1, 'Labor Day'), (10, 8, 1, 'Columbus Day'), (11, 22, 4, 'Thanksgiving Day')),
    days (day, name) as (
      select make_date(p_year, m, d), name from fixed
      union all
      select f.first + (f.weekday - extract(isodow from f.first)::int + 7) % 7, f.name
        from (select make_date(p_year, m, d) as first, weekday, name from floating) f)
  select day, day + case extract(isodow from day)::int when 6 then -1 when 7 then 1 else 0 end, name from days order by 1
$$;
comment on function private.federal_holidays is 'observed may lie in the year before: New Year''s Day on a Saturday.';

create function private.is_day_off(p_location uuid, p_day date) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select is_closed from public.holidays where location_id = p_location and day = p_day),
    exists (select 1 from generate_series(0, 1) n, private.federal_holidays(extract(year from p_day)::int + n) h where p_day in (h.day, h.observed)));
end $$;

create table private.area_codes (area_code text primary key check (area_code ~ '^[2-9]\d\d$'), zones text[] not null check (cardinality(zones) > 0));
comment on table private.area_codes is 'Every zone an area code lies in. Printed by python -m devstack.area_codes, from the phonenumbers library.';
alter table private.area_codes enable row level security;
insert into private.area_codes (area_code, zones) select unnest(x.codes::text[]), x.zones::text[] from (values
  ('{907}', '{America/Adak,America/Anchorage,America/Juneau,Pacific/Honolulu}'),
  ('{264}', '{America/Anguilla}'),
  ('{268}', '{America/Antigua}'),
  ('{246}', '{America/Barbados}'),
  ('{208,775}', '{America/Boise,America/Denver,America/Los_Angeles}'),
  ('{986}', '{America/Boise,America/Los_Angeles}'),
  ('{345}', '{America/Cayman}'),
  ('{205,210,214,217,218,224,225,228,235,251,254,256,262,274,281,309,312,314,316,318,319,320,325,327,331,334,337,346,353,361,402,405,409,414,417,430,432,447,464,469,479,501,504,507,512,515,531,534,539,557,563,572,573,580,601,608,612,615,618,629,630,636,641,651,659,660,662,682,689,708,712,713,715,726,730,731,737,763,769,773,779,806,815,816,817,830,832,847,870,872,901,903,913,918,920,931,936,938,940,945,952,956,972,975,979,985}', '{America/Chicago}'),
  ('{308,620,785}', '{America/Chicago,America/Denver}'),
  ('{605,701}', '{America/Chicago,America/Denver,America/North_Dakota/Center}'),
  ('{219,270,423,574,606,812,850,906}', '{America/Chicago,America/New_York}'),
  ('{303,307,385,406,435,505,575,719,720,748,801,915,970,983}', '{America/Denver}'),
  ('{541}', '{America/Denver,America/Los_Angeles}'),
  ('{928}', '{America/Denver,America/Phoenix}'),
  ('{767}', '{America/Dominica}'),
  ('{368,403,587,780,825}', '{America/Edmonton}'),
  ('{867}', '{America/Edmonton,America/Fort_Nelson,America/Toronto,America/Vancouver,America/Winnipeg}'),
  ('{250}', '{America/Edmonton,America/Vancouver}'),
  ('{649}', '{America/Grand_Turk}'),
  ('{473}', '{America/Grenada}'),
  ('{428,506,782,902}', '{America/Halifax}'),
  ('{709}', '{America/Halifax,America/St_Johns}'),
  ('{418}', '{America/Halifax,America/Toronto}'),
  ('{658,876}', '{America/Jamaica}'),
  ('{206,209,213,253,279,310,323,341,350,360,369,408,415,424,425,442,458,503,509,510,530,559,562,564,619,626,628,650,657,661,669,702,707,714,725,738,747,760,805,818,820,831,840,858,909,916,925,949,951,971}', '{America/Los_Angeles}'),
  ('{721}', '{America/Lower_Princes}'),
  ('{664}', '{America/Montserrat}'),
  ('{242}', '{America/Nassau}'),
  ('{201,202,203,207,212,215,216,220,223,227,229,231,234,239,240,248,252,260,267,269,272,276,283,301,302,304,305,313,315,317,321,324,326,329,330,332,336,339,347,351,352,363,364,380,386,401,404,407,410,412,413,419,434,440,443,445,448,463,470,472,475,478,484,502,508,513,516,517,518,540,551,561,567,570,571,582,585,586,603,607,609,610,614,616,617,631,640,645,646,656,667,678,680,681,686,703,704,706,716,717,718,724,727,728,732,734,740,743,754,757,762,765,770,771,772,774,781,786,802,803,804,810,813,814,821,826,828,835,838,839,843,845,848,854,856,857,859,860,862,863,864,865,878,904,908,910,912,914,917,919,929,930,934,937,941,943,947,948,954,959,973,978,980,984,989}', '{America/New_York}'),
  ('{480,520,602,623}', '{America/Phoenix}'),
  ('{868}', '{America/Port_of_Spain}'),
  ('{787,939}', '{America/Puerto_Rico}'),
  ('{879}', '{America/Puerto_Rico,America/St_Johns}'),
  ('{306,639}', '{America/Regina}'),
  ('{809,829,849}', '{America/Santo_Domingo}'),
  ('{869}', '{America/St_Kitts}'),
  ('{758}', '{America/St_Lucia}'),
  ('{340}', '{America/St_Thomas}'),
  ('{784}', '{America/St_Vincent}'),
  ('{226,249,263,273,289,343,354,365,367,382,416,437,438,450,468,514,519,548,579,581,613,647,683,705,742,753,819,873,905,942}', '{America/Toronto}'),
  ('{807}', '{America/Toronto,America/Winnipeg}'),
  ('{284}', '{America/Tortola}'),
  ('{236,257,604,672,778}', '{America/Vancouver}'),
  ('{204,431,474,584}', '{America/Winnipeg}'),
  ('{441}', '{Atlantic/Bermuda}'),
  ('{671}', '{Pacific/Guam}'),
  ('{808}', '{Pacific/Honolulu}'),
  ('{684}', '{Pacific/Pago_Pago}'),
  ('{670}', '{Pacific/Saipan}')
) x (codes, zones);

create table private.state_zones (state text primary key check (state ~ '^[A-Z]{2}$'), zones text[] not null check (cardinality(zones) > 0));
comment on table private.state_zones is 'Every zone a state or territory lies in.';
alter table private.state_zones enable row level security;
insert into private.state_zones (state, zones) select unnest(x.states::text[]), x.zones::text[] from (values
  ('{CT,DC,DE,GA,MA,MD,ME,NC,NH,NJ,NY,OH,PA,RI,SC,VA,VT,WV}', '{America/New_York}'),
  ('{FL,IN,KY,MI,TN}', '{America/Chicago,America/New_York}'),
  ('{AL,AR,IA,IL,LA,MN,MO,MS,OK,WI}', '{America/Chicago}'), ('{KS,ND,NE,SD,TX}', '{America/Chicago,America/Denver}'),
  ('{CO,MT,NM,UT,WY}', '{America/Denver}'), ('{AZ}', '{America/Denver,America/Phoenix}'), ('{ID,OR}', '{America/Denver,America/Los_Angeles}'),
  ('{CA,WA}', '{America/Los_Angeles}'), ('{NV}', '{America/Denver,America/Los_Angeles}'), ('{AK}', '{America/Adak,America/Anchorage}'),
  ('{HI}', '{Pacific/Honolulu}'), ('{PR}', '{America/Puerto_Rico}'), ('{VI}', '{America/St_Thomas}'), ('{GU}', '{Pacific/Guam}'),
  ('{AS}', '{Pacific/Pago_Pago}'), ('{MP}', '{Pacific/Saipan}')) x (states, zones);

-- Where the person lives as far as it is known, and where the number is from: all of these must be open.
create function private.recipient_zones(p_location uuid, p_phone text) returns text[] language plpgsql stable set search_path = '' as $$
declare
  v_contact uuid := private.contact_by_phone(p_location, p_phone);
  v_zones text[];
begin
  v_zones := array(select distinct zone from (
    select unnest(zones) from private.area_codes where p_phone ~ '^\+1\d{10}$' and area_code = substr(p_phone, 3, 3)
    union all
    select unnest(z.zones) from public.property_contacts x join public.properties p on p.id = x.property_id
      join private.state_zones z on z.state = upper(btrim(coalesce(nullif(btrim(p.mailing_state), ''), p.state)))
      where x.contact_id = v_contact and x.end_date is null) y (zone) order by 1);
  -- Of a number that says nothing, the strictest: morning in Honolulu, evening in Puerto Rico.
  if not exists (select 1 from private.area_codes where p_phone ~ '^\+1\d{10}$' and area_code = substr(p_phone, 3, 3)) then
    v_zones := v_zones || '{America/Puerto_Rico,America/New_York,America/Chicago,America/Denver,America/Los_Angeles,America/Anchorage,Pacific/Honolulu}'::text[];
  end if;
  return v_zones;
end $$;

create function private.hours_of(p_location uuid, p_kind text) returns public.send_hours language plpgsql stable set search_path = '' as $$
declare v_row public.send_hours;
begin
  select * into v_row from public.send_hours where location_id = p_location and kind = p_kind;
  if v_row.kind is null then
    select p_location, kind, weekdays, opens, closes, skips_holidays into v_row.location_id, v_row.kind, v_row.weekdays, v_row.opens, v_row.closes,
      v_row.skips_holidays from public.send_kinds where kind = p_kind;
  end if;
  return v_row;
end $$;
comment on function private.hours_of is 'The location''s own, else the kind''s.';

-- The first instant from p_from on at which it is 8:00–21:00 in every one of the zones.
create function private.zones_open_from(p_zones text[], p_from timestamptz) returns timestamptz language plpgsql immutable set search_path = '' as $$
declare
  v_at timestamptz := p_from;
  v_local timestamp;
  v_zone text;
  v_before timestamptz;
begin
  for n in 1..10 loop
    v_before := v_at;
    foreach v_zone in array p_zones loop
      v_local := v_at at time zone v_zone;
      if v_local < v_local::date + time '08:00' then v_at := (v_local::date + time '08:00') at time zone v_zone;
      elsif v_local >= v_local::date + time '21:00' then v_at := (v_local::date + 1 + time '08:00') at time zone v_zone; end if;
    end loop;
    if v_at = v_before then return v_at; end if;
  end loop;
  return null; -- zones that are never awake together
end $$;

create function private.has_written_since(p_location uuid, p_phones text[], p_since timestamptz, p_now timestamptz) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select 1 from public.messages where from_phone = any (p_phones) and direction = 'incoming' and location_id = p_location
    and occurred_at > p_since and occurred_at <= p_now);
end $$;

create function private.send_window(p_location uuid, p_kind text, p_phones text[], p_now timestamptz, out is_open boolean, out opens_at timestamptz)
language plpgsql stable set search_path = '' as $$
declare
  v_zone text := (select timezone from public.locations where id = p_location);
  k public.send_kinds;
  h public.send_hours := private.hours_of(p_location, p_kind);
  v_zones text[] := array[]::text[];
  v_day date := (p_now at time zone v_zone)::date;
begin
  select * into k from public.send_kinds where kind = p_kind;
  if k.answers_within is not null and private.has_written_since(p_location, p_phones, p_now - k.answers_within, p_now) then
    is_open := true; opens_at := p_now; return;
  end if;
  if k.minds_recipient_zone then
    v_zones := array(select distinct z from unnest(p_phones) p, unnest(private.recipient_zones(p_location, p)) z order by 1);
  end if;
  for n in 0..60 loop
    if extract(isodow from v_day + n)::int = any (h.weekdays) and not (h.skips_holidays and private.is_day_off(p_location, v_day + n)) then
      opens_at := private.zones_open_from(v_zones, greatest(p_now, (v_day + n + h.opens) at time zone v_zone));
      if opens_at < (v_day + n + h.closes) at time zone v_zone then is_open := opens_at = p_now; return; end if;
    end if;
  end loop;
  is_open := false; opens_at := null;
end $$;
comment on function private.send_window is 'Open now, or the next instant it is; null when it is not within sixty days. The end is exclusive.';
