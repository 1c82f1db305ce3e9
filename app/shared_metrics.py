"""What is in Redis, as Prometheus reads it, at the moment it asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from app import shared_counts, workforce

BOUNDS = (*(str(bound) for bound in shared_counts.BUCKETS_S), "+Inf")


class SharedMetrics(Collector):
    """Redis away: `crm_redis_up 0` and nothing else, rather than noughts that are not true."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*self._counts(), *self._queues(), *self._workers(), *self._business()]
        except RedisError:
            found = []
        yield GaugeMetricFamily("crm_redis_up", "Redis answered this scrape.", bool(found))
        yield from found

    def _counts(self) -> Iterator[Metric]:
        jobs = ["queue", "job"]
        calls = ["vendor", "operation"]
        yield self._counter("crm_jobs", "Jobs.", shared_counts.JOBS, [*jobs, "outcome"])
        yield self._histogram("crm_job_seconds", "A job.", shared_counts.JOB_SECONDS, jobs)
        yield self._counter(
            "crm_vendor_calls", "Calls.", shared_counts.VENDOR_CALLS, [*calls, "outcome"]
        )
        yield self._histogram("crm_vendor_seconds", "A call.", shared_counts.VENDOR_SECONDS, calls)

    def _counter(self, name: str, about: str, metric: str, labels: list[str]) -> Metric:
        family = CounterMetricFamily(name, about, labels=labels)
        for values, number in shared_counts.read(self._redis, metric).items():
            family.add_metric(values, number)
        return family

    def _histogram(self, name: str, about: str, metric: str, labels: list[str]) -> Metric:
        family = HistogramMetricFamily(name, about, labels=labels)
        found = shared_counts.read(self._redis, metric)
        for values in sorted({key[:-1] for key in found}):
            total, buckets = 0.0, []
            for bound in BOUNDS:
                total += found.get((*values, bound), 0)
                buckets.append((bound, total))
            family.add_metric(values, buckets, found.get((*values, "sum"), 0))
        return family

    def _queues(self) -> Iterator[Metric]:
        length = GaugeMetricFamily("crm_queue_length", "Rings that wait.", labels=["queue"])
        oldest = GaugeMetricFamily("crm_queue_oldest_seconds", "The oldest.", labels=["queue"])
        for queue, waiting in workforce.waiting(self._redis).items():
            length.add_metric([queue], waiting.length)
            oldest.add_metric([queue], waiting.oldest_s or 0)
        yield from (length, oldest)

    def _workers(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("crm_workers", "Workers heard.", labels=["queue", "state"])
        for queue, seen in workforce.presence(self._redis).items():
            family.add_metric([queue, "alive"], seen.alive)
            family.add_metric([queue, "silent"], seen.silent)
        yield family

    def _business(self) -> Iterator[Metric]:
        """`{"imports": {"done": 3}, "opt_outs": 7}` → crm_imports{status="done"}, crm_opt_outs."""
        for name, counted in shared_counts.business(self._redis).items():
            yield _gauge(f"crm_{name}", counted)


def _gauge(name: str, counted: Any) -> Metric:
    if not isinstance(counted, dict):
        return GaugeMetricFamily(name, "Counted in the database each minute.", counted)
    family = GaugeMetricFamily(name, "Counted in the database each minute.", labels=["status"])
    for status, number in counted.items():
        family.add_metric([status], number)
    return family
