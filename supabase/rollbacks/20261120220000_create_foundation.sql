drop function private.refuse(int, text, text, text);
drop function private.set_updated_at();
drop schema private;
alter default privileges for role postgres grant execute on functions to public;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
grant usage on schema public to public, anon;
