-- Supabase Realtime's message table and its functions. Policies on it decide private channels: a select
-- policy lets the caller read a topic, an insert policy lets him broadcast to it.
set role supabase_realtime_admin;

create table realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp not null default now(),
    inserted_at timestamp not null default now(),
    id uuid not null default gen_random_uuid() primary key
);
create index messages_inserted_at_idx on realtime.messages (inserted_at);
alter table realtime.messages enable row level security;

create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;

-- A broadcast must never fail the work it tells about: errors become warnings, as on Supabase.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $$
declare
    v_id uuid := gen_random_uuid();
begin
    perform set_config('realtime.topic', send.topic, true);
    insert into realtime.messages (id, topic, extension, event, private, payload)
    values (v_id, send.topic, 'broadcast', send.event, send.private,
            case when send.payload ? 'id' then send.payload
                 else jsonb_set(send.payload, '{id}', to_jsonb(v_id)) end);
exception when others then
    raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end
$$;

-- Only the id travels: NOTIFY takes at most 8000 bytes. The gateway reads the row.
create function realtime.announce_message() returns trigger language plpgsql as $$
begin
    perform pg_notify('devstack_realtime', new.id::text);
    return null;
end
$$;

create trigger announce_message after insert on realtime.messages
for each row when (new.extension = 'broadcast') execute function realtime.announce_message();

grant usage on schema realtime to anon, authenticated, service_role, postgres;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres;
grant execute on all functions in schema realtime to anon, authenticated, service_role, postgres;

reset role;
