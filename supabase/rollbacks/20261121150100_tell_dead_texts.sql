drop trigger text_died on private.webhook_events;
drop function private.text_died();
drop function private.concerned_by(jsonb);
