-- What somebody must do, and what somebody must know. Rules write both through private.add_todo and private.notify, whose
-- dedupe keys make a second telling of the same thing nothing. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table public.todos (
  id uuid primary key default gen_random_uuid(),
  location_id uuid not null references public.locations (id),
  title text not null check (btrim(title) <> '' and length(title) <= 200), detail text,
  priority int not null default 3 check (priority between 1 and 5), -- 1 first
  status text not null default 'open' check (status in ('open', 'done', 'cancelled')),
  source text not null default 'manual' check (source in ('manual', 'rule', 'conversation', 'ai')),
  dedupe_key text,
  contact_id uuid, conversation_id uuid,
  assigned_to uuid references public.profiles (id) on delete set null,
  due_at timestamptz, done_at timestamptz, done_by uuid references public.profiles (id) on delete set null,
  created_by uuid default auth.uid() references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  foreign key (contact_id, location_id) references public.contacts (id, location_id) on delete set null (contact_id),
  foreign key (conversation_id, location_id) references public.conversations (id, location_id)
);
create unique index todos_dedupe on public.todos (location_id, dedupe_key) where dedupe_key is not null and status = 'open';
create index todos_open on public.todos (location_id, priority, due_at nulls last, created_at) where status = 'open';
create index todos_location on public.todos (location_id, created_at desc);
create index todos_assigned on public.todos (assigned_to, status);
create index todos_contact on public.todos (contact_id) where contact_id is not null;
create index todos_conversation on public.todos (conversation_id) where conversation_id is not null;
create index todos_done_by on public.todos (done_by) where done_by is not null;
create index todos_created_by on public.todos (created_by) where created_by is not null;

create table public.notifications (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (id) on delete cascade,
  location_id uuid not null references public.locations (id) on delete cascade,
  kind text not null check (kind ~ '^[a-z_]+$'),
  title text not null, body text, link jsonb not null default '{}', dedupe_key text not null,
  read_at timestamptz,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  unique (user_id, dedupe_key)
);
create index notifications_mine on public.notifications (user_id, created_at desc);
create index notifications_location on public.notifications (location_id);

create function private.add_todo(p_location uuid, p_dedupe_key text, p_title text, p_detail text, p_contact uuid default null,
  p_conversation uuid default null, p_priority int default 3, p_due timestamptz default null, p_source text default 'rule') returns uuid
language plpgsql security definer set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.todos (location_id, dedupe_key, title, detail, contact_id, conversation_id, priority, due_at, source, created_by)
    values (p_location, p_dedupe_key, left(p_title, 200), p_detail, p_contact, p_conversation, p_priority, p_due, p_source, auth.uid())
    on conflict (location_id, dedupe_key) where dedupe_key is not null and status = 'open' do nothing returning id into v_id;
  return v_id;
end $$;
comment on function private.add_todo is 'The new todo''s id; null when the same is open already.';

create function private.notify_all(p_rows jsonb) returns void language plpgsql set search_path = '' as $$
begin
  insert into public.notifications (user_id, location_id, kind, dedupe_key, title, body, link)
    select m.user_id, x.location, x.kind, x.dedupe_key, x.title, x.body, x.link
    from jsonb_to_recordset(p_rows) x (location uuid, kind text, dedupe_key text, title text, body text, link jsonb, "user" uuid)
      join public.location_members m on m.location_id = x.location join public.profiles p on p.id = m.user_id
    where m.is_active and p.is_active and (m.user_id = x."user" or (x."user" is null and m.role in ('owner', 'admin')))
    order by m.user_id, x.dedupe_key
    on conflict (user_id, dedupe_key) do nothing;
end $$;
comment on function private.notify_all is 'As private.notify: [{location, kind, dedupe_key, title, body, link, user}].';
create function private.notify(p_location uuid, p_kind text, p_dedupe_key text, p_title text, p_body text default null,
  p_link jsonb default '{}', p_user uuid default null) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform private.notify_all(jsonb_build_array(jsonb_build_object('location', p_location, 'kind', p_kind, 'dedupe_key', p_dedupe_key,
    'title', p_title, 'body', p_body, 'link', p_link, 'user', p_user)));
end $$;
comment on function private.notify is 'Tells p_user, or all owners and admins; each hears a dedupe key once.';

-- One alone comes with its title; of several only the ids.
create function private.notifications_written() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(*), 'ids', case when count(*) <= 50 then jsonb_agg(n.id) else '[]' end, 'location_id', n.location_id)
      || case when count(*) = 1 then jsonb_build_object('id', min(n.id::text), 'kind', min(n.kind), 'title', min(n.title)) else '{}' end,
    'notification.created', 'user:' || n.user_id, true) from new_rows n group by n.user_id, n.location_id;
  return null;
