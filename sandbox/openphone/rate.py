"""Ten requests a second of one key, on both surfaces together."""

from __future__ import annotations

import time


class Bucket:
    def __init__(self) -> None:
        self._tokens: float | None = None
        self._filled_at = 0.0

    def take(self, per_s: float) -> bool:
        """False when nothing is left. It never holds more than one second's worth."""
        if per_s <= 0:
            return True
        now = time.monotonic()
        held = per_s if self._tokens is None else self._tokens
        self._tokens = min(per_s, held + (now - self._filled_at) * per_s)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
