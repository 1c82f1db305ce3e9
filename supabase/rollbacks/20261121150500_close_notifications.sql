grant update (read_at) on public.notifications to authenticated;
create policy "each marks his own" on public.notifications for update to authenticated
  using (user_id = (select auth.uid()) and location_id = any (array(select private.my_locations())))
  with check (user_id = (select auth.uid()));
