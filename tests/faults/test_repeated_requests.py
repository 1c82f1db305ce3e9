"""The same request twice at once, and again after the web process was killed amid it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from app.idempotency import HEADER, REPLAYED
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.faults.workers import Worker
from tests.people import Location

SOON_S = 20.0
CSV = b"APN,Address\r\n1,1 Oak St\r\n"
Db = psycopg.Connection[Any]


class Web:
    """gunicorn, and one client's request to it."""

    def __init__(self, stack: Stack, program: Worker, team: Location) -> None:
        self.program = program
        self.url = f"http://127.0.0.1:{stack.env['WEB_PORT']}/api/v1"
        self.headers = {**team.owner.bearer, HEADER: str(uuid.uuid4())}
        self.location_id = team.id

    def invite(self) -> httpx.Response:
        form = {"location_id": self.location_id, "email": "ana@example.com", "role": "admin"}
        return httpx.post(f"{self.url}/invites", json=form, headers=self.headers, timeout=SOON_S)

    def hand_in(self) -> httpx.Response:
        file = {"file": ("list.csv", CSV, "text/csv")}
        form = {"list_name": "Oak"}
        headers = self.headers
        return httpx.post(
            f"{self.url}/imports", data=form, files=file, headers=headers, timeout=SOON_S
        )


@pytest.fixture
def team(make_location: Callable[..., Location]) -> Location:
    return make_location()


@pytest.fixture(scope="module")
def program(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """gunicorn by the Procfile's line."""
    started = Worker(stack, tmp_path_factory.mktemp("web") / "web.log", "web")
    yield started
    started.stop()


@pytest.fixture
def web(stack: Stack, program: Worker, team: Location) -> Web:
    program.wait_ready()
    return Web(stack, program, team)


@contextmanager
def held_up(stack: Stack, db: Db, table: str) -> Iterator[Callable[[], bool]]:
    """Nothing is written to the table meanwhile. What it gives says whether somebody waits to."""
    waiting = "select 1 from pg_locks where relation = %s::regclass and not granted"
    with psycopg.connect(stack.env["DATABASE_URL"]) as holder:
        holder.execute(f"lock table {table} in share row exclusive mode".encode())
        yield lambda: bool(db.execute(waiting, (table,)).fetchone())
        holder.rollback()


def later(ask: Callable[[], httpx.Response]) -> Future[httpx.Response]:
    threads = ThreadPoolExecutor(1)
    asked = threads.submit(ask)
    threads.shutdown(wait=False)
    return asked


def count(db: Db, query: str, *values: str) -> int:
    row = db.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("way", "table"), [("invite", "invites"), ("hand_in", "imports")])
def test_two_at_once_make_one(stack: Stack, db: Db, web: Web, way: str, table: str) -> None:
    ask = getattr(web, way)
    with held_up(stack, db, table) as somebody_waits:
        first = later(ask)
        assert wait_until(somebody_waits, SOON_S)
        second = ask()
        assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
        assert second.headers["Retry-After"].isdigit()
    made, again = first.result(SOON_S), ask()
    assert made.is_success and REPLAYED not in made.headers
    assert (again.status_code, again.json()) == (made.status_code, made.json())
    assert again.headers[REPLAYED] == "true"
    assert count(db, f"select count(*) from {table} where location_id = %s", web.location_id) == 1


@pytest.mark.parametrize(("way", "table"), [("invite", "invites"), ("hand_in", "imports")])
def test_killed_in_the_middle_it_is_done_once(
    stack: Stack, db: Db, web: Web, way: str, table: str
) -> None:
    """Postgres may or may not finish what the dead process had asked of it; either is the same."""
    ask = getattr(web, way)
    with held_up(stack, db, table) as somebody_waits:
        first = later(ask)
        assert wait_until(somebody_waits, SOON_S)
        web.program.replace()
        assert isinstance(first.exception(SOON_S), httpx.TransportError)
    web.program.wait_ready()
    told = ask()
    assert (told.status_code, told.json()["code"]) == (409, "request_in_progress")
    # The lease of the dead one ends.
    db.execute("update private.idempotency_keys set leased_until = now() - interval '1 second'")
    again, after = ask(), ask()
    assert again.is_success and after.json() == again.json()
    assert count(db, f"select count(*) from {table} where location_id = %s", web.location_id) == 1
    expected = count(
        db,
        "select count(*) from private.idempotency_keys where resource_id = %s and attempt = 2",
        again.json()["id"],
    )
    assert expected == 1
    files = "select count(*) from storage.objects where name like %s || '/%%'"
    assert count(db, files, web.location_id) == (1 if way == "hand_in" else 0)
