"""Two jobs with reports of one text at once: the second sees what the first made of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from devstack.processes import wait_until
from devstack.stack import Stack
from tests.messaging.webhooks.inbox import Inbox, open_db

FORWARD = "select private.forward_message(%s, jsonb_build_object('status', %s::text))"
WAITS = "select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = %s"


def test_a_late_failure_does_not_undo_a_delivery(stack: Stack, inbox: Inbox) -> None:
    inbox.take_in(inbox.tell.sent(inbox.phone(), "Hello", status="sent"))
    text = inbox.one("messages")["id"]
    with open_db(stack.env) as second, ThreadPoolExecutor(1) as pool:
        with psycopg.connect(stack.env["DATABASE_URL"]) as first:
            first.execute(FORWARD, (text, "delivered"))
            late = pool.submit(second.execute, FORWARD, (text, "failed"))
            assert wait_until(lambda: inbox.row(WAITS, second.info.backend_pid)["waits"], 10)
        assert late.result(10).fetchall() == [("same",)]
    assert inbox.one("messages")["status"] == "delivered"
