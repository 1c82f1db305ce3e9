create or replace view public.list_summaries with (security_invoker = true) as
select l.id, l.location_id, l.name, l.source, l.status, l.created_at,
  m.active, m.suppressed, m.removed, m.active + m.suppressed as members
from public.lists l
left join lateral (select count(*) filter (where status = 'active') as active,
    count(*) filter (where status = 'suppressed') as suppressed, count(*) filter (where status = 'removed') as removed
  from public.list_members m where m.list_id = l.id) m on true;
drop function private.count_members(uuid), public.list_sendability(uuid, timestamptz), private.sendability(uuid, uuid, text, text, timestamptz),
  public.number_checks_stopped(text, timestamptz), public.record_number_checks(uuid, jsonb, timestamptz), private.record_checked(jsonb, timestamptz),
  public.numbers_to_check(uuid, int, int, timestamptz), public.request_number_checks(uuid, uuid, text[], timestamptz),
  private.want_number_checks(uuid, text[], uuid, timestamptz);
drop trigger phone_corrected on public.contact_phones;
drop trigger copy_checked on public.contact_phones;
drop trigger copy_checked on public.phone_validations;
drop trigger copy_added on public.phone_validations;
drop function private.phone_corrected(), private.new_phones_checked(), private.validation_copied();
alter table public.contact_phones drop column line_type, drop column is_valid, drop column sendable, drop column checked_at;
