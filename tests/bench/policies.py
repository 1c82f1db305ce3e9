"""What row level security costs at 1,000,000 people.

The same queries with it, and without it but filtered by location: asked of PostgREST, as every
screen does, which is the promise; and of Postgres alone, which shows what the policies take.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from devstack.stack import Stack
from tests.bench import million
from tests.bench.million import BIG, SMALL, Branch
from tests.bench.report import at_most, line, table

WARM_UP, ROUNDS, LONGEST_S = 15, 150, 10.0
BOUND = 1.5
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Query:
    """The path asked of PostgREST and the SQL asked of Postgres, with places for the values."""

    name: str
    path: str
    sql: str


MINE = "location_id=eq.{location}&deleted_at=is.null"
MINE_SQL = "location_id = %(location)s and deleted_at is null"
QUERIES = (
    Query(
        "newest page of 50",
        f"contacts?{MINE}&order=created_at.desc,id&limit=50",
        f"select * from contacts where {MINE_SQL} order by created_at desc, id limit 50",
    ),
    Query(
        "page in the middle, by keyset",
        f"contacts?{MINE}&order=created_at.desc,id&limit=50&created_at=lte.{{at}}"
        "&or=(created_at.lt.{at},and(created_at.eq.{at},id.gt.{id}))",
        f"select * from contacts where {MINE_SQL} and created_at <= %(at)s and (created_at < %(at)s"
        " or created_at = %(at)s and id > %(id)s) order by created_at desc, id limit 50",
    ),
    Query(
        "one person by id",
        "contacts?id=eq.{id}",
        "select * from contacts where id = %(id)s",
    ),
    Query(
        "count of a location",
        f"contacts?{MINE}&select=id&limit=1",
        f"select count(*) from contacts where {MINE_SQL}",
    ),
    Query(
        "houses of a town",
        "properties?location_id=eq.{location}&city=eq.{city}&order=zip,id&limit=50",
        "select * from properties where location_id = %(location)s and city = %(city)s"
        " order by zip, id limit 50",
    ),
)


@dataclass(frozen=True)
class Cost:
    with_ms: float
    without_ms: float

    @property
    def ratio(self) -> float:
        return self.with_ms / self.without_ms

    @property
    def cells(self) -> list[object]:
        return [self.with_ms, self.without_ms, self.ratio]


def run(stack: Stack) -> bool:
    """True when no query costs more than the bound."""
    million.fill(stack)
    rows, kept = [], []
    for branch in (BIG, SMALL):
        values = _values(stack, branch)
        for query in QUERIES:
            name = f"{query.name}, {branch.name}"
            asked = _asked(stack, branch, query, values)
            alone = _alone(stack, branch, query, values)
            rows.append([name, *asked.cells, *alone.cells])
            kept.append((f"policies: {name}", asked.ratio))
    head = ["policies, medians of turns", "a request, ms", "filter, no RLS", "×"]
    table([*head, "in Postgres, ms", "filter, no RLS", "×"], rows)
    line("in Postgres: with planning, without the rest of a request's transaction")
    return all([at_most(name, ratio, BOUND) for name, ratio in kept])


def _turns(one: Callable[[], object], other: Callable[[], object]) -> Cost:
    """The two take turns, so that whatever else the machine does meets both."""
    seen, end = [], time.monotonic() + LONGEST_S
    for n in range(WARM_UP + ROUNDS):
        pair = (_ms(one), _ms(other)) if n % 2 else (_ms(other), _ms(one))[::-1]
        seen += [pair] if n >= WARM_UP else []
        if time.monotonic() > end:
            break
    return Cost(*(statistics.median(side) for side in zip(*seen, strict=True)))


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _asked(stack: Stack, branch: Branch, query: Query, values: dict[str, str]) -> Cost:
    """Of PostgREST, by the branch's owner and by the service, whom no policy concerns."""
    path = query.path.format(**values)
    filtered = path if "location_id" in path else f"{path}&location_id=eq.{branch.location}"
    tokens = (million.token(stack, branch), stack.env["SUPABASE_SERVICE_ROLE_KEY"])
    with httpx.Client(base_url=stack.env["POSTGREST_URL"]) as http:

        def ask(path: str, token: str) -> None:
            wanted = {"Prefer": "count=exact"} if "count" in query.name else {}
            headers = wanted | {"Authorization": f"Bearer {token}"}
            answer = http.get(f"/{path}", headers=headers).raise_for_status()
            assert answer.json(), f"{query.name} found nothing"

        return _turns(lambda: ask(path, tokens[0]), lambda: ask(filtered, tokens[1]))


def _alone(stack: Stack, branch: Branch, query: Query, values: dict[str, str]) -> Cost:
    filtered = query.sql
    if "location_id" not in filtered:
        filtered += " and location_id = %(location)s"
    with psycopg.connect(stack.env["DATABASE_URL"]) as ours, _signed_in(stack, branch) as theirs:

        def ask(db: Connection, sql: str) -> None:
            assert db.execute(sql.encode(), values, prepare=False).fetchall()

        return _turns(lambda: ask(theirs, query.sql), lambda: ask(ours, filtered))


def _signed_in(stack: Stack, branch: Branch) -> Connection:
    """As PostgREST asks: with the role and the claims of the token."""
    db = psycopg.connect(stack.env["DATABASE_URL"])
    claims = json.dumps(million.claims(stack, branch))
    db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
    db.execute("set local role authenticated")
    return db


def _values(stack: Stack, branch: Branch) -> dict[str, str]:
    """What is asked for: somebody in the middle of the list, and the largest town."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as db:
        person = db.execute(
            "select id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            " from contacts where location_id = %s and deleted_at is null"
            " order by created_at desc, id offset %s limit 1",
            (branch.location, branch.people // 2),
        ).fetchone()
        town = db.execute(
            "select city from properties where location_id = %s group by city"
            " order by count(*) desc limit 1",
            (branch.location,),
        ).fetchone()
    assert person and town
    return {"location": branch.location, "id": str(person[0]), "at": person[1], "city": town[0]}
