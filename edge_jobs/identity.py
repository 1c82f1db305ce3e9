"""Invitations: one job mails one, another finds those nobody rang for.

A job may be killed at any line. issue_invite gives an invitation to one worker for two minutes and
makes its link anew, so at worst two mails go out, of which the later one opens.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import structlog

from app import queues
from app.identity.mails import Mails
from edge_jobs import runtime

log = structlog.get_logger(__name__)


def send_invite(invite_id: str) -> str:
    """Mails the link. Returns "sent", "failed", or "nothing" when there is nothing to send now."""
    issued = runtime.rpc("issue_invite", p_invite=invite_id)
    if not issued:
        return "nothing"
    held = runtime.runtime()
    link = f"{held.config.site_url}/invite?{urlencode({'token': issued['token']})}"
    mails = Mails(held.config.supabase_url, held.config.service_role_key, held.http)
    error = mails.send_link(issued["email"], link, issued["location_name"])
    runtime.rpc("record_invite_sent", p_invite=invite_id, p_error=error)
    log.info("invite_mailed", invite_id=invite_id, sent=error is None)
    return "failed" if error else "sent"


def ring_waiting_invites(now: datetime | None = None) -> int:
    """Rings for every invitation that waits for its mail. Returns how many were rung."""
    at = now or datetime.now(UTC)
    return sum(
        queues.ring(runtime.redis(), queues.send_invite(str(invite_id), now=at))
        for invite_id in runtime.rpc("invites_to_send")
    )
