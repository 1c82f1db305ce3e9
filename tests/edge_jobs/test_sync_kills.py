"""The very worker of production, killed in the middle of a history again and again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from app import queues
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.edge_jobs.records import rows, run_row, start
from tests.faults.workers import Worker
from tests.people import Location
from tests.sandbox_driver import Sandbox

KILLS = 4
WITHIN_S = 60.0


@pytest.fixture
def vendor(stack: Stack, tmp_path: Path) -> Iterator[Sandbox]:
    """The stack's own sandbox, which its workers speak with."""
    program = Worker(stack, tmp_path / "sandbox.log", "sandbox")
    try:
        program.wait_ready()
        driver = Sandbox(stack.env["SANDBOX_URL"], stack.env)
        driver.reset()
        driver.at_once()
        yield driver
        driver.http.close()
    finally:
        program.stop()


def test_history_is_whole_whoever_dies_over_it(
    db: psycopg.Connection[Any],
    place: Location,
    vendor: Sandbox,
    stack: Stack,
    redis_conn: redis.Redis,
    tmp_path: Path,
) -> None:
    redis_conn.flushall()
    made = vendor.seed(60, seed=random.randrange(10**9), messages=9, calls=10)
    run_id = start(db, place, "history")
    now = datetime.now(UTC)
    worker = Worker(stack, tmp_path / "worker.log", "worker-vendor")

    def ring() -> None:
        nonlocal now
        now += timedelta(seconds=queues.SWEEP_S)
        assert queues.ring(redis_conn, queues.run_sync(run_id, now=now))

    def seen() -> int:
        return sum(count["seen"] for count in run_row(db, run_id)["counts"].values())

    def waits(good: Callable[[], bool]) -> None:
        assert wait_until(good, WITHIN_S), (tmp_path / "worker.log").read_text()[-3000:]

    try:
        for _ in range(KILLS):
            before = seen()
            ring()
            waits(lambda before=before: seen() > before)  # type: ignore[misc]
            worker.replace()
            db.execute("update sync_runs set lease_until = now() where id = %s", (run_id,))
            db.commit()
        ring()
        waits(lambda: run_row(db, run_id)["status"] == "done")
    finally:
        worker.stop()
    found = rows(db, place)
    assert (found["conversations"], found["messages"]) == (60, made["messages"])
    assert found["calls"] == made["calls"]
    assert run_row(db, run_id)["counts"]["messages"]["new"] == made["messages"]
