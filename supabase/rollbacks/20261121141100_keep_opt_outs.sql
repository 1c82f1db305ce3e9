drop function private.opt_out_by_carrier(uuid, text, timestamptz), public.opt_out_number(uuid, text, text, text);
drop table private.carrier_opt_out_codes;
create or replace function public.revoke_opt_out(p_phone text, p_reason text) returns public.opt_outs
language plpgsql security definer set search_path = '' as $$
declare v_row public.opt_outs;
begin
  if btrim(coalesce(p_reason, '')) = '' then
    perform private.refuse(422, 'reason_required', 'Say why this opt-out is lifted.', 'Give p_reason.');
  end if;
  update public.opt_outs set revoked_at = greatest(now(), opted_out_at), revoked_reason = p_reason
    where phone = p_phone and revoked_at is null and location_id in (select private.my_locations('owner')) returning * into v_row;
  if v_row.id is null then
    perform private.refuse(404, 'not_found', 'No opt-out of this number that you may lift.', 'Only an owner may; check the number.');
  end if;
  return v_row;
end $$;
drop function private.lift_opt_out(public.opt_outs, text), private.lock_phone(text);
drop table private.keyword_texts;
create or replace function private.record_opt_out() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_name text;
begin
  if tg_op = 'UPDATE' and new.revoked_at is not distinct from old.revoked_at then return null; end if;
  select display_name into v_name from public.contacts
    where id = coalesce(new.contact_id, private.contact_by_phone(new.location_id, new.phone));
  insert into public.opt_out_events (opt_out_id, location_id, phone, contact_id, contact_name, event, method, keyword, reason, actor_id, at)
  values (new.id, new.location_id, new.phone, new.contact_id, v_name,
          case when new.revoked_at is null then 'opted_out' else 'revoked' end,
          new.method, new.keyword, new.revoked_reason, auth.uid(), coalesce(new.revoked_at, new.opted_out_at));
  update public.list_members m set status = 'suppressed' from public.contact_phones n
    where new.revoked_at is null and n.phone = new.phone and m.contact_id = n.contact_id and m.status = 'active';
  return null;
end $$;
drop function private.restore_members(text), private.contacts_of(text), private.add_opt_out_event(public.opt_outs, text);
drop trigger "05_suppressed_by_hand" on public.list_members;
drop function private.suppressed_by_hand();
alter table public.list_members drop column suppressed_by_hand;
alter table public.opt_out_events drop column message_id;
alter table public.opt_outs drop column channel, drop column note, drop column revoked_message_id;
