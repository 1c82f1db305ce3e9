"""The bell of the media queue. Apart from edge_jobs.media, which loads what decodes pictures."""

from __future__ import annotations

from datetime import UTC, datetime

from app import queues
from edge_jobs import runtime


def ring_waiting_media(now: datetime | None = None) -> int:
    """Rings for every file that waits and nobody fetches. Returns how many were rung.

    The newest go before all others: somebody looks at a conversation as it comes, and an imported
    history may keep the queue long.
    """
    at = now or datetime.now(UTC)
    newest_first = [str(media_id) for media_id in runtime.rpc("media_to_fetch")]
    middle = (len(newest_first) + 1) // 2
    rings = [
        *(queues.fetch_media(each, now=at) for each in newest_first[middle:]),
        # Each at the front in its turn, so that the newest comes to be the first.
        *(
            queues.fetch_media(each, now=at, at_front=True)
            for each in reversed(newest_first[:middle])
        ),
    ]
    return sum(queues.ring(runtime.redis(), each) for each in rings)
