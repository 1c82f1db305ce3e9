"""A shop with a desk to hand in at, workers to kill, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from app import queues
from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs import runtime
from edge_jobs.imports import ring_waiting_imports
from tests.faults import gates
from tests.faults.gates import Gate
from tests.faults.workers import Worker
from tests.imports.desk import Desk, Found, open_db
from tests.imports.fixtures import desk, flask_client, make_desk, worker

__all__ = ["desk", "flask_client", "make_desk", "worker"]

ENDED_WITHIN_S = 60.0


@dataclass
class Shop:
    stack: Stack
    desk: Desk
    log: Path
    workers: list[Worker] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def hire(self, name: str = "worker-imports") -> Worker:
        self.workers.append(Worker(self.stack, self.log, name))
        return self.workers[-1]

    def gate(self, import_id: str, batches: int, *, inside: bool = False) -> Gate:
        return Gate(self.stack.env, import_id, batches, inside=inside)

    def batches(self, import_id: str) -> int:
        query = "select count(*) from import_batches where import_id = %s"
        return int(self.desk.one(query, import_id)["count"])

    def a_minute_later(self) -> int:
        """Every lease has run out, and the clock rings the sweep. Returns how many it rang for."""
        self.desk.sql("update imports set lease_expires_at = now() - interval '1 second'"
                      " where lease_expires_at is not null")  # fmt: skip
        self.now = max(self.now, datetime.now(UTC)) + timedelta(seconds=queues.SWEEP_S)
        return ring_waiting_imports(self.now)

    def ring(self, import_id: str) -> None:
        """Rings once more, as an impatient clock would."""
        self.now = max(self.now, datetime.now(UTC)) + timedelta(seconds=queues.SWEEP_S)
        assert queues.ring(runtime.redis(), queues.run_import(import_id, now=self.now))

    def end(self, import_id: str) -> Found:
        """Waits for the import's end."""
        ended = ("done", "failed", "cancelled")
        wait_until(lambda: self.desk.row(import_id)["status"] in ended, ENDED_WITHIN_S)
        row = self.desk.row(import_id)
        assert row["status"] in ended, self.log.read_text()[-2000:]
        return row


@pytest.fixture(scope="module", autouse=True)
def gated(stack: Stack) -> Iterator[None]:
    with gates.scratch(stack.env):
        yield


@pytest.fixture
def shop(stack: Stack, desk: Desk, redis_conn: redis.Redis, tmp_path: Path) -> Iterator[Shop]:
    """Nobody else's imports wait, and nothing is in the queues."""
    redis_conn.flushall()
    desk.sql("update imports set status = 'cancelled' where status in"
             " ('uploaded', 'reading', 'importing')")  # fmt: skip
    found = Shop(stack, desk, tmp_path / "worker.log")
    yield found
    for hired in found.workers:
        hired.stop()


@pytest.fixture
def reconnect(shop: Shop) -> Iterator[Callable[[], None]]:
    """To call when PostgreSQL has been away: the desk's connection went with it."""
    opened = []

    def call() -> None:
        opened.append(open_db(shop.stack.env))
        shop.desk = replace(shop.desk, db=opened[-1].__enter__())

    yield call
    for connection in opened:
        connection.__exit__(None, None, None)
