drop function public.health_heard(text);
drop function public.count_webhook_refusals(jsonb);
drop function public.receive_webhooks(text, jsonb);
drop function private.keep_webhook(text, text, text, text, text);
drop table private.health_texts;
drop table private.vendor_contacts;
