-- What its reader has read is kept for 90 days: a text each for each of the office added up without end. What nobody read stays.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create index notifications_read on public.notifications (read_at) where read_at is not null;
create function public.forget_notifications(p_limit int default 10000) returns int language plpgsql security definer set search_path = '' as $$
declare v_count int;
begin
  delete from public.notifications where id = any (array(select id from public.notifications
    where read_at < now() - interval '90 days' order by read_at limit p_limit for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function public.forget_notifications is 'Removes what was read 90 days ago, at most p_limit; how many went.';
revoke execute on function public.forget_notifications(int) from public;
grant execute on function public.forget_notifications(int) to service_role;
