drop function public.search_contacts(uuid, text, int), public.search_cards(uuid, text, int), private.cards_like(uuid, text, text[], int),
  private.search_hits(uuid, text, text[], int), private.key_reads(text), private.asked_words(uuid, text, int, text[]),
  private.search_by_house(uuid, text, text[]), private.search_towns(uuid, text), private.search_by_email(uuid, text),
  private.search_by_number(uuid, text), private.search_by_name(uuid, text[], text[], int);
drop type private.search_hit;
delete from public.api_scope_functions where function in ('search_contacts', 'search_cards');
drop index public.contacts_search, public.contact_cards_search, public.contact_phones_last_four, public.properties_location_street;
drop function private.search_name(text, text, text, text[]), private.search_words(text);
drop index public.contact_emails_email;
create index contact_emails_email on public.contact_emails (location_id, email);
drop extension btree_gin;
