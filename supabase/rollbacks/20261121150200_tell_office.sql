create or replace function private.forward_message(p_message uuid, f jsonb) returns text language plpgsql set search_path = '' as $$
declare
  v_old public.messages;
  v_new public.messages;
begin
  select * into v_old from public.messages where id = p_message;
  v_new := v_old;
  if v_old.direction = 'outgoing' then
    if private.message_rank(f ->> 'status') > private.message_rank(v_old.status) then
      v_new.status := f ->> 'status';
      v_new.error_code := f ->> 'error_code'; v_new.error_text := f ->> 'error_text';
    elsif f ->> 'status' = v_old.status then
      v_new.error_code := least(v_old.error_code, f ->> 'error_code'); v_new.error_text := least(v_old.error_text, f ->> 'error_text');
    end if;
    if f ->> 'status' = 'delivered' then v_new.delivered_at := least(v_old.delivered_at, (f ->> 'reported_at')::timestamptz); end if;
    if v_old.source = 'vendor' then
      v_new.external_user_id := least(v_old.external_user_id, f ->> 'user_id');
      v_new.sent_by := (select id from public.profiles where openphone_user_id = v_new.external_user_id);
    end if;
  end if;
  if v_new is distinct from v_old then
    update public.messages set status = v_new.status, error_code = v_new.error_code, error_text = v_new.error_text,
      delivered_at = v_new.delivered_at, external_user_id = v_new.external_user_id, sent_by = v_new.sent_by where id = p_message;
    if v_old.source = 'app' then
      perform private.outbound_reported(p_message, v_new.status, v_new.delivered_at, v_new.error_code, v_new.error_text);
    end if;
  end if;
  return case when private.add_media(v_old, f) + (v_new is distinct from v_old)::int > 0 then 'changed' else 'same' end;
end $$;
create or replace function private.notify_all(p_rows jsonb) returns void language plpgsql set search_path = '' as $$
begin
  insert into public.notifications (user_id, location_id, kind, dedupe_key, title, body, link)
    select m.user_id, x.location, x.kind, x.dedupe_key, x.title, x.body, x.link
    from jsonb_to_recordset(p_rows) x (location uuid, kind text, dedupe_key text, title text, body text, link jsonb, "user" uuid)
      join public.location_members m on m.location_id = x.location join public.profiles p on p.id = m.user_id
    where m.is_active and p.is_active and (m.user_id = x."user" or (x."user" is null and m.role in ('owner', 'admin')))
    order by m.user_id, x.dedupe_key
    on conflict (user_id, dedupe_key) do nothing;
end $$;
comment on function private.notify is 'Tells p_user, or all owners and admins; each hears a dedupe key once.';
