drop function public.dismiss_texts(uuid, bigint[], text);
drop function public.dead_texts(uuid, int);
drop function private.is_dead_text(private.webhook_events, uuid);
