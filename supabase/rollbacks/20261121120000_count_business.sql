drop function public.business_counts();
