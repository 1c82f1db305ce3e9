-- Whose session or account is ended has nothing of his own here either: he changed his own profile, and accepted invitations.
set lock_timeout = '4s';

create or replace function private.session_stands() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare v_claims constant jsonb := auth.jwt();
begin
  return not exists (select 1 from public.profiles p where p.id = auth.uid() and not p.is_active)
    and (v_claims ->> 'session_id' is null or exists (
      select 1 from auth.sessions s
      where s.id = substring(v_claims ->> 'session_id' from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid
        and s.user_id = auth.uid() and (s.not_after is null or s.not_after > now())));
end $$;
comment on function private.session_stands is 'The token''s session exists still, and the account is not ended.';

alter policy "people read themselves and their colleagues" on public.profiles
  using ((id = (select auth.uid()) and (select private.session_stands())) or id = any (array(select private.my_colleagues())));
alter policy "people change their own profile" on public.profiles
  using (id = (select auth.uid()) and (select private.session_stands()))
  with check (id = (select auth.uid()) and (select private.session_stands()));
