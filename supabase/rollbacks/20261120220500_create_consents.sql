drop function public.revoke_opt_out(text, text);
drop table public.consents, public.opt_out_events, public.opt_outs;
drop trigger append_only on public.audit_log;
drop function private.record_opt_out(), private.refuse_rewriting();
