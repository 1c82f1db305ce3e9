drop trigger "40_mark" on public.media;
drop function private.mark_media();
drop trigger "40_mark_otherwise" on public.messages;
drop trigger "40_mark" on public.messages;
drop function private.mark_campaigns();
do $$
declare t text;
begin
  foreach t in array '{messages,calls,voicemails}'::text[] loop
    execute format('drop trigger "50_said" on public.%I', t);
    execute format('drop trigger "50_said_otherwise" on public.%I', t);
  end loop;
end $$;
drop function private.said_otherwise();
drop function private.said();
drop function private.refresh_conversations(uuid[]);
drop function private.put_off(text, jsonb);
drop function private.last_words(uuid);
drop function private.last_said(uuid);
