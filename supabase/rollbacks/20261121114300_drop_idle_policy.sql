create policy "owners and admins change" on public.contact_tags for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
