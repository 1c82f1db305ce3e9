set lock_timeout = '4s';
create or replace function public.begin_contact_pushes(p_now timestamptz default null) returns int language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  l record;
  v_count int := 0;
begin
  for l in select s.location_id as id from public.settings s where s.key = 'push_contacts' and s.value = 'true'
      -- What failed is tried again a few times a day, and told each time.
      and not exists (select 1 from public.sync_runs r where r.location_id = s.location_id and r.kind = 'contact_push'
        and (r.status in ('waiting', 'running', 'paused') or (r.status in ('failed', 'cancelled') and r.created_at > v_now - interval '6 hours')))
      order by 1 loop
    if private.next_to_push(l.id, null, 1) <> '[]' and private.new_sync(l.id, 'contact_push', null, null, v_now) is not null then
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end $$;
drop function private.waits_for_push(uuid, int);
drop table private.push_looks;
