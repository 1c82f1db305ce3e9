drop function public.revoke_opt_out(text, text);
drop table public.consents, public.opt_out_events, public.opt_outs;
drop trigger append_only on public.audit_log;
drop trigger append_only_truncate on public.audit_log;
drop trigger "10_suppress_member" on public.list_members;
drop trigger suppress_flagged on public.contact_flags;
drop function private.suppress_member(), private.suppress_flagged();
drop function private.record_opt_out(), private.refuse_rewriting();
