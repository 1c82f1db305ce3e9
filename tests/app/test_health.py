"""What a load balancer and an operator are told: with nothing there, and part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app import create_app, readiness, workforce
from app.clients import Clients
from app.config import Config
from devstack.stack import Stack

SERVED = {"postgrest", "database", "schema"}


def test_the_process_is_alive_whatever_else_is_down(client: FlaskClient) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_each_thing_that_is_down_is_named(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["status"] == "failed"
    checks = answer.json["checks"]
    workers = {f"worker-{name}" for name in workforce.QUEUES} | {"clock"}
    queues = {f"queue-{name}" for name in workforce.QUEUES}
    assert set(checks) == SERVED | {"redis", "storage"} | workers | queues
    assert {check["status"] for check in checks.values()} == {"failed"}
    assert all(checks[name]["ms"] >= 0 for name in SERVED | {"redis", "storage"})


def rest(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (rest(401, {"code": "PT401"}), set()),
        (rest(401, {"code": "42501"}), {"schema"}),
        (rest(200, []), {"schema"}),
        (rest(404, {"code": "42883"}), {"schema"}),
        (rest(503, {"code": "PGRST000"}), {"database", "schema"}),
        (rest(500, {"code": "57P03"}), {"database", "schema"}),
        (rest(502, {"message": "no"}), SERVED),
        (httpx.Response(502, text="<html>"), SERVED),
    ],
)
def test_one_question_says_how_far_it_came(
    app: Flask, answer: httpx.Response, failed: set[str]
) -> None:
    """As PostgREST 12, and a gateway before it, answer."""
    held: Clients = app.extensions["clients"]
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as http:
        found = readiness._data(replace(held, http=http))
    assert {name for name, check in found.items() if check["status"] != "ok"} == failed


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def live(config: Config, stack: Stack, redis_conn: redis.Redis) -> Iterator[FlaskClient]:
    """On the real stack, where nobody works."""
    redis_conn.flushall()
    real = replace(
        config,
        supabase_url=stack.env["SUPABASE_URL"],
        supabase_anon_key=stack.env["SUPABASE_ANON_KEY"],
        redis_url=stack.env["REDIS_URL"],
    )
    app = create_app(real)
    held = app.extensions["clients"]
    app.extensions["readiness"] = readiness.Readiness(held, clock=iter(range(0, 10**6, 2)).__next__)
    yield app.test_client()
    for client in (held.http, held.redis, held.limits):
        client.close()


def everybody_works(redis_conn: redis.Redis) -> None:
    for name in (*workforce.QUEUES, workforce.CLOCK):
        workforce.beat(redis_conn, name, "one")


def test_all_is_well(live: FlaskClient, redis_conn: redis.Redis) -> None:
    everybody_works(redis_conn)
    answer = live.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert answer.json["checks"]["worker-imports"] == {"status": "ok", "alive": 1, "silent": 0}


def test_a_missing_migration_is_told(
    live: FlaskClient, redis_conn: redis.Redis, db: psycopg.Connection[Any]
) -> None:
    everybody_works(redis_conn)
    db.execute("alter function door.check_request() rename to taken_away")
    try:
        answer = live.get("/health/ready")
    finally:
        db.execute("alter function door.taken_away() rename to check_request")
    assert (answer.status_code, answer.json["status"]) == (503, "failed")
    failed = {name for name, check in answer.json["checks"].items() if check["status"] != "ok"}
    assert failed == {"schema"}


def test_a_dead_worker_is_told_and_takes_nobody_off_the_balancer(
    live: FlaskClient, redis_conn: redis.Redis
) -> None:
    everybody_works(redis_conn)
    # As if it had been heard a minute ago for the last time.
    redis_conn.zincrby("crm:heartbeats:imports", -60, "one")
    answer = live.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["worker-imports"] == {"status": "failed", "alive": 0, "silent": 1}


def test_work_that_waits_too_long_is_told(
    live: FlaskClient, redis_conn: redis.Redis, an_old_ring: Callable[[int], None]
) -> None:
    everybody_works(redis_conn)
    an_old_ring(600)
    answer = live.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    waiting = answer.json["checks"]["queue-imports"]
    assert (waiting["status"], waiting["length"]) == ("failed", 1)
    assert 590 <= waiting["oldest_s"] <= 630


@pytest.fixture
def an_old_ring(redis_conn: redis.Redis) -> Callable[[int], None]:
    """A ring of so many seconds ago; as RQ leaves it when its time has run out: an id alone."""

    def ring(age_s: int) -> None:
        now_s, _ = redis_conn.time()
        redis_conn.rpush("rq:queue:imports", f"run_import-x-{(now_s - age_s) // 15}")

    return ring


def test_a_report_is_asked_for_once_a_second(app: Flask) -> None:
    clock = Clock()
    report = readiness.Readiness(app.extensions["clients"], clock)
    first = report.report()
    assert report.report() is first
    clock.at += 1.5
    assert report.report() is not first


def test_no_check_says_where_things_are(live: FlaskClient, stack: Stack) -> None:
    said = live.get("/health/ready").text
    assert "127.0.0.1" not in said and stack.env["SUPABASE_ANON_KEY"] not in said
