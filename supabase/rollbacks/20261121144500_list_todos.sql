drop function public.list_todos(uuid, text, boolean, int, int, timestamptz);
drop function public.finish_todos(uuid[], boolean);
drop function public.read_notifications(uuid, uuid[]);
