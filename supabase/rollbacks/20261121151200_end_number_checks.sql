set lock_timeout = '4s';
update public.phone_validations set next_try_at = now() where status = 'unknown' and next_try_at = 'infinity';
create or replace function public.record_number_checks(p_lease uuid, p_results jsonb, p_now timestamptz default null) returns int
language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := private.clock(p_now);
  v_told jsonb;
  v_known int := 0;
begin
  for v_told in select * from jsonb_array_elements(p_results) x order by x ->> 'phone' loop
    if v_told ->> 'error' is null then
      -- A fact is welcome from whoever brings it, be his lease over.
      v_known := v_known + private.record_checked(v_told, v_now);
    else
      update public.phone_validations v set status = 'unknown', error = left(v_told ->> 'error', 300), lease = null, lease_until = null,
          next_try_at = v_now + greatest(make_interval(secs => coalesce((v_told ->> 'retry_after_s')::int, 0)),
            least(interval '5 minutes' * 2 ^ (least(v.attempts, 12) - 1), interval '1 day'))
        where v.phone = v_told ->> 'phone' and v.lease = p_lease;
    end if;
  end loop;
  return v_known;
end $$;
comment on function public.record_number_checks is
  'What the service said of claimed numbers: {phone, is_valid, line_type, carrier, country, place, raw}, or {phone, error, retry_after_s}: unknown, tried again later.';
