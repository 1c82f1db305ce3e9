-- Read notifications go after 90 days, in parts; unread ones stay.
begin;
select plan(4);
\i supabase/tests/support/actors.sql
delete from public.notifications;
insert into public.notifications (user_id, location_id, kind, title, dedupe_key, read_at, created_at)
  select tests.id('owner'), tests.id('here'), 'sample', k, k || n, now() - read, now() - interval '200 days'
  from (values ('long ago', interval '91 days'), ('lately', '89 days'), ('never', null)) x (k, read), generate_series(1, 3) n;
create function tests.kept() returns text language sql as $$
  select string_agg(title || ' ' || n, ', ' order by title) from (select title, count(*) as n from public.notifications group by title) x
$$;
select is(public.forget_notifications(2), 2, 'so many at once');
select is(tests.kept(), 'lately 3, long ago 1, never 3', 'the oldest go first');
select is(public.forget_notifications(), 1, 'the rest the next time');
select is(tests.kept(), 'lately 3, never 3', 'what was not read stays, however old');
select * from finish();
rollback;
