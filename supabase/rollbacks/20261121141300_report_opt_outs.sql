delete from public.api_scope_functions where function in ('list_opt_outs', 'opt_out_report', 'opt_out_number') or (scope, function) = ('opt_outs:read', 'begin_export');
create or replace function public.begin_export(p_kind text, p_subject uuid, p_filters jsonb default '{}') returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_location uuid; v_id uuid;
begin
  if p_kind is distinct from 'import_rows' then
    perform private.refuse(422, 'invalid_value', 'p_kind is nothing that can be exported.', 'Give import_rows.');
  end if;
  select location_id into v_location from public.imports
    where id = p_subject and location_id in (select private.my_locations('owner', 'admin'));
  if not found then perform private.refuse(404, 'not_found', 'No such import.'); end if;
  insert into public.exports (location_id, kind, subject_id, filters, created_by)
    values (v_location, p_kind, p_subject, coalesce(p_filters, '{}'), auth.uid()) returning id into v_id;
  return v_id;
end $$;
comment on function public.begin_export is null;
delete from public.exports where kind = 'opt_outs';
alter table public.exports drop constraint exports_kind_check, add constraint exports_kind_check check (kind in ('import_rows'));
drop function public.opt_out_report(uuid, int, timestamptz), public.list_opt_outs(uuid, timestamptz, uuid, int),
  private.opt_out_lines(uuid, timestamptz, uuid, int), private.opt_out_rate(uuid, timestamptz, timestamptz), private.tally(uuid, text, timestamptz);
drop type private.opt_out_line;
