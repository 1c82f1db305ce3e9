drop table public.notifications, public.todos;
drop function private.stamp_todo();
drop function private.todos_written();
drop function private.broadcast_todos(uuid[], uuid[], uuid[]);
drop function private.notifications_written();
drop function private.notify(uuid, text, text, text, text, jsonb, uuid);
drop function private.add_todo(uuid, text, text, text, uuid, uuid, int, timestamptz, text);
