-- A request that is sent twice is done once: its row keeps the id of what it makes, and its answer. And who the caller is.
set lock_timeout = '4s';

create table private.idempotency_keys (
  user_id uuid not null references public.profiles (id) on delete cascade,
  key_hash text not null check (key_hash ~ '^[0-9a-f]{64}$'),
  route text not null check (length(route) <= 200),
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{64}$'),
  resource_id uuid not null default gen_random_uuid(),
  attempt int not null default 1,
  leased_until timestamptz default clock_timestamp() + interval '60 seconds',
  status int check (status between 200 and 299),
  answer text check (length(answer) <= 32768),
  location_id uuid references public.locations (id) on delete cascade, role text,
  created_at timestamptz not null default now(),
  primary key (user_id, key_hash)
);
comment on table private.idempotency_keys is 'Requests that were sent with an Idempotency-Key, for 24 hours.';
comment on column private.idempotency_keys.key_hash is 'sha256 of the key, which nobody but the client has.';
comment on column private.idempotency_keys.resource_id is 'Becomes the primary key of what is made: whoever takes up a request that died finds its row.';
comment on column private.idempotency_keys.leased_until is 'Until then a request is at work on it; null: it gave up.';
comment on column private.idempotency_keys.answer is 'Encrypted with a key made from the client''s, so what lies here tells nobody anything.';
comment on column private.idempotency_keys.role is 'What the caller was at location_id; the answer is given again only while he still is.';
create index idempotency_keys_created on private.idempotency_keys (created_at);
create index idempotency_keys_location on private.idempotency_keys (location_id) where location_id is not null;
alter table private.idempotency_keys enable row level security;

create function private.require_person() returns void language plpgsql stable security definer set search_path = '' as $$
begin
  if private.key_id() is not null or not private.session_stands()
      or not exists (select 1 from public.profiles p where p.id = auth.uid() and p.is_active) then
    perform private.refuse(401, 'invalid_token', 'Your sign-in is not valid. Sign in again.');
  end if;
end $$;

create function public.begin_request(p_key_hash text, p_route text, p_fingerprint text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare v_row private.idempotency_keys;
begin
  perform private.require_person();
  if not exists (select 1 from public.my_access()) then
    perform private.refuse(403, 'not_permitted', 'Your role does not allow this.', 'Ask the owner of the location.');
  end if;
  delete from private.idempotency_keys
    where user_id = auth.uid() and key_hash = p_key_hash and created_at < now() - interval '24 hours';
  insert into private.idempotency_keys (user_id, key_hash, route, fingerprint) values (auth.uid(), p_key_hash, p_route, p_fingerprint)
    on conflict do nothing returning * into v_row;
  if v_row.user_id is null then
    select * into v_row from private.idempotency_keys where user_id = auth.uid() and key_hash = p_key_hash for update;
    if (v_row.route, v_row.fingerprint) is distinct from (p_route, p_fingerprint) and v_row.user_id is not null then
      perform private.refuse(422, 'idempotency_key_reused', 'This Idempotency-Key was sent before with another request.', 'Take a new one for each request.');
    elsif v_row.status is not null then
      perform private.require_role(v_row.location_id, v_row.role);
      return jsonb_build_object('answer', v_row.answer);
    elsif v_row.user_id is null or v_row.leased_until > clock_timestamp() then
      perform private.refuse(409, 'request_in_progress', 'A request with this Idempotency-Key is still at work.', 'Send it again in a few seconds.');
    end if;
    update private.idempotency_keys set attempt = attempt + 1, leased_until = clock_timestamp() + interval '60 seconds'
      where user_id = auth.uid() and key_hash = p_key_hash returning * into v_row;
  elsif (select count(*) from (select from private.idempotency_keys where user_id = auth.uid() limit 2001) held) > 2000 then
    perform private.refuse(429, 'too_many_requests', 'You have sent too many requests with an Idempotency-Key today.', 'Try again tomorrow.');
  end if;
  return jsonb_build_object('resource_id', v_row.resource_id, 'attempt', v_row.attempt);
end $$;
comment on function public.begin_request is 'The id to make something under, or the answer that was given before. From the second attempt on the thing may be there.';

create function public.finish_request(p_key_hash text, p_attempt int, p_status int, p_answer text, p_location uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.require_person();
  update private.idempotency_keys set status = p_status, answer = p_answer, location_id = p_location, role = private.my_role(p_location)
    where user_id = auth.uid() and key_hash = p_key_hash and attempt = p_attempt and status is null;
end $$;

create function public.abandon_request(p_key_hash text, p_attempt int, p_refused boolean) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.require_person();
  -- A first attempt that was refused has made nothing: the key is free again, for a corrected body too.
  delete from private.idempotency_keys
    where user_id = auth.uid() and key_hash = p_key_hash and attempt = p_attempt and status is null and p_refused and attempt = 1;
  update private.idempotency_keys set leased_until = null
    where user_id = auth.uid() and key_hash = p_key_hash and attempt = p_attempt and status is null;
end $$;

create function public.forget_requests(p_limit int default 10000) returns int language plpgsql security definer set search_path = '' as $$
declare v_count int;
begin
  delete from private.idempotency_keys where (user_id, key_hash) in (select user_id, key_hash from private.idempotency_keys
    where created_at < now() - interval '24 hours' order by created_at limit p_limit for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function public.forget_requests is 'Removes what is older than 24 hours, at most p_limit; how many went.';

create function public.who_am_i() returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_person();
  return (select jsonb_build_object('id', p.id, 'name', p.name, 'email', p.email, 'aal', coalesce(auth.jwt() ->> 'aal', 'aal1'),
      'locations', (select coalesce(jsonb_agg(to_jsonb(a)), '[]') from public.my_access() a))
    from public.profiles p where p.id = auth.uid());
end $$;
comment on function public.who_am_i is 'The signed-in person, and my_access(). A session that has ended is 401 here.';

grant execute on function public.begin_request(text, text, text), public.finish_request(text, int, int, text, uuid),
  public.abandon_request(text, int, boolean), public.who_am_i() to authenticated;
grant execute on function public.forget_requests(int) to service_role;
