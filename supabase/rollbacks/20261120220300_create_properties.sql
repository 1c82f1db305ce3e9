drop table public.property_contacts, public.properties;
drop function private.links_written(), private.links_removed(), private.towns_changed(), private.refresh_cards(uuid[]),
  private.normalize_address(text), private.normalize_city(text);
