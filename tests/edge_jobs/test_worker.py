"""Workers as the Procfile runs them: they beat, count, leave, and say nothing of anybody."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from app import logs, queues, shared_counts, workforce
from app.workforce import Presence
from devstack.layout import CHECKOUT
from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs import schedule
from edge_jobs import worker as workers
from edge_jobs.worker import ForkingWorker, InlineWorker
from tests.faults.workers import Worker
from tests.worker import as_worker

NAMES = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL", "SITE_URL")
PERSON = "ana.ruiz@example.com"
Ring = Callable[..., Job]


@pytest.fixture
def redis_conn(stack: Stack) -> Iterator[redis.Redis]:
    """Empty, and this process has a worker's environment."""
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as connection, as_worker(stack.env):
        connection.flushall()
        yield connection


@pytest.fixture
def queue(redis_conn: redis.Redis) -> Queue:
    return Queue("maintenance", connection=redis_conn, serializer=JSONSerializer)


@pytest.fixture
def ring(queue: Queue) -> Ring:
    def enqueue(name: str, *args: str) -> Job:
        return queue.enqueue_call(f"tests.edge_jobs.sample_jobs.{name}", args=args, timeout=30)

    return enqueue


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the worker in this process logs; RQ's own handlers are as they were afterwards."""
    stream = io.StringIO()
    configure = logs.configure
    monkeypatch.setattr(logs, "configure", lambda level: configure(level, stream))
    yield stream
    for name in workers.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    configure("info")


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """A worker in this process takes them."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def lines(stream: io.StringIO, event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in told if line["event"] == event]


def serve(kind: type[InlineWorker] | type[ForkingWorker], queue: Queue) -> None:
    kind([queue], connection=queue.connection, serializer=JSONSerializer).work(burst=True)


@pytest.mark.parametrize("kind", [InlineWorker, ForkingWorker])
def test_jobs_are_counted_by_how_they_end(
    kind: type[InlineWorker], queue: Queue, ring: Ring, logged: io.StringIO
) -> None:
    ring("work_well")
    ring("fail_over", PERSON)
    serve(kind, queue)
    counted = shared_counts.read(queue.connection, shared_counts.JOBS)
    assert counted == {
        ("maintenance", "work_well", "started"): 1,
        ("maintenance", "work_well", "finished"): 1,
        ("maintenance", "fail_over", "started"): 1,
        ("maintenance", "fail_over", "failed"): 1,
    }


def test_a_failure_says_where_and_nobodys_data(
    queue: Queue, ring: Ring, logged: io.StringIO
) -> None:
    job = ring("fail_over", PERSON)
    serve(InlineWorker, queue)
    (failed,) = lines(logged, "job_failed")
    assert (failed["job_id"], failed["error"]) == (job.id, "ValueError")
    assert "sample_jobs.py" in failed["places"][-1]
    kept = job.latest_result()
    assert kept is not None and kept.exc_string is not None
    assert kept.exc_string.startswith("ValueError at ")
    assert PERSON not in kept.exc_string + logged.getvalue()


def test_one_line_a_job(queue: Queue, ring: Ring, logged: io.StringIO) -> None:
    job = ring("work_well")
    serve(InlineWorker, queue)
    (line,) = lines(logged, "job")
    told = {key: line[key] for key in ("job", "queue", "job_id", "outcome")}
    assert told == {
        "job": "work_well", "queue": "maintenance", "job_id": job.id, "outcome": "finished"
    }  # fmt: skip


def test_a_killed_fork_is_counted(queue: Queue, ring: Ring, logged: io.StringIO) -> None:
    ring("be_killed")
    serve(ForkingWorker, queue)
    counted = shared_counts.read(queue.connection, shared_counts.JOBS)
    assert counted[("maintenance", "be_killed", "killed")] == 1


def test_whoever_ends_in_order_is_not_missed(queue: Queue, logged: io.StringIO) -> None:
    seen: list[Presence] = []
    at_work = InlineWorker([queue], connection=queue.connection, serializer=JSONSerializer)
    at_work.beat()
    seen.append(workforce.presence(queue.connection)["maintenance"])
    at_work.work(burst=True)
    seen.append(workforce.presence(queue.connection)["maintenance"])
    assert seen == [Presence(1, 0), Presence(0, 0)]


def test_a_worker_beats_while_it_works_and_no_longer_than_it_may(
    queue: Queue, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workforce, "BEAT_S", 0.01)
    at_work = InlineWorker([queue], connection=queue.connection, serializer=JSONSerializer)
    job = ring("work_well")
    key = "crm:heartbeats:maintenance"
    with at_work._alive(job):
        assert wait_until(lambda: bool(queue.connection.zcard(key)), 5)
    job.timeout = 0
    before = threading.active_count()
    with at_work._alive(job):
        assert wait_until(lambda: threading.active_count() == before, 5)


def heard(redis_conn: redis.Redis) -> Presence:
    return workforce.presence(redis_conn)["maintenance"]


def a_minute_passes(redis_conn: redis.Redis) -> None:
    for name in redis_conn.zrange("crm:heartbeats:maintenance", 0, -1):
        redis_conn.zincrby("crm:heartbeats:maintenance", -60, name)


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_stuck_program_is_noticed_within_a_minute(
    stack: Stack, redis_conn: redis.Redis, tmp_path: Path, harm: signal.Signals
) -> None:
    program = Worker(stack, tmp_path / "worker.log", "worker-maintenance")
    try:
        assert wait_until(lambda: heard(redis_conn) == Presence(1, 0), 20)
        os.kill(program.pid, harm)
        a_minute_passes(redis_conn)
        queues.ring(redis_conn, queues.ring_waiting_imports(now=datetime.now(UTC)))
        assert heard(redis_conn) == Presence(0, 1)
    finally:
        program.kill()


def test_sigterm_ends_a_program_and_its_presence(
    stack: Stack, redis_conn: redis.Redis, tmp_path: Path
) -> None:
    program = Worker(stack, tmp_path / "worker.log", "worker-maintenance")
    assert wait_until(lambda: heard(redis_conn) == Presence(1, 0), 20)
    program.stop()
    assert heard(redis_conn) == Presence(0, 0)
    for line in (tmp_path / "worker.log").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("kind", [InlineWorker, ForkingWorker])
def test_a_signal_to_stop_is_kept_when_a_library_swallows_it(
    kind: type[InlineWorker] | type[ForkingWorker], queue: Queue, kept_signals: None
) -> None:
    at_work = kind([queue], connection=queue.connection, serializer=JSONSerializer)
    at_work.set_state(WorkerStatus.IDLE)
    with pytest.raises(StopRequested):
        at_work.request_stop(signal.SIGTERM, None)
    with pytest.raises(StopRequested):
        at_work.dequeue_job_and_maintain_ttl(1)


@pytest.mark.parametrize("name", ["ForkingWorker", "InlineWorker"])
def test_a_worker_without_settings_stops_with_the_list_and_no_traceback(
    stack: Stack, name: str
) -> None:
    bare = {key: value for key, value in os.environ.items() if key not in NAMES}
    words = ["rq", "worker", "--url", stack.env["REDIS_URL"], "--serializer",
             "rq.serializers.JSONSerializer", "--worker-class", f"edge_jobs.worker.{name}",
             "imports"]  # fmt: skip
    done = subprocess.run(words, cwd=CHECKOUT, env=bare, capture_output=True, text=True, timeout=20)
    assert done.returncode == workers.CANNOT_START
    assert all(f"{name} is missing" in done.stderr for name in NAMES)
    assert "Traceback" not in done.stderr


def test_the_clock_beats_with_each_tick_and_leaves(redis_conn: redis.Redis) -> None:
    seen = []

    def wait(_: float) -> bool:
        seen.append(workforce.presence(redis_conn)["clock"])
        return len(seen) == 2

    schedule.run(redis_conn, lambda: datetime.now(UTC), wait)
    assert seen == [Presence(1, 0), Presence(1, 0)]
    assert workforce.presence(redis_conn)["clock"] == Presence(0, 0)


def test_the_business_is_counted_once_a_minute(redis_conn: redis.Redis) -> None:
    from edge_jobs.business import count_business

    count_business()
    found = shared_counts.business(redis_conn)
    assert {"imports", "opt_outs", "contacts_estimate", "oldest_open_import_seconds"} <= set(found)
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    ids = {queues.count_business(now=at.replace(second=s)).id for s in range(60)}
    assert len(ids) == 1


def test_the_procfile_has_a_worker_for_every_queue() -> None:
    procfile = (CHECKOUT / "Procfile").read_text()
    served = {line.rpartition(" ")[2] for line in procfile.splitlines() if "rq worker" in line}
    assert served == set(workforce.QUEUES)
