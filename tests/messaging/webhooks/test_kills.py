"""The worker killed at any line, Redis wiped, Postgres restarted: none lost and none doubled."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from app import queues
from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs import runtime
from edge_jobs.webhooks import apply_webhooks
from tests.faults.workers import Worker
from tests.messaging.webhooks import end_state
from tests.messaging.webhooks.inbox import Inbox, open_db
from tests.messaging.webhooks.traffic import traffic
from tests.messaging.webhooks.vendor import Vendor

WITHIN_S = 120.0
Make = Callable[[], Inbox]


@dataclass
class Night:
    """An office whose worker has a bad time."""

    stack: Stack
    inbox: Inbox
    worker: Worker

    def open(self) -> int:
        """How many of its webhooks nobody has taken in."""
        query = (
            "select count(*) as n from private.webhook_events where status in"
            " ('received', 'parked') and strpos(event_id, %s) > 0"
        )
        return int(self.inbox.row(query, self.inbox.office.mark)["n"])

    def ring(self) -> None:
        """As the sweep does; leases of the dead are over."""
        self.inbox.later()
        queues.ring(runtime.redis(), queues.apply_webhooks(now=datetime.now(UTC)))

    def kill_at(self, open_: int) -> None:
        """Kills the worker when so many are left, in whatever it is doing, and starts another."""
        assert wait_until(lambda: self.open() <= open_, WITHIN_S), self.open()
        self.worker.replace()
        self.ring()

    def end(self) -> None:
        self.ring()
        assert wait_until(self._is_done, WITHIN_S), f"{self.open()} are left"

    def _is_done(self) -> bool:
        self.inbox.later()
        apply_webhooks(5.0)
        return self.open() == 0


@pytest.fixture
def night(make: Make, stack: Stack, redis_conn: redis.Redis, tmp_path: Path) -> Iterator[Night]:
    redis_conn.flushall()
    runtime.open_inbox()
    found = Night(stack, make(), Worker(stack, tmp_path / "worker.log", "worker-webhooks"))
    yield found
    found.worker.stop()


@pytest.fixture
def vendor(stack: Stack) -> Iterator[Vendor]:
    found = Vendor(stack)
    yield found
    found.close()


def orderly_end(make: Make, seed: int, count: int) -> list[str]:
    inbox = make()
    inbox.put_bodies(traffic(inbox.office, seed, count).in_order)
    apply_webhooks(300.0)
    inbox.later()
    apply_webhooks(300.0)
    return end_state.told(inbox)


def killed_again_and_again(make: Make, night: Night, seed: int, count: int, kills: int) -> None:
    night.inbox.put_bodies(traffic(night.inbox.office, seed, count).as_it_comes)
    night.ring()
    draw = random.Random(seed)
    for left in sorted((draw.randrange(1, count) for _ in range(kills)), reverse=True):
        night.kill_at(left)
    night.end()
    assert end_state.told(night.inbox) == orderly_end(make, seed, count)


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(make: Make, night: Night) -> None:
    killed_again_and_again(make, night, 7, 250, 2)


def test_a_worker_told_to_stop_ends_in_the_middle_of_many(
    night: Night, redis_conn: redis.Redis
) -> None:
    night.inbox.put_bodies(traffic(night.inbox.office, 5, 1_000).as_it_comes)
    night.ring()
    many = night.open()
    assert wait_until(lambda: night.open() < many, WITHIN_S)
    night.worker.ask_to_stop()
    night.worker.wait()
    assert night.open() > 500
    assert redis_conn.llen("rq:queue:webhooks") == 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_a_worker_killed_forty_times(make: Make, night: Night, seed: int) -> None:
    killed_again_and_again(make, night, seed, 3_000, 40)


def test_what_was_rung_into_a_redis_that_was_wiped_is_swept(
    night: Night, vendor: Vendor, redis_conn: redis.Redis
) -> None:
    bodies = traffic(night.inbox.office, 3, 30).as_it_comes
    night.worker.kill()
    vendor.post(*bodies)
    redis_conn.flushall()
    night.worker.replace()
    night.end()
    assert not vendor.unanswered


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_postgres_and_redis_restarted_while_webhooks_come(
    make: Make, night: Night, vendor: Vendor, stack: Stack, seed: int
) -> None:
    bodies = traffic(night.inbox.office, seed, 600).as_it_comes
    for part, service in enumerate(("postgres", "redis", "postgrest", "postgres")):
        vendor.post(*bodies[part * 150 : part * 150 + 75])
        stack.kill(service)
        vendor.post(*bodies[part * 150 + 75 : part * 150 + 90])
        stack.wait_ready(service)
        stack.wait_ready("postgrest")
        vendor.post(*bodies[part * 150 + 90 : part * 150 + 150])
    vendor.post(*bodies[600:])
    assert wait_until(lambda: not (vendor.post_again() or vendor.unanswered), WITHIN_S)
    with open_db(stack.env) as db:
        night.inbox.db = db
        night.end()
        told = end_state.told(night.inbox)
    assert told == _told_anew(stack, seed)


def _told_anew(stack: Stack, seed: int) -> list[str]:
    from tests.messaging.webhooks.inbox import make_inbox

    with open_db(stack.env) as db:
        return orderly_end(lambda: make_inbox(db, stack.env), seed, 600)
