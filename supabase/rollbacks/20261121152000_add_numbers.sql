drop function public.connect_number(uuid, text, text, text);
drop function public.remove_number(uuid);
drop function public.add_number(uuid, text, text);
drop function private.bring_number(uuid, text, text);
