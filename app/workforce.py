"""What workers and the clock leave in Redis for others to see: that they live, and what waits.

Ages are by the clock of Redis alone: a machine whose clock is wrong neither dies nor lives by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from app.queues import SWEEP_S

# One `rq worker` line of the Procfile each.
QUEUES = ("imports", "maintenance", "media", "sends", "webhooks", "vendor")
CLOCK = "clock"
BEAT_S = 15
# Three beats missed, and a little: noticed within about a minute.
SILENT_AFTER_S = 50
FORGOTTEN_AFTER_S = 600
BEAT = """
local now = redis.call('time')[1]
redis.call('zadd', KEYS[1], now, ARGV[1])
redis.call('zremrangebyscore', KEYS[1], '-inf', now - ARGV[2])
redis.call('expire', KEYS[1], ARGV[2])
"""


@dataclass(frozen=True)
class Presence:
    """How many of a queue's workers were heard lately, and how many have gone silent."""

    alive: int
    silent: int


@dataclass(frozen=True)
class Waiting:
    """The rings in a queue; `oldest_s` is None when there is none."""

    length: int
    oldest_s: int | None


def beat(redis: Redis, queue: str, worker: str) -> None:
    """To be called every BEAT_S by a worker that is able to work."""
    redis.eval(BEAT, 1, _key(queue), worker, str(FORGOTTEN_AFTER_S))


def leave(redis: Redis, queue: str, worker: str) -> None:
    """The worker ends in order, and is not missed."""
    redis.zrem(_key(queue), worker)


def presence(redis: Redis) -> dict[str, Presence]:
    """By queue, and the clock. Raises RedisError."""
    names = (*QUEUES, CLOCK)
    with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in names:
            pipe.zrange(_key(name), 0, -1, withscores=True)
        (now_s, _), *heard = pipe.execute()
    return {name: _presence(scores, now_s) for name, scores in zip(names, heard, strict=True)}


def waiting(redis: Redis) -> dict[str, Waiting]:
    """By queue. Raises RedisError."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for queue in QUEUES:
            pipe.llen(f"rq:queue:{queue}")
            pipe.lindex(f"rq:queue:{queue}", 0)
        (now_s, _), *found = pipe.execute()
    pairs = zip(QUEUES, found[::2], found[1::2], strict=True)
    return {queue: Waiting(length, _age_s(oldest, now_s)) for queue, length, oldest in pairs}


def _key(queue: str) -> str:
    return f"crm:heartbeats:{queue}"


def _presence(scores: list[tuple[bytes, float]], now_s: int) -> Presence:
    alive = sum(now_s - score <= SILENT_AFTER_S for _, score in scores)
    return Presence(alive, len(scores) - alive)


def _age_s(job_id: bytes | None, now_s: int) -> int | None:
    """By the bucket its id ends in: a ring that nobody answers in time leaves only its id."""
    bucket = (job_id or b"").rpartition(b"-")[2]
    return max(0, now_s - int(bucket) * SWEEP_S) if bucket.isdigit() else None
