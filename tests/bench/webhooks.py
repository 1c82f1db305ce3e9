"""Webhooks with 100,000 stored: the answer's time, the way to the browser, and the job's pace.

BENCH_SECONDS=5 shortens the load, for trying the bench itself.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg

from devstack.stack import Stack
from tests.bench.product import sign_in
from tests.bench.report import at_most, line, table
from tests.bench.webhook_load import Answers, event, listen, post_steadily

SECONDS = int(os.environ.get("BENCH_SECONDS", "0")) or 30
RATE, STORED, BACKLOG = 200, 100_000, 10_000
LOCATION = "00000000-0000-4000-8000-000000000001"
HEARD_WITHIN_S, WAIT_S = 1.0, 300
FILL = """
    insert into private.webhook_events
      (provider, event_id, scheme, type, body, status, processed_at)
    select 'openphone', 'old' || n, 'dated', 'message.received', %s, 'processed', now()
    from generate_series(1, %s) n
"""
INSERT = """
    insert into private.webhook_events (provider, event_id, scheme, type, body)
    values ('openphone', %s, 'dated', 'message.received', %s) on conflict do nothing
"""


def run(stack: Stack) -> bool:
    """True when the way to the browser keeps its promise and nothing was lost."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
        db.execute(FILL, (_body(0, "old"), STORED))
        db.execute("vacuum analyze private.webhook_events")
        alone = _inserts_alone(db)
        _post(stack, "warm", 2)
        _until_applied(db)
        # As autovacuum has done by the time 100,000 are stored: plans are made of what is there.
        db.execute("analyze")
        answers, lags = _measured(stack, db)
        rate, by_itself = _pace(stack, db)
    rows = [
        [name, *(1000 * _percentile(values, p) for p in (50, 95, 99)), len(values)]
        for name, values in (
            ("insert alone, one connection", alone),
            ("acknowledgement", answers.waits_s),
            ("webhook to the browser's socket", lags),
        )
    ]
    table([f"at {RATE} a second, {STORED:,} stored", "p50 ms", "p95 ms", "p99 ms", "n"], rows)
    line(f"events a second through the job: {rate:.0f} ({by_itself:,} waiting at the start)")
    p99s = _percentile(answers.waits_s, 99) / _percentile(alone, 99)
    line(f"acknowledgement p99 ÷ insert p99: {p99s:.1f}")
    kept = at_most("webhook to the socket, p95, s", _percentile(lags, 95), HEARD_WITHIN_S)
    return kept and answers.refused == 0 and len(lags) == len(answers.due_at)


def _body(n: int, tag: str) -> str:
    return json.dumps(event(n, tag, datetime.now(UTC)))


def _inserts_alone(db: psycopg.Connection[Any]) -> list[float]:
    """At the same rate, each in a transaction of its own, seconds."""
    waits = []
    started = time.monotonic()
    for n in range(RATE * min(SECONDS, 10)):
        due = started + n / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        db.execute(INSERT, (f"alone{n}", _body(n, "alone")))
        waits.append(time.monotonic() - due)
    db.execute("delete from private.webhook_events where event_id like 'alone%'")
    return waits


def _post(stack: Stack, tag: str, seconds: int) -> Answers:
    at = urlsplit(stack.env["API_URL"])
    secret = stack.env["OPENPHONE_WEBHOOK_SECRET"]
    steady = post_steadily(at.hostname or "", at.port or 0, secret, tag, RATE, RATE * seconds)
    return asyncio.run(steady)


def _measured(stack: Stack, db: psycopg.Connection[Any]) -> tuple[Answers, list[float]]:
    """The browser is a process of its own: what it hears must not wait for who posts."""
    token = sign_in(stack.env)["Authorization"].removeprefix("Bearer ")
    with multiprocessing.Manager() as shared:
        state, heard = shared.dict(), shared.list()
        words = (stack.env["SUPABASE_URL"], stack.env["SUPABASE_ANON_KEY"], token)
        browser = multiprocessing.Process(
            target=_browser, args=(*words, f"location:{LOCATION}", state, heard)
        )
        browser.start()
        while not state.get("ready"):
            time.sleep(0.05)
        answers = _post(stack, f"run{time.time_ns() % 10**6}x", SECONDS)
        _until_applied(db)
        time.sleep(1)
        state["stop"] = True
        browser.join()
        arrived = dict(reversed(list(heard)))
    rows = db.execute("select id::text, external_id from messages").fetchall()
    lags = [arrived[i] - answers.due_at[e] for i, e in rows if i in arrived and e in answers.due_at]
    return answers, lags


def _browser(url: str, key: str, token: str, topic: str, state: Any, heard: Any) -> None:
    asyncio.run(listen(url, key, token, topic, state, heard))


def _pace(stack: Stack, db: psycopg.Connection[Any]) -> tuple[float, int]:
    """Events a second when a worker finds 10,000 waiting: from its first to its last."""
    bodies = [(f"pace{n}", _body(n, "pace")) for n in range(BACKLOG)]
    with db.cursor() as cursor:
        cursor.executemany(INSERT, bodies)
    stack.restart("worker-webhooks")
    _until_applied(db)
    row = db.execute(
        "select count(*) / extract(epoch from max(processed_at) - min(processed_at))"
        " from private.webhook_events where event_id like 'pace%'"
    ).fetchone()
    assert row
    return float(row[0]), BACKLOG


def _until_applied(db: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    open_events = (
        "select count(*) from private.webhook_events where status in ('received', 'parked')"
    )
    while (db.execute(open_events).fetchone() or (0,))[0]:
        if time.monotonic() > deadline:
            raise SystemExit("bench: webhooks wait and nobody applies them, see the stack's logs")
        time.sleep(0.2)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