end $$;
create trigger broadcast_created after insert on public.notifications referencing new table as new_rows
  for each statement execute function private.notifications_written();

-- A todo is heard by all who may read it: the office, and whom it is given to or was.
create function private.broadcast_todos(p_locations uuid[], p_ids uuid[], p_users uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.send(jsonb_build_object('count', count(distinct x.id),
      'ids', case when count(distinct x.id) <= 50 then jsonb_agg(distinct x.id) else '[]' end), 'todo.updated', 'user:' || m.user_id, true)
    from unnest(p_locations, p_ids, p_users) x (location_id, id, assigned_to)
    join public.location_members m on m.location_id = x.location_id and m.is_active
      and (m.user_id = x.assigned_to or m.role in ('owner', 'admin'))
    group by m.user_id;
end $$;
create function private.todos_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_todos(array_agg(n.location_id), array_agg(n.id), array_agg(x.who)) from new_rows n join old_rows o using (id),
    lateral (values (o.assigned_to), (n.assigned_to)) x (who) where to_jsonb(n) - 'updated_at' is distinct from to_jsonb(o) - 'updated_at';
  return null;
end $$;
create function private.todos_written() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.broadcast_todos(array_agg(location_id), array_agg(id), array_agg(assigned_to)) from new_rows;
  return null;
end $$;
create trigger broadcast_created after insert on public.todos referencing new table as new_rows
  for each statement execute function private.todos_written();
create trigger broadcast_changed after update on public.todos referencing old table as old_rows new table as new_rows
  for each statement execute function private.todos_changed();

create function private.stamp_todo() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status is distinct from old.status then
    new.done_at := case when new.status = 'open' then null else clock_timestamp() end;
    new.done_by := case when new.status = 'open' then null else auth.uid() end;
  end if;
  return new;
end $$;
-- What a person gives to somebody is given to one who works there.
create function private.check_assignee() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.location_members m join public.profiles p on p.id = m.user_id
      where m.location_id = new.location_id and m.user_id = new.assigned_to and m.is_active and p.is_active and m.role = any (tg_argv)) then
    perform private.refuse(422, 'invalid_assignee', 'assigned_to: this person has no such work at the location.', 'Give a member''s id.');
  end if;
  return new;
end $$;
create trigger "20_check_assignee" before insert or update of assigned_to on public.todos for each row
  when (auth.uid() is not null and new.assigned_to is not null)
  execute function private.check_assignee('owner', 'admin', 'marketer', 'technician');
create trigger "20_check_assignee" before update of assigned_to on public.conversations for each row
  when (auth.uid() is not null and new.assigned_to is not null) execute function private.check_assignee('owner', 'admin');
create trigger "10_stamp_todo" before update on public.todos for each row execute function private.stamp_todo();

do $$
declare t text;
begin
  foreach t in array '{todos,notifications}'::text[] loop
    execute format('create trigger set_updated_at before update on public.%I for each row execute function private.set_updated_at()', t);
    execute format('alter table public.%I enable row level security', t);
    perform private.limit_keys(format('public.%I', t)::regclass);
    execute format('create trigger limit_changed after update on public.%I referencing old table as old_rows
      for each statement when (auth.uid() is not null) execute function private.limit_rows()', t);
    execute format('grant select on public.%I to authenticated, service_role', t);
  end loop;
end $$;
create policy "the office, and whose it is, read" on public.todos for select to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin')))
    or (assigned_to = (select auth.uid()) and location_id = any (array(select private.my_locations()))));
create policy "the office adds" on public.todos for insert to authenticated
  with check (source = 'manual' and location_id = any (array(select private.my_locations('owner', 'admin'))));
-- Whose it is only says that it is done (public.finish_todos).
create policy "the office changes" on public.todos for update to authenticated
  using (location_id = any (array(select private.my_locations('owner', 'admin'))))
  with check (location_id = any (array(select private.my_locations('owner', 'admin'))));
create policy "each reads his own" on public.notifications for select to authenticated
  using (user_id = (select auth.uid()) and location_id = any (array(select private.my_locations())));
create policy "each marks his own" on public.notifications for update to authenticated
  using (user_id = (select auth.uid()) and location_id = any (array(select private.my_locations())))
  with check (user_id = (select auth.uid()));
grant insert (id, location_id, title, detail, priority, contact_id, conversation_id, assigned_to, due_at),
  update (title, detail, priority, status, assigned_to, due_at) on public.todos to authenticated;
grant update (read_at) on public.notifications to authenticated;
create trigger audit after update of status, assigned_to or delete on public.todos for each row execute function private.audit();
