"""Who says STOP, START or HELP is answered at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import redis

from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs.webhooks import apply_webhooks
from tests.faults.workers import Worker
from tests.messaging.send.office import Office
from tests.messaging.webhooks import told
from tests.messaging.webhooks.inbox import Inbox
from tests.sandbox_driver import Sandbox

WITHIN_S = 30.0


def test_the_answer_to_stop_leaves_without_a_sweep(
    office: Office, stack: Stack, sandbox: Sandbox, redis_conn: redis.Redis, tmp_path: Path
) -> None:
    redis_conn.flushall()
    inbox = Inbox(office.db, office.place, told.Office(office.number, "PNanswers", office.number))
    phone = office.phone()
    worker = Worker(stack, tmp_path / "worker.log", "worker-sends", sandbox.env)
    try:
        now = datetime.now(UTC).isoformat()
        inbox.put(inbox.tell.text(phone, "stop please", createdAt=now))
        apply_webhooks()
        assert wait_until(lambda: office.taken() == {phone: 1}, WITHIN_S)
    finally:
        worker.stop()
