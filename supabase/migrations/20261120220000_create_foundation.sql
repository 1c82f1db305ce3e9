-- The ground: nothing is open unless a later line opens it, and a private schema for what the API must not show.
-- Locks nothing that exists. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create extension if not exists pg_trgm with schema extensions;
create extension if not exists pgcrypto with schema extensions;

-- Supabase used to open every new table and function to its API roles; we grant beside each object instead.
alter default privileges for role postgres in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public revoke all on functions from anon, authenticated, service_role;
alter default privileges for role postgres revoke execute on functions from public;
revoke all on schema public from public, anon;
grant usage on schema public to authenticated, service_role;

create schema private;
comment on schema private is 'Helpers, staging and secrets. Never exposed by PostgREST.';
grant usage on schema private to authenticated, service_role, supabase_auth_admin;

create function private.set_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end $$;

create function private.refuse(p_status int, p_code text, p_detail text, p_hint text default '') returns void
language plpgsql volatile set search_path = '' as $$
begin
  -- PostgREST turns SQLSTATE PTxyz into HTTP status xyz.
  raise exception using errcode = 'PT' || p_status, message = p_code, detail = p_detail, hint = p_hint;
end $$;
comment on function private.refuse is 'Raises SQLSTATE PT<status>: MESSAGE is the stable code, DETAIL the sentence a person reads.';
