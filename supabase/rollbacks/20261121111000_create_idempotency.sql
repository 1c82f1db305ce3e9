drop function public.begin_request(text, text, text), public.finish_request(text, int, int, text, uuid),
  public.abandon_request(text, int, boolean), public.forget_requests(int), public.who_am_i();
drop function private.require_person();
drop table private.idempotency_keys;
