"""The bell, on a real Redis."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from app import queues
from devstack.stack import Stack

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def bell(stack: Stack) -> Iterator[Redis]:
    with queues.connect(stack.env["REDIS_URL"]) as redis:
        yield redis


def waiting(redis: Redis, queue: str, ring: queues.Ring) -> list[Job]:
    jobs = Queue(queue, connection=redis, serializer=JSONSerializer).jobs
    return [job for job in jobs if job.id == ring.id]


def test_a_ring_waits_as_plain_json_with_its_limits(bell: Redis) -> None:
    import_id = str(uuid.uuid4())
    ring = queues.run_import(import_id, now=NOW)
    assert queues.ring(bell, ring) is True
    (job,) = waiting(bell, "imports", ring)
    raw = zlib.decompress(bell.hget(job.key, "data"))
    assert json.loads(raw) == ["edge_jobs.imports.run_import", None, [import_id], {}]
    assert (job.timeout, job.retries_left) == (2 * 60 * 60, None)
    assert 0 < bell.ttl(job.key) <= 60


def test_two_rings_in_one_bucket_are_one_and_the_next_bucket_is_free(bell: Redis) -> None:
    import_id = str(uuid.uuid4())
    first = queues.run_import(import_id, now=NOW)
    same = queues.run_import(import_id, now=NOW + timedelta(seconds=14))
    later = queues.run_import(import_id, now=NOW + timedelta(seconds=15))
    assert [queues.ring(bell, ring) for ring in (first, same, later)] == [True, False, True]


def test_a_job_that_failed_does_not_silence_the_bell(bell: Redis) -> None:
    import_id = str(uuid.uuid4())
    name = f"test-{import_id}"
    broken = queues.Ring("edge_jobs.nowhere.run", (), name, f"{name}-1", timeout_s=5)
    assert queues.ring(bell, broken)
    queue = Queue(name, connection=bell, serializer=JSONSerializer)
    SimpleWorker([queue], connection=bell, serializer=JSONSerializer).work(burst=True)
    assert queue.failed_job_registry.get_job_ids() == [broken.id]
    again = queues.Ring("edge_jobs.nowhere.run", (), name, f"{name}-2", timeout_s=5)
    assert queues.ring(bell, again) is True


def test_a_redis_that_is_away_is_no_error() -> None:
    redis = queues.connect("redis://127.0.0.1:9/0")
    assert queues.ring(redis, queues.ring_waiting_imports(now=NOW)) is False
    redis.close()
