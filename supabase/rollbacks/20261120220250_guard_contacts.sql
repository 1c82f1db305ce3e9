drop trigger "10_remember_edits" on public.contacts;
drop trigger "15_refuse_taken_phone" on public.contacts;
drop trigger "20_set_updated_at" on public.contacts;
drop trigger "90_audit" on public.contacts;
drop trigger spread_new on public.contacts;
drop trigger spread_changed on public.contacts;
drop trigger copy_primary_added on public.contact_phones;
drop trigger copy_primary_changed on public.contact_phones;
drop trigger copy_primary_removed on public.contact_phones;
drop trigger audit on public.contact_flags;
drop trigger set_updated_at on public.companies;
drop trigger set_updated_at on public.contact_phones;
drop trigger set_updated_at on public.contact_emails;
drop trigger set_updated_at on public.contact_flags;
drop trigger set_updated_at on public.tags;
drop trigger set_updated_at on public.notes;
do $$
declare p record;
begin
  for p in select policyname, tablename from pg_policies where schemaname = 'public' and tablename in ('companies', 'contacts',
      'contact_cards', 'contact_phones', 'contact_emails', 'contact_flags', 'tags', 'contact_tags', 'notes') loop
    execute format('drop policy %I on public.%I', p.policyname, p.tablename);
  end loop;
end $$;
drop function private.spread_new_contacts(), private.spread_changed_contacts(), private.refuse_taken_phones(uuid[]),
  private.refuse_taken_phone(), private.raise_phone_taken(text), private.phones_written(), private.phones_changed(), private.phones_removed(), private.copy_primary_phone(uuid[]), private.remember_edits(),
  private.contact_by_phone(uuid, text);
