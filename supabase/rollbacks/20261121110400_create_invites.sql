drop function public.first_owner(text, text, text), public.record_invite_sent(uuid, text), public.issue_invite(uuid),
  public.invites_to_send(int), public.accept_invite(text), public.revoke_invite(uuid), public.resend_invite(uuid),
  public.create_invite(uuid, text, text, uuid);
drop trigger end_invites_of_member on public.location_members;
drop function private.inviter_still_may(public.invites), private.waits_for_mail(public.invites), private.open_invite(uuid),
  private.shown(public.invites), private.end_invites_of_member(), private.has_owner(), private.email_address(text);
drop table public.invites;
