drop function public.dismiss_texts(uuid, bigint[], text);
drop function public.dead_texts(uuid, int);
