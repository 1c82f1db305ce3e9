"""People who act at the same moment, in transactions that a test holds open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from devstack.processes import wait_until
from devstack.stack import Stack
from tests import people
from tests.people import Location, Person

SOON_S = 10.0
BLOCKED = "select cardinality(pg_blocking_pids(%s)) > 0"


@dataclass
class Actor:
    """Somebody's own connection, with a transaction open: what he does holds after `commit`."""

    db: psycopg.Connection[Any]
    watch: psycopg.Connection[Any]
    claims: dict[str, Any]
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def does(self, query: str, *values: Any) -> Any:
        """The first column of the first row, or the code of the refusal."""
        try:
            self._become()
            row = self.db.execute(query.encode(), values).fetchone()
        except psycopg.Error as error:
            self.db.rollback()
            return error.diag.message_primary
        return row and row[0]

    def _become(self) -> None:
        if self.claims:
            self.db.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)",
                (json.dumps(self.claims), self.claims["role"]),
            )

    def commit(self) -> None:
        self.db.commit()

    def starts(self, query: str, *values: Any) -> Future[Any]:
        """Does it and commits, once whoever is in the way has committed: returns when it waits."""
        future = self._pool.submit(self._does_and_commits, query, *values)
        pid = self.db.info.backend_pid

        def waits() -> bool:
            row = self.watch.execute(BLOCKED, (pid,)).fetchone()
            return future.done() or bool(row and row[0])

        assert wait_until(waits, SOON_S), "it neither waits nor ends"
        return future

    def _does_and_commits(self, query: str, *values: Any) -> Any:
        answer = self.does(query, *values)
        self.commit()
        return answer

    def close(self) -> None:
        self._pool.shutdown()


Enter = Callable[..., Actor]


@pytest.fixture
def enter(stack: Stack, db: psycopg.Connection[Any]) -> Iterator[Enter]:
    """`enter(person)`, or `enter()` for the service: each time a connection of its own."""
    with ExitStack() as opened:

        def make(person: Person | None = None) -> Actor:
            connection = opened.enter_context(psycopg.connect(stack.env["DATABASE_URL"]))
            claims = person and jwt.decode(person.token, options={"verify_signature": False})
            actor = Actor(connection, db, claims or {"role": "service_role"})
            opened.callback(actor.close)
            return actor

        yield make


@pytest.fixture
def place(db: psycopg.Connection[Any], stack: Stack) -> Location:
    return people.make_location(db, stack.env)


@pytest.fixture
def other_owner(db: psycopg.Connection[Any], stack: Stack, place: Location) -> Person:
    """A second owner of the same location."""
    return people.make_person(db, stack.env, {place.id: "owner"})


@dataclass
class Rest:
    """PostgREST as the browser or a program calls it."""

    http: httpx.Client

    def get(self, path: str, headers: Mapping[str, str]) -> Any:
        return self._answer(self.http.get(path, headers=dict(headers)))

    def rpc(self, name: str, headers: Mapping[str, str], **told: Any) -> Any:
        return self._answer(self.http.post(f"rpc/{name}", json=told, headers=dict(headers)))

    def _answer(self, answer: httpx.Response) -> Any:
        """The body, or the code of the refusal."""
        if answer.is_success:
            return answer.json() if answer.content else None
        return answer.json()["message"]


@pytest.fixture
def rest(stack: Stack) -> Iterator[Rest]:
    env = stack.env
    base = f"{env['SUPABASE_URL']}/rest/v1/"
    with httpx.Client(base_url=base, headers={"apikey": env["SUPABASE_ANON_KEY"]}) as http:
        yield Rest(http)
