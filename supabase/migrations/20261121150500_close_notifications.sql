-- Who has read what is said by public.read_notifications alone. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

drop policy "each marks his own" on public.notifications;
revoke update (read_at) on public.notifications from authenticated;
