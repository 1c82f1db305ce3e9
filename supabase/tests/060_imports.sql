-- Imports: read by the office, made and cancelled by functions, worked by the service alone; files under the location's folder.
begin;
select plan(199);
\i supabase/tests/support/actors.sql
\i supabase/tests/support/records.sql

select tests.only('{owner,admin}', 'read ' || t, format('select 1 from %I where location_id = tests.id(''here'')', t))
  from unnest('{imports,import_batches,import_rows,import_people}'::text[]) t;
select is(tests.answer('other_owner', format('select count(*) filter (where location_id <> tests.id(''there'')) || '' of '' || count(*) from %I', t)), '0 of 1',
  'the owner of another location reads his own rows of ' || t || ' and no other') from unnest('{imports,import_batches,import_rows,import_people}'::text[]) t;
select is(tests.probe(a, format(s, t)), '42501', a || ' may not: ' || format(s, t)) from unnest('{owner,service_role,anon}'::text[]) a,
  unnest('{imports,import_batches,import_rows,import_people}'::text[]) t, unnest('{delete from %I,update %I set location_id = location_id,insert into %I default values}'::text[]) s;

-- create_import, as the API calls it after the upload
create function tests.importing(p_at text, p_name text, p_more text default '') returns text language sql as $$
  select format('select * from create_import(p_id => %L, p_location_id => %L, p_file_path => %L, p_filename => ''list.csv'', p_size_bytes => 10,
    p_sha256 => repeat(''b'', 64), p_list_name => ''Autumn''%s)', tests.id(p_name), tests.id(p_at), format('%s/%s/list.csv', tests.id(p_at), tests.id(p_name)), p_more)
$$;
select is(tests.act('owner', format('insert into storage.objects (bucket_id, name) values (''imports'', %L)', format('%s/%s/list.csv', tests.id('here'), tests.id('new')))), '1 rows',
  'an owner uploads a file');
select tests.only('{owner,admin}', 'import a file', tests.importing('here', 'new'), 'PT403 not_permitted');
select is(tests.act('owner', tests.importing('here', 'new')), '1 rows', 'an owner imports it');
select is(tests.act('owner', tests.importing('here', 'new')), '1 rows', 'saying it again is no error');
select is((select count(*) || ' ' || min(status) from imports where id = tests.id('new')), '1 uploaded',
  'and makes no second import');
select is((select l.name || ' ' || l.status from imports i join lists l on l.id = i.list_id where i.id = tests.id('new')), 'Autumn processing',
  'the import has its list');
select is((select i.created_by = tests.id('owner') and l.created_by = tests.id('owner') from imports i join lists l on l.id = i.list_id where i.id = tests.id('new')), true,
  'both say who made them');
select is(tests.answer('owner', format($$ select warnings -> 0 ->> 'code' from create_import(%L, %L, %L, 'list.csv', 10, repeat('a', 64), 'Again') $$,
  tests.id('import 3'), tests.id('here'), format('%s/%s/list.csv', tests.id('here'), tests.id('import 3')))), 'PT422 file_missing',
  'an import without its file is refused');
insert into storage.objects (bucket_id, name) select 'imports', format('%s/%s/list.csv', tests.id('here'), tests.id('import 3'));
select is(tests.answer('owner', format($$ select warnings -> 0 ->> 'code' from create_import(%L, %L, %L, 'list.csv', 10, repeat('a', 64), 'Again') $$,
  tests.id('import 3'), tests.id('here'), format('%s/%s/list.csv', tests.id('here'), tests.id('import 3')))), 'same_file',
  'the same file again is warned of');
select is(tests.probe('owner', format($$ select create_import(%L, %L, %L, 'x', 10, repeat('c', 64), 'X') $$, tests.id('evil'), tests.id('here'), path)), 'PT422 file_missing', 'refused: ' || what)
  from (values ('the file of another location', format('%s/%s/list.csv', tests.id('there'), tests.id('there import'))),
    ('the file of another import', format('%s/%s/list.csv', tests.id('here'), tests.id('here import'))), ('a folder', format('%s/%s/', tests.id('here'), tests.id('evil'))),
    ('a way out of the folder', format('%s/%s/../../%s/%s/list.csv', tests.id('here'), tests.id('evil'), tests.id('there'), tests.id('there import'))), ('nothing', '')) x (what, path);
insert into storage.objects (bucket_id, name) select 'imports', format('%s/%s/list.csv', tests.id('here'), tests.id('bad'));
select is(tests.probe('owner', tests.importing('here', 'bad', more)), e, 'an import gets ' || e || ' for ' || more) from (values
  ('23514', ', p_tier => ''gold'''), ('23514', ', p_duplicates => ''double'''), ('23514', ', p_consent => ''perhaps'''), ('1 rows', ', p_consent => ''written''')) x (e, more);
select is(tests.probe('owner', replace(tests.importing('here', 'bad'), 'Autumn', name)), 'PT422 invalid_value', what)
  from (values ('  ', 'a list needs a name'), (repeat('x', 201), 'of at most 200 characters')) x (name, what);
