delete from public.api_scopes where resource in ('outbound', 'number_days', 'send_holds', 'phone_validations', 'campaign_templates');
drop table public.campaign_templates, public.phone_validations, public.send_holds, public.number_days, public.outbound;
