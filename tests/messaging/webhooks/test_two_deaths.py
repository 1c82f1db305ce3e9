"""Two batches in which texts die at once: each makes the same todos, in an order of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from devstack.processes import wait_until
from devstack.stack import Stack
from tests.messaging.webhooks.inbox import Inbox

KEPT = (
    "insert into private.webhook_events (provider, event_id, scheme, type, body)"
    " values ('openphone', gen_random_uuid()::text, 'dated', 'message.received', %s) returning id"
)
DIES = (
    "update private.webhook_events set status = 'dead', error_code = 'x', facts = %s where id = %s"
)
WAITS = "select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = %s"
NAMED, NAMELESS = '{"data": {"object": {"from": "+16175550101"}}}', "{}"


def test_neither_waits_for_the_other_in_a_ring(stack: Stack, inbox: Inbox) -> None:
    url = stack.env["DATABASE_URL"]
    facts = json.dumps([{"number": inbox.office.number}])

    def die(database: psycopg.Connection[Any], bodies: Sequence[str]) -> None:
        for body in bodies:
            event = inbox.row(KEPT, body)["id"]
            database.execute(DIES, (facts, event))

    with ThreadPoolExecutor(1) as pool, psycopg.connect(url) as first:
        with psycopg.connect(url) as second:
            die(first, [NAMED])
            late = pool.submit(die, second, [NAMELESS, NAMED])
            assert wait_until(lambda: inbox.row(WAITS, second.info.backend_pid)["waits"], 10)
            die(first, [NAMELESS])
            first.commit()
            late.result(10)
    told = inbox.all("todos")
    assert sorted(todo["dedupe_key"] for todo in told) == ["dead_texts", "dead_texts:nameless"]
