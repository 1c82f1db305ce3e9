drop policy "owners and admins upload import files" on storage.objects;
drop policy "owners and admins read import files" on storage.objects;
drop policy "owners and admins remove import files that became nothing" on storage.objects;
-- The bucket goes only when no file is left in it: the bytes are not ours to forget.
delete from storage.buckets where id = 'imports' and not exists (select 1 from storage.objects where bucket_id = 'imports');
alter table public.consents drop constraint consents_import_id_fkey;
alter table public.list_members drop constraint list_members_import_id_fkey;
drop index public.list_members_import;
drop table private.import_stage_people, private.import_stage_rows, public.import_people, public.import_rows, public.import_batches,
  public.imports;
