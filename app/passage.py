"""What is known of the request that passes, for its log line, its metrics and its Server-Timing.

Knows no Flask: the pool of connections, which workers use too, adds what it spent.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Passage:
    request_id: str
    method: str = "GET"
    path: str = "/"
    address: str = ""
    started: float = field(default_factory=time.perf_counter)
    # The pattern, not the path: paths may hold what somebody typed.
    route: str | None = None
    code: str | None = None
    user_id: str | None = None
    key_prefix: str | None = None
    # Response headers that whoever refused or let pass wants to add.
    headers: list[tuple[str, str]] = field(default_factory=list)
    # Seconds by what was waited for: db, storage, auth.
    spent_s: dict[str, float] = field(default_factory=dict)

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def spend(self, what: str, seconds: float) -> None:
        self.spent_s[what] = self.spent_s.get(what, 0.0) + seconds

    def server_timing(self) -> str:
        """https://www.w3.org/TR/server-timing/, milliseconds."""
        parts = [f"total;dur={self.elapsed_s() * 1000:.1f}"]
        parts += [f"{what};dur={spent * 1000:.1f}" for what, spent in self.spent_s.items()]
        return ", ".join(parts)


# Left standing when the answer has begun: a body that is streamed still belongs to its request.
_current: ContextVar[Passage | None] = ContextVar("passage", default=None)


def current() -> Passage | None:
    """None outside a request, as in a worker."""
    return _current.get()


def this() -> Passage:
    """The one that passes now. Raises LookupError outside a request."""
    passage = _current.get()
    if passage is None:
        raise LookupError("no request is passing")
    return passage


def begin(passage: Passage) -> None:
    _current.set(passage)
