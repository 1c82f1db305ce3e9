alter policy "people change their own profile" on public.profiles
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
alter policy "people read themselves and their colleagues" on public.profiles
  using (id = (select auth.uid()) or id = any (array(select private.my_colleagues())));

create or replace function private.session_stands() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return v_claims ->> 'session_id' is null or exists (
    select 1 from auth.sessions s
    where s.id = substring(v_claims ->> 'session_id' from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid
      and s.user_id = auth.uid() and (s.not_after is null or s.not_after > now()));
end $$;
comment on function private.session_stands is null;
