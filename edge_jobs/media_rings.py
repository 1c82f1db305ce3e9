"""The bell of the media queue. Apart from edge_jobs.media, which loads what decodes pictures."""

from __future__ import annotations

from datetime import UTC, datetime

from app import queues
from edge_jobs import runtime


def ring_waiting_media(now: datetime | None = None) -> int:
    """Rings for every file that waits and nobody fetches. Returns how many were rung."""
    at = now or datetime.now(UTC)
    return sum(
        queues.ring(runtime.redis(), queues.fetch_media(str(media_id), now=at))
        for media_id in runtime.rpc("media_to_fetch")
    )
