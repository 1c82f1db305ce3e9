set lock_timeout = '4s';
drop function public.forget_notifications(int);
drop index public.notifications_read;
