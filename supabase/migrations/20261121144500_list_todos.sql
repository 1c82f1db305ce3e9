-- Todos as they are worked off, and notifications taken note of. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

-- The office sees all of its location, everybody else what is given to him, and of whom it is about nothing.
create function public.list_todos(p_location uuid, p_filter text default 'open', p_mine boolean default false, p_limit int default 50,
  p_offset int default 0, p_now timestamptz default null)
returns table (id uuid, title text, detail text, priority int, status text, source text, due_at timestamptz, is_overdue boolean, assigned_to uuid,
  assigned_name text, contact_id uuid, contact_name text, conversation_id uuid, done_at timestamptz, done_by uuid, created_at timestamptz)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
#variable_conflict use_column
declare
  v_now timestamptz := private.clock(p_now);
  v_office boolean;
begin
  perform private.require_role(p_location, 'owner', 'admin', 'marketer', 'technician');
  if not coalesce(p_filter in ('open', 'overdue', 'done'), false) then
    perform private.refuse(422, 'invalid_filter', 'p_filter must be open, overdue or done.');
  elsif not coalesce(p_limit, 50) between 1 and 100 or coalesce(p_offset, 0) not between 0 and 10000 then
    perform private.refuse(422, 'invalid_limit', 'p_limit: a page has 1 to 100 todos; p_offset goes up to 10,000.');
  end if;
  v_office := private.my_role(p_location) in ('owner', 'admin');
  return query select t.id, t.title, t.detail, t.priority, t.status, t.source, t.due_at, t.status = 'open' and coalesce(t.due_at < v_now, false),
      t.assigned_to, p.name, case when v_office then t.contact_id end, case when v_office then private.person_name(c) end,
      case when v_office then t.conversation_id end, t.done_at, t.done_by, t.created_at
    from public.todos t left join public.profiles p on p.id = t.assigned_to left join public.contacts c on c.id = t.contact_id
    where t.location_id = p_location and (t.assigned_to = auth.uid() or v_office and not coalesce(p_mine, false))
      and case p_filter when 'open' then t.status = 'open' when 'done' then t.status = 'done' else t.status = 'open' and t.due_at < v_now end
    order by case when p_filter <> 'done' then t.priority end, case when p_filter <> 'done' then t.due_at end nulls last,
      case when p_filter = 'done' then t.done_at end desc, t.created_at, t.id
    limit coalesce(p_limit, 50) offset coalesce(p_offset, 0);
end $$;
comment on function public.list_todos is 'p_filter: open, overdue or done. p_mine: of the office too only what is given to the caller.';

create function public.finish_todos(p_ids uuid[], p_done boolean default true) returns int language plpgsql security definer set search_path = '' as $$
declare v_ids uuid[];
begin
  if p_ids is null or cardinality(p_ids) not between 1 and 200 then
    perform private.refuse(422, 'too_many_rows', 'p_ids: 1 to 200 todos at once.', 'Go in parts.');
  end if;
  v_ids := array(select id from public.todos where id = any (p_ids) and status <> 'cancelled'
    and (location_id in (select private.my_locations('owner', 'admin'))
      or assigned_to = auth.uid() and location_id in (select private.my_locations())) order by id for update);
  if cardinality(v_ids) <> (select count(distinct x) from unnest(p_ids) x) then
    perform private.refuse(404, 'not_found', 'Not all of these todos are yours.', 'Load the list again.');
  end if;
  -- The same was told again meanwhile: that one is open, and one is enough.
  update public.todos t set status = case when p_done then 'done' else 'open' end where t.id = any (v_ids)
    and t.status = case when p_done then 'open' else 'done' end and (p_done or t.dedupe_key is null or not exists (select 1 from public.todos o
      where o.location_id = t.location_id and o.dedupe_key = t.dedupe_key and o.status = 'open'));
  return cardinality(v_ids);
end $$;
comment on function public.finish_todos is 'Done, or open again (p_done false), by the office or by whom they are given to: all of them, or none.';

create function public.read_notifications(p_location uuid, p_ids uuid[] default null) returns int
language plpgsql security definer set search_path = '' as $$
declare v_count int;
begin
  perform private.require_role(p_location, 'owner', 'admin', 'marketer', 'technician');
  update public.notifications set read_at = clock_timestamp() where id in (select id from public.notifications
    where user_id = auth.uid() and location_id = p_location and read_at is null and (p_ids is null or id = any (p_ids)) order by created_at desc limit 200);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function public.read_notifications is 'Takes note of those named, or of the newest 200; how many there were. Call it again while it says 200.';

revoke execute on function public.list_todos(uuid, text, boolean, int, int, timestamptz), public.finish_todos(uuid[], boolean),
  public.read_notifications(uuid, uuid[]) from public;
grant execute on function public.list_todos(uuid, text, boolean, int, int, timestamptz), public.finish_todos(uuid[], boolean),
  public.read_notifications(uuid, uuid[]) to authenticated;
