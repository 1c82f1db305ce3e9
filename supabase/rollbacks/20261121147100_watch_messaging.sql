delete from public.api_scope_functions where function = 'messaging_health';
drop function public.messaging_health(uuid);
drop function private.check_health(uuid);
drop function public.watch_messaging(text, timestamptz);
drop function private.watch_signatures(timestamptz);
drop function private.unsigned_lately(timestamptz);
drop table private.refusal_marks;
drop function private.watch_silence(timestamptz);
drop function private.business_time(text, timestamptz, timestamptz);