select is(tests.probe(a, format('select import_location(%s)', coalesce(format('%L::uuid', tests.id(l)), 'null'))), e, format('%s importing into %s gets %s', a, coalesce(l, 'his location'), e)) from (values
  ('owner', null, '1 rows'), ('admin', 'here', '1 rows'), ('owner', 'there', 'PT403 not_permitted'), ('both', null, 'PT422 location_required'), ('both', 'there', '1 rows'),
  ('marketer', null, 'PT403 not_permitted'), ('technician', 'here', 'PT403 not_permitted'), ('dismissed', null, 'PT403 not_permitted'), ('anon', null, '42501')) x (a, l, e);

-- cancel_import
select tests.only('{owner,admin}', 'cancel an import', format('select cancel_import(%L)', tests.id('new')), 'PT404 not_found');
select is(tests.act('owner', format('select cancel_import(%L)', tests.id('new'))), '1 rows', 'an owner cancels an import');
select is((select status || ' ' || (finished_at is not null) from imports where id = tests.id('new')), 'cancelled true',
  'which ends it');
select is(tests.act('owner', format('select cancel_import(%L)', tests.id('new'))), 'PT409 import_ended', 'once');
select is(tests.act('service_role', format('select * from claim_import(%L, %L)', tests.id('new'), tests.id('lease'))), '0 rows',
  'and no worker takes it up');

-- the worker's side
select is(tests.act('service_role', format('select * from claim_import(%L, %L, 30)', tests.id('here import'), tests.id(l))), e, what) from (values
  ('lease', '1 rows', 'a worker takes an import up'), ('other lease', '0 rows', 'a second worker does not get it')) x (l, e, what);
select is(tests.probe('service_role', format('select renew_import(%L, %L)', tests.id('here import'), tests.id(l))), e, what) from (values
  ('lease', '1 rows', 'the lease is renewed by who holds it'), ('other lease', 'PT409 lease_lost', 'and by nobody else')) x (l, e, what);
select is(tests.probe(a, s), '42501', a || ' does no worker''s work: ' || s) from unnest('{owner,marketer,anon}'::text[]) a, unnest(array[
  'select claim_import(tests.id(''here import''), tests.id(''x''))', 'select renew_import(tests.id(''here import''), tests.id(''lease''))',
  'select fail_import(tests.id(''here import''), tests.id(''lease''), ''x'')', 'select release_import(tests.id(''here import''), tests.id(''lease''), ''x'')',
  'select import_batch(tests.id(''here import''), tests.id(''lease''), 1, ''[]'')', 'select finish_import(tests.id(''here import''), tests.id(''lease''))', 'select imports_to_ring()',
  'select * from private.import_stage_people', 'select * from private.import_stage_rows']) s;

-- files
create function tests.file(p_folder text) returns text language sql as $$
  select format('insert into storage.objects (bucket_id, name) values (''imports'', %L)', p_folder || '/' || tests.id('upload') || '/a.csv')
$$;
select tests.only('{owner,admin}', 'upload a file of his location', tests.file(tests.id('here')::text), '42501');
select is(tests.probe(a, 'select 1 from storage.objects where name like tests.id(''here'') || ''/%''') <> '0 rows', a = any ('{owner,admin}'), a || case when a = any ('{owner,admin}') then ' reads ' else ' reads none of ' end || 'the files of here')
  from unnest('{owner,admin,marketer,technician,other_owner,dormant,dismissed,stranger,anon}'::text[]) a;
select is(tests.probe('owner', tests.file(folder)), '42501', 'an owner uploads nothing into the folder ' || quote_literal(folder))
  from unnest(array[tests.id('there')::text, upper(tests.id('here')::text), '', 'x', '..', '{' || tests.id('here') || '}', ' ' || tests.id('here'), tests.id('there') || '/' || tests.id('here')]) folder;
insert into storage.buckets (id, name) values ('other', 'other');
select is(tests.probe('owner', format('insert into storage.objects (bucket_id, name) values (%L, %L)', b, n)), '42501', what) from (values
  ('other', tests.id('here') || '/x/a.csv', 'nor into another bucket'), ('imports', tests.id('here')::text, 'nor beside the folders')) x (b, n, what);
insert into storage.objects (bucket_id, name) select 'imports', format('%s/%s/orphan.csv', tests.id('here'), tests.id('orphan'));
select is(tests.probe(a, 'delete from storage.objects where name like ''%/orphan.csv'''), case when a = any ('{owner,admin}') then '1 rows' else '0 rows' end,
  a || case when a = any ('{owner,admin}') then ' removes' else ' does not remove' end || ' a file that became no import') from unnest('{owner,admin,marketer,technician,other_owner,dormant,dismissed,stranger,anon}'::text[]) a;
select is(tests.probe('owner', s), '0 rows', what) from (values
  ('delete from storage.objects where name = (select file_path from public.imports where id = tests.id(''here import''))', 'nobody removes the file of an import'),
  ('update storage.objects set name = replace(name, ''list'', ''other'') where bucket_id = ''imports''', 'nobody renames or overwrites a file'),
  ('update storage.objects set bucket_id = ''other''', 'nobody moves a file to another bucket'), ('select 1 from storage.buckets', 'nobody lists the buckets'),
  ('update storage.buckets set public = true', 'nobody opens a bucket')) x (s, what);

select * from finish();
rollback;
