"""Counting by the minute across processes, at the price of few questions to Redis.

A process asks Redis for a lease, some hits at once, and gives them out itself. Leases double up to
a fiftieth of the quota: whoever comes seldom is counted exactly, whoever comes often cheaply.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)

WINDOW_S = 60
# How long nobody asks a Redis that did not answer: no request waits for it but one in this time.
AWAY_S = 5.0
TIMEOUT_S = 0.2
LARGEST_PART = 50
# So many names at most: forgetting them costs a little exactness, keeping them the memory.
MOST_NAMES = 50_000


@dataclass(frozen=True, slots=True)
class Standing:
    """`remaining` hits until the window ends in `reset_s` seconds, as far as this process knows."""

    refused: bool
    remaining: int
    reset_s: int


@dataclass(slots=True)
class _Lease:
    left: int = 0
    # What this process let pass, by which alone it goes while Redis is away.
    used: int = 0
    # Taken by everybody, this lease included, as Redis last said.
    taken: int = 0
    size: int = 1


def connect(redis_url: str) -> Redis:
    """A client that gives up at once: a limit is not worth making anybody wait."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )


class Leases:
    """`clock` gives seconds since 1970."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._lock = threading.Lock()
        self._window = 0
        self._held: dict[str, _Lease] = {}
        self._away_until = 0.0

    def hit(self, name: str, quota: int) -> Standing:
        """Counts one, if there is one left."""
        now = self._clock()
        with self._lock:
            lease = self._lease(name, now)
            wanted = self._wanted(lease, quota, now)
        if wanted:
            taken = self._ask(name, wanted, now)
            with self._lock:
                self._grant(lease, quota, wanted, taken)
        with self._lock:
            return self._take(lease, quota, now)

    def is_spent(self, name: str, quota: int) -> bool:
        """Has this process learnt that nothing is left of the quota?"""
        with self._lock:
            lease = self._lease(name, self._clock())
            return not lease.left and max(lease.taken, lease.used) >= quota

    def _lease(self, name: str, now: float) -> _Lease:
        window = int(now // WINDOW_S)
        if window != self._window or len(self._held) > MOST_NAMES:
            self._window, self._held = window, {}
        return self._held.setdefault(name, _Lease())

    def _wanted(self, lease: _Lease, quota: int, now: float) -> int:
        """How many to ask Redis for; nothing when there are some, none are left, or it is away."""
        if lease.left or lease.taken >= quota or now < self._away_until:
            return 0
        if self._away_until:
            # One asks whether it is back; the others go on alone meanwhile.
            self._away_until = now + AWAY_S
        size = lease.size
        lease.size = min(2 * size, max(1, quota // LARGEST_PART))
        return size

    def _ask(self, name: str, wanted: int, now: float) -> int | None:
        """How many all have taken, these included; None when Redis is away."""
        key = f"crm:limit:{name}:{int(now // WINDOW_S)}"
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.incrby(key, wanted)
                pipe.expire(key, 2 * WINDOW_S)
                taken: int = pipe.execute()[0]
        except RedisError as error:
            self._away_until = self._clock() + AWAY_S
            log.warning("limits_count_alone", error=type(error).__name__, for_s=AWAY_S)
            return None
        return taken

    def _grant(self, lease: _Lease, quota: int, wanted: int, taken: int | None) -> None:
        if taken is not None:
            self._away_until = 0.0
            lease.taken = max(taken, lease.taken)
            lease.left += max(0, min(wanted, quota - (taken - wanted)))

    def _take(self, lease: _Lease, quota: int, now: float) -> Standing:
        reset_s = WINDOW_S - int(now % WINDOW_S)
        alone = now < self._away_until and lease.used < quota
        if not lease.left and not alone:
            return Standing(True, 0, reset_s)
        lease.left = max(0, lease.left - 1)
        lease.used += 1
        others_left = quota - max(lease.taken, lease.used)
        return Standing(False, max(0, others_left) + lease.left, reset_s)
