do $$
declare t text;
begin
  foreach t in array '{contact_phones,contact_emails,contact_flags,tags,contact_tags,notes}'::text[] loop
    execute format('drop trigger limit_deleted on public.%I', t);
  end loop;
  foreach t in array '{companies,contacts,contact_phones,contact_emails,contact_flags,tags,notes,properties,property_contacts,lists,list_members}'::text[] loop
    execute format('drop trigger limit_changed on public.%I', t);
  end loop;
end $$;
drop function private.limit_rows();
