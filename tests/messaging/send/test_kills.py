"""The worker is killed at each step of a text's way: one text goes out, or none, and never two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from app import queues
from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs.sends import send_texts
from tests.faults.workers import Worker
from tests.messaging.send import gates
from tests.messaging.send.gates import Gate
from tests.messaging.send.office import Fork, Office
from tests.sandbox_driver import Sandbox

SENDING = {"path": "/v1/messages", "method": "POST"}
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def gated(stack: Stack) -> Iterator[None]:
    with gates.scratch(stack.env):
        yield


def settled(office: Office, text: str) -> str:
    """What becomes of it when others take up where the dead left off."""
    office.worker_dies()
    send_texts()
    office.ask(3)
    return office.state(text)


@pytest.mark.parametrize(
    ("step", "committed", "state", "sent"),
    [
        ("reserved", False, "accepted", 1),
        ("reserved", True, "accepted", 1),
        ("dispatching", False, "accepted", 1),
        # Nobody can know whether he called: it is asked for, and a person decides.
        ("dispatching", True, "unconfirmed", 0),
        ("accepted", False, "accepted", 1),
        ("accepted", True, "accepted", 1),
    ],
)
@pytest.mark.usefixtures("gated")
def test_killed_in_one_of_our_steps(
    office: Office, stack: Stack, step: str, committed: bool, state: str, sent: int
) -> None:
    text = office.text()
    gate = Gate(stack.env, text, step)
    worker = Fork()
    gate.wait()
    worker.kill()
    if committed:
        gate.open()
    else:
        gate.undo()
    assert settled(office, text) == state
    assert sum(office.taken().values()) == sent
    assert office.used() == 1


@pytest.mark.parametrize(
    ("fault", "state", "sent"), [("hang", "unconfirmed", 0), ("done_then_hang", "accepted", 1)]
)
def test_killed_while_the_vendor_is_called(
    office: Office, sandbox: Sandbox, fault: str, state: str, sent: int
) -> None:
    sandbox.fault(fault, **SENDING)
    text = office.text()
    before = len(sandbox.requests("/v1/messages"))
    worker = Fork()
    assert wait_until(lambda: len(sandbox.requests("/v1/messages")) > before, WITHIN_S)
    worker.kill()
    assert settled(office, text) == state
    assert sum(office.taken().values()) == sent


@pytest.mark.usefixtures("gated")
def test_a_worker_told_to_stop_ends_with_the_text_in_its_hands(
    office: Office, stack: Stack, sandbox: Sandbox, redis_conn: redis.Redis, tmp_path: Path
) -> None:
    """Whoever kills what has not ended in time would make the outcome of a text unknown."""
    redis_conn.flushall()
    first, *others = [office.text() for _ in range(4)]
    gate = Gate(stack.env, first, "accepted")
    worker = Worker(stack, tmp_path / "worker.log", "worker-sends", sandbox.env)
    try:
        queues.ring(redis_conn, queues.send_texts(now=datetime.now(UTC)))
        gate.wait()
        worker.ask_to_stop()
        gate.open()
        worker.wait()
    finally:
        worker.stop()
    assert office.state(first) == "accepted"
    assert {office.state(text) for text in others} == {"queued"}
    assert redis_conn.llen("rq:queue:sends") == 1
    assert send_texts() == {"accepted": 3}
