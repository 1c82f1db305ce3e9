"""Watches that texts come in: our second number texts the first, webhooks are not silent."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from app import queues
from edge_jobs import runtime

log = structlog.get_logger(__name__)


def watch_messaging() -> int:
    """Looks once. Returns how many texts now wait to be sent; the database writes one an hour."""
    number = runtime.settings().openphone_health_number or None
    placed: int = runtime.rpc("watch_messaging", p_health_number=number)
    if placed:
        log.info("health_texts_placed", count=placed)
        queues.ring(runtime.redis(), queues.send_texts(now=datetime.now(UTC)))
    return placed
