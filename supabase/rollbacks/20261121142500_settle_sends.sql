delete from public.api_scope_functions where function = 'settle_send';
drop function public.settle_send(uuid, text, timestamptz);
drop function public.reconcile_send(uuid, text[], timestamptz);
drop function private.poll_again(public.outbound, timestamptz);
drop function public.outbound_to_reconcile(int, timestamptz);
drop function public.reap_outbound(int, timestamptz);
