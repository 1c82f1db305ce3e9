-- The merge: ~1,000 rows a batch, set-based, one transaction, the same result in whatever pieces a file is cut, as if row by row.
-- Staged rows are never joined with each other but by primary key: the planner has no statistics of what this transaction has
-- only just staged, takes it for one row, and is right to drive every look-up from it (joined twice it took 5 s a batch, not 0.4).
-- `offset 0` keeps the planner from turning a look-up round into a scan, which it does while the tables have no statistics.
set lock_timeout = '4s';

-- What of p_new is to be written over p_old: the columns in p_refresh, the others where blank (replace: everywhere), never what a
-- person typed. 'fill' is for a later mention in the same file: the first is the file's word, so a file that contradicts itself
-- changes nothing when it comes again. Skip takes but the APN a house had not, as the next file would not find it otherwise.
-- Null when nothing would change.
create function private.import_patch(p_old jsonb, p_new jsonb, p_edited text[], p_strategy text, p_refresh text[]) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_object_agg(n.key, n.value)
  from (select key, case when key <> 'metadata' then value
      when p_strategy = 'fill' then value || coalesce(p_old -> 'metadata', '{}')
      else coalesce(p_old -> 'metadata', '{}') || value end as value
    from jsonb_each(p_new)) n
  where n.key <> all (p_edited) and (p_old -> n.key) is distinct from n.value and (p_strategy <> 'skip' or n.key = 'apn')
    and (p_strategy = 'replace' or p_strategy = 'merge' and n.key = any (p_refresh) or n.key = 'metadata'
      or coalesce(p_old -> n.key, 'null') = 'null')
$$;

create function private.import_changes(p_old jsonb, p_patch jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select jsonb_object_agg(key, jsonb_build_array(p_old -> key, value)) from jsonb_each(p_patch)
$$;

create function private.import_stage(p_import public.imports, p_batch int, p_rows jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.import_stage_rows (import_id, stage_no, row_no, data, apn, address_norm, city_norm, zip, reject, warnings, cells)
  select p_import.id, p_batch, (r ->> 'row_no')::int, d, d ->> 'apn', private.normalize_address(d ->> 'address'),
    private.normalize_city(d ->> 'city'), coalesce(d ->> 'zip', ''), nullif(r -> 'reject', 'null'), coalesce(r -> 'warnings', '[]'),
    r -> 'cells'
  from (select r, coalesce(r -> 'property', '{}') as d from jsonb_array_elements(p_rows) r) j;

  insert into private.import_stage_people (import_id, stage_no, row_no, slot, data, phone, email, name_key)
  select p_import.id, p_batch, (r ->> 'row_no')::int, p ->> 'slot', p, p ->> 'phone', p ->> 'email',
    private.name_key(p ->> 'display_name')
  from jsonb_array_elements(p_rows) r cross join lateral jsonb_array_elements(coalesce(r -> 'people', '[]')) p
  where coalesce(r -> 'reject', 'null') = 'null';
end $$;

-- Everything by which the row p_rows[n] may meet another: parcel, street address (of the house stored under its APN, too), numbers,
-- and the people known by them or at the house.
create function private.import_touches(p_import public.imports, p_batch int, p_rows int[]) returns table (n int, thing text)
language sql stable security definer set search_path = '' as $$
  select r.n::int, t.thing from unnest(p_rows) with ordinality r (row_no, n)
  cross join lateral (select * from private.import_stage_rows s
    where s.import_id = p_import.id and s.stage_no = p_batch and s.row_no = r.row_no offset 0) s
  cross join lateral (
    select 'apn ' || s.apn as thing
    union all select 'at ' || nullif(s.address_norm, '')
    union all select unnest(array['at ' || nullif(p.address_norm, '')] || array(
        select 'who ' || l.contact_id from public.property_contacts l where l.property_id = p.id))
      from (select h.id, h.address_norm from public.properties h where h.location_id = p_import.location_id and h.apn = s.apn
        union all
        select h.id, null from public.properties h
        where h.location_id = p_import.location_id and s.address_norm <> '' and h.address_norm = s.address_norm) p
    union all select unnest(array['tel ' || m.phone, 'who ' || (select c.contact_id from public.contact_phones c
        where c.location_id = p_import.location_id and c.phone = m.phone)])
      from private.import_stage_people m
      where m.import_id = p_import.id and m.stage_no = p_batch and m.row_no = s.row_no and m.phone is not null) t
  where t.thing is not null
$$;

-- Rows that touch the same thing, directly or through others, take turns in the file's order; the rows of one turn have nothing in
-- common, so each turn is set-based. Nearly all rows of a file have the first turn. The others' turns: {row_no: turn}.
create function private.import_turns(p_import public.imports, p_batch int) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_rows int[] := array(select row_no from private.import_stage_rows
    where import_id = p_import.id and stage_no = p_batch and reject is null order by row_no);
  v_kin int[] := array(select generate_series(1, cardinality(v_rows))); -- a lower row of the same kind, or itself
  v_turns int[] := array_fill(0, array[cardinality(v_rows)]);
  v_taken int[] := v_turns; -- turns given out, by the first row of a kind
  v_group int[];
  v_one int;
  v_other int;
begin
  for v_group in select array_agg(distinct t.n) from private.import_touches(p_import, p_batch, v_rows) t
      group by t.thing having count(distinct t.n) > 1 loop
    foreach v_other in array v_group loop
      v_one := v_group[1];
      while v_kin[v_one] <> v_one loop v_one := v_kin[v_one]; end loop;
      while v_kin[v_other] <> v_other loop v_other := v_kin[v_other]; end loop;
      v_kin[greatest(v_one, v_other)] := least(v_one, v_other);
    end loop;
  end loop;
  for v_n in 1 .. cardinality(v_rows) loop
    v_kin[v_n] := v_kin[v_kin[v_n]]; -- lower rows already point at the first of their kind
    v_taken[v_kin[v_n]] := v_taken[v_kin[v_n]] + 1;
    v_turns[v_n] := v_taken[v_kin[v_n]];
  end loop;
  return (select coalesce(jsonb_object_agg(x.row_no, x.turn), '{}') from unnest(v_rows, v_turns) x (row_no, turn) where x.turn > 1);
end $$;
