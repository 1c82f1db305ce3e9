-- One record of every kind at each location, named '<location> <kind>' for tests.id(). Include after actors.sql.
-- Ann has the number +1617555010x (x: 1 here, 2 there) and a house in Fairpond; Bob has neither.
create function tests.furnish(p_at text, p_phone text) returns void language plpgsql as $$
declare v uuid := tests.id(p_at);
begin
  insert into public.companies (id, location_id, name) values (tests.id(p_at || ' company'), v, 'Stone Builders');
  insert into public.contacts (id, location_id, first_name, last_name, display_name, phone, email) values
    (tests.id(p_at || ' ann'), v, 'Ann', 'Sample', 'Ann Sample', p_phone, 'household@example.com'),
    (tests.id(p_at || ' bob'), v, 'Bob', 'Sample', 'Bob Sample', null, null);
  insert into public.contact_flags (id, location_id, contact_id, flag) values (tests.id(p_at || ' flag'), v, tests.id(p_at || ' bob'), 'negative');
  insert into public.tags (id, location_id, name) values (tests.id(p_at || ' tag'), v, 'Warm');
  insert into public.contact_tags (location_id, contact_id, tag_id) values (v, tests.id(p_at || ' bob'), tests.id(p_at || ' tag'));
  insert into public.notes (id, location_id, contact_id, body) values (tests.id(p_at || ' note'), v, tests.id(p_at || ' ann'), 'Cellar is wet.');
  insert into public.properties (id, location_id, apn, address, city, zip)
    values (tests.id(p_at || ' house'), v, 'APN-1', '1 Example Street', 'Fairpond', '02728');
  insert into public.property_contacts (location_id, property_id, contact_id, is_primary)
    values (v, tests.id(p_at || ' house'), tests.id(p_at || ' ann'), true);
  insert into public.lists (id, location_id, name) values (tests.id(p_at || ' list'), v, 'Spring');
  insert into public.list_members (list_id, location_id, contact_id) values (tests.id(p_at || ' list'), v, tests.id(p_at || ' ann'));
  insert into public.consents (location_id, phone, contact_id, status) values (v, p_phone, tests.id(p_at || ' ann'), 'express');
  insert into storage.objects (bucket_id, name) values ('imports', format('%s/%s/list.csv', v, tests.id(p_at || ' import')));
  insert into public.imports (id, location_id, list_id, list_name, file_path, filename, size_bytes, sha256) values (tests.id(p_at || ' import'),
    v, tests.id(p_at || ' list'), 'Spring', format('%s/%s/list.csv', v, tests.id(p_at || ' import')), 'list.csv', 10, repeat('a', 64));
  insert into public.import_batches (import_id, batch_no, location_id, row_count, rejected_rows) values (tests.id(p_at || ' import'), 1, v, 1, 0);
  insert into public.import_rows (import_id, row_no, batch_no, location_id, outcome, property_id)
    values (tests.id(p_at || ' import'), 2, 1, v, 'created', tests.id(p_at || ' house'));
  insert into public.import_people (import_id, row_no, slot, location_id, contact_id, has_phone, contact_outcome, link_outcome)
    values (tests.id(p_at || ' import'), 2, 'primary', v, tests.id(p_at || ' ann'), true, 'created', 'created');
end $$;
select tests.furnish('here', '+16175550101');
select tests.furnish('there', '+16175550102');
