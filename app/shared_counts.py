"""Counts kept in Redis by processes nobody can ask: workers come, fork and go.

A wiped Redis starts them at nought, which Prometheus takes for a restart. One hash per metric:
the labels' values, joined, → the number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

JOBS = "crm:jobs"
JOB_SECONDS = "crm:job_seconds"
VENDOR_CALLS = "crm:vendor_calls"
VENDOR_SECONDS = "crm:vendor_seconds"
BUSINESS = "crm:business"
WEBHOOK_REFUSALS = "crm:webhook_refusals"
# Upper bounds in seconds; a job is a sweep of milliseconds or an import of an hour.
BUCKETS_S = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
BETWEEN = "|"
SETTLE = """
if redis.call('hincrby', KEYS[1], ARGV[1], ARGV[2]) <= 0 then
  redis.call('hdel', KEYS[1], ARGV[1])
end
"""


def job_began(redis: Redis, queue: str, job: str) -> None:
    _count(redis, JOBS, (queue, job, "started"))


def job_ended(redis: Redis, queue: str, job: str, outcome: str, seconds: float) -> None:
    """`outcome`: finished, failed or killed."""
    _count(redis, JOBS, (queue, job, outcome), JOB_SECONDS, (queue, job), seconds)


def vendor_called(redis: Redis, vendor: str, operation: str, outcome: str, seconds: float) -> None:
    """`operation` is a method's name, `outcome` ok, refused, busy or unknown; never an address."""
    _count(
        redis,
        VENDOR_CALLS,
        (vendor, operation, outcome),
        VENDOR_SECONDS,
        (vendor, operation),
        seconds,
    )


def webhook_refused(redis: Redis, provider: str, reason: str, day: str) -> None:
    _count(redis, WEBHOOK_REFUSALS, (day, provider, reason))


def webhook_refusals(redis: Redis) -> dict[tuple[str, ...], float]:
    """By day, provider and reason, what is not settled yet. Raises RedisError."""
    return read(redis, WEBHOOK_REFUSALS)


def settle_webhook_refusals(redis: Redis, counts: Mapping[tuple[str, ...], float]) -> None:
    """So many are kept elsewhere; those that came meanwhile stay. Raises RedisError."""
    for labels, number in counts.items():
        redis.eval(SETTLE, 1, WEBHOOK_REFUSALS, BETWEEN.join(labels), str(-int(number)))


def keep_business(redis: Redis, counts: Mapping[str, Any]) -> None:
    """What the database counted last. Raises RedisError."""
    redis.set(BUSINESS, json.dumps(counts), ex=3600)


def business(redis: Redis) -> dict[str, Any]:
    """What was counted within the last hour, or nothing. Raises RedisError."""
    found: dict[str, Any] = json.loads(redis.get(BUSINESS) or "{}")
    return found


def read(redis: Redis, metric: str) -> dict[tuple[str, ...], float]:
    """By labels. Raises RedisError."""
    return _by_labels(cast(dict[bytes, bytes], redis.hgetall(metric)))


def _by_labels(found: Mapping[bytes, bytes]) -> dict[tuple[str, ...], float]:
    return {tuple(key.decode().split(BETWEEN)): float(n) for key, n in found.items()}


def _count(
    redis: Redis,
    metric: str,
    labels: tuple[str, ...],
    timed: str = "",
    timed_labels: tuple[str, ...] = (),
    seconds: float = 0,
) -> None:
    """A count that cannot be kept is lost: the work counts more."""
    with suppress(RedisError), redis.pipeline(transaction=False) as pipe:
        pipe.hincrby(metric, BETWEEN.join(labels), 1)
        if timed:
            pipe.hincrbyfloat(timed, BETWEEN.join((*timed_labels, "sum")), seconds)
            pipe.hincrby(timed, BETWEEN.join((*timed_labels, _bucket(seconds))), 1)
        pipe.execute()


def _bucket(seconds: float) -> str:
    return next((str(bound) for bound in BUCKETS_S if seconds <= bound), "+Inf")
