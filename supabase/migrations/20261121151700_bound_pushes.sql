-- Whether anybody's name is to be told anew was asked of all who have a conversation, every ten minutes: now of a thousand at a time, each
-- time the next. A run tells all, as before. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table private.push_looks (
  location_id uuid primary key references public.locations (id) on delete cascade,
  after uuid -- the last contact looked at; null: from the beginning
);
comment on table private.push_looks is 'How far the people of a location were looked through for changed names.';
alter table private.push_looks enable row level security;

create function private.waits_for_push(p_location uuid, p_most int) returns boolean language plpgsql set search_path = '' as $$
declare
  v_after uuid := coalesce((select after from private.push_looks where location_id = p_location), '00000000-0000-0000-0000-000000000000');
  v_ids uuid[] := array(select distinct v.contact_id from public.conversations v
    where v.location_id = p_location and v.last_at is not null and v.contact_id > v_after order by v.contact_id limit p_most);
begin
  if exists (select 1 from public.contacts c left join private.pushed_contacts p on p.contact_id = c.id, lateral (select private.push_form(c) as form offset 0) f
      where c.id = any (v_ids) and c.deleted_at is null and p.outcome is distinct from 'gone' and f.form is not null and f.form is distinct from p.form) then
    return true;
  end if;
  insert into private.push_looks (location_id, after) values (p_location, case when cardinality(v_ids) = p_most then v_ids[p_most] end)
    on conflict (location_id) do update set after = excluded.after;
  return false;
end $$;

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
    if private.waits_for_push(l.id, 1000) and private.new_sync(l.id, 'contact_push', null, null, v_now) is not null then
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end $$;
