drop trigger broadcast_changed on public.sync_runs;
drop function private.sync_changed();
drop function public.let_sync_go(uuid, uuid, text, int, boolean, timestamptz), public.finish_sync(uuid, uuid),
  private.tell_of_sync(public.sync_runs, text, text, text), public.scan_keywords(uuid, uuid, int, timestamptz),
  public.calls_to_complete(uuid, uuid, text, int), public.take_numbers(uuid, uuid, jsonb),
  public.sync_step(uuid, uuid, jsonb, jsonb, int), private.take_conversations(uuid, jsonb),
  private.more_warnings(jsonb, jsonb), private.count_step(jsonb, text, int, jsonb),
  public.claim_sync(uuid, uuid, int, timestamptz), public.vendor_work(timestamptz), private.reconciled_to(uuid, timestamptz), public.cancel_sync(uuid), public.resume_sync(uuid),
  public.pause_sync(uuid), private.steer_sync(uuid, text[], text), public.start_sync(uuid, text, timestamptz, uuid),
  private.new_sync(uuid, text, timestamptz, uuid, timestamptz, uuid), private.held_sync(uuid, uuid);
