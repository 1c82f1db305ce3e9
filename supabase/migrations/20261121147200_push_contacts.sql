-- Our names in the vendor's address book, so that callers have one in its app: of people with a conversation, where the owner wants it,
-- again only when what we would say has changed. A run of public.sync_runs, kind contact_push, one checkpoint a person.
-- Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

insert into public.setting_kinds (key, scope, kind, default_value, description) values
  ('push_contacts', 'location', 'boolean', 'false', 'Keeps the names of people you talk with in OpenPhone''s contacts, as they are here.');

create table private.pushed_contacts (
  contact_id uuid primary key references public.contacts (id) on delete cascade,
  external_id text, -- the vendor's
  form jsonb not null, -- what was said of the person last
  outcome text not null check (outcome in ('created', 'updated', 'same', 'refused', 'gone')),
  detail text, pushed_at timestamptz not null default clock_timestamp(),
  check ((outcome = 'refused') or external_id is not null)
);
comment on table private.pushed_contacts is 'What the vendor''s address book was told. gone: somebody deleted it there, and it is not made again.';
alter table private.pushed_contacts enable row level security;

-- An entity's name is its company; the vendor wants a first name of everybody. Without a name there is nothing to say: null.
create function private.push_form(c public.contacts) returns jsonb language plpgsql stable set search_path = '' as $$
declare
  v_first text := nullif(btrim(c.first_name), '');
  v_last text := nullif(btrim(c.last_name), '');
  v_whole text := coalesce(nullif(btrim(c.display_name), ''), case when c.is_entity then v_last end);
begin
  if c.is_entity or (v_first is null and v_last is null) then v_first := v_whole; v_last := null;
  elsif v_first is null then v_first := v_last; v_last := null;
  end if;
  if v_first is null then return null; end if;
  return jsonb_build_object('first_name', v_first, 'last_name', v_last,
    'company', case when c.is_entity then v_whole else (select name from public.companies where id = c.company_id and deleted_at is null) end,
    'phones', (select coalesce(jsonb_agg(phone order by is_primary desc, phone), '[]') from public.contact_phones where contact_id = c.id),
    'emails', (select coalesce(jsonb_agg(email order by email), '[]') from public.contact_emails where contact_id = c.id));
end $$;

create function private.next_to_push(p_location uuid, p_after uuid, p_limit int) returns jsonb language plpgsql stable set search_path = '' as $$
begin
  if private.location_setting(p_location, 'push_contacts') is distinct from 'true' then return jsonb '[]'; end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'form', x.form, 'was', x.was, 'external_id', x.external_id,
      'linked_id', x.openphone_contact_id) order by x.id), '[]') from (
    select c.id, f.form, p.form as was, p.external_id, c.openphone_contact_id
      from public.contacts c left join private.pushed_contacts p on p.contact_id = c.id, lateral (select private.push_form(c) as form) f
      where c.location_id = p_location and c.deleted_at is null and (p_after is null or c.id > p_after)
        and exists (select 1 from public.conversations v where v.contact_id = c.id and v.last_at is not null)
        and p.outcome is distinct from 'gone' and f.form is not null and f.form is distinct from p.form
      order by c.id limit p_limit) x);
end $$;

create function public.begin_contact_pushes(p_now timestamptz default null) returns int language plpgsql security definer set search_path = '' as $$
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
comment on function public.begin_contact_pushes is 'Begins a run wherever people wait to be told of. How many begin.';

create function public.contacts_to_push(p_run uuid, p_lease uuid, p_limit int default 20, p_lease_s int default 120) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_row public.sync_runs := private.held_sync(p_run, p_lease);
begin
  if v_row.status not in ('waiting', 'running') then
    update public.sync_runs set lease = null, lease_until = null where id = p_run;
    return jsonb_build_object('status', v_row.status, 'contacts', '[]'::jsonb);
  end if;
  update public.sync_runs set status = 'running', phase = 'contacts', lease_until = clock_timestamp() + make_interval(secs => p_lease_s) where id = p_run;
  return jsonb_build_object('status', 'running', 'contacts',
    private.next_to_push(v_row.location_id, (v_row.cursor ->> 'after')::uuid, least(p_limit, 50)));
end $$;
comment on function public.contacts_to_push is '{status, contacts: [{id, form, was, external_id, linked_id}]}: the next people in order; none and running: the end.';

create function public.record_push(p_run uuid, p_lease uuid, p_contact uuid, p_outcome text, p_form jsonb, p_external_id text default null,
  p_detail text default null, p_lease_s int default 120) returns text language plpgsql security definer set search_path = '' as $$
declare v_row public.sync_runs := private.held_sync(p_run, p_lease);
begin
  -- A paused run is told too: the vendor has it, and must not get it twice.
  insert into private.pushed_contacts (contact_id, external_id, form, outcome, detail)
    select id, p_external_id, p_form, p_outcome, left(p_detail, 500) from public.contacts where id = p_contact and location_id = v_row.location_id
    on conflict (contact_id) do update set external_id = coalesce(excluded.external_id, pushed_contacts.external_id), form = excluded.form,
      outcome = excluded.outcome, detail = excluded.detail, pushed_at = excluded.pushed_at;
  update public.sync_runs set cursor = cursor || jsonb_build_object('after', p_contact), error = null, error_count = 0,
      lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
      counts = jsonb_set(counts, '{contacts}', coalesce(counts -> 'contacts', '{}') || jsonb_build_object(
        'seen', coalesce((counts -> 'contacts' ->> 'seen')::int, 0) + 1, p_outcome, coalesce((counts -> 'contacts' ->> p_outcome)::int, 0) + 1)),
      warnings = case when p_outcome = 'refused' then private.more_warnings(warnings,
        jsonb_build_array(jsonb_build_object('code', 'refused', 'contact_id', p_contact, 'what', left(p_detail, 500)))) else warnings end
    where id = p_run;
  return v_row.status;
end $$;
comment on function public.record_push is 'What became of one person, and that the run stands behind them: created, updated, same, refused or gone. The run''s status.';

do $$
declare f text;
begin
  foreach f in array array['begin_contact_pushes(timestamptz)', 'contacts_to_push(uuid,uuid,int,int)',
    'record_push(uuid,uuid,uuid,text,jsonb,text,text,int)'] loop
    execute format('revoke execute on function public.%s from public', f);
    execute format('grant execute on function public.%s to service_role', f);
  end loop;
end $$;
