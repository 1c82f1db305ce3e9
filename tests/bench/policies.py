"""What row level security costs at 1,000,000 people.

The same queries with it, and without it but filtered by location.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from devstack.stack import Stack
from tests.bench import million
from tests.bench.million import BIG, SMALL, Branch
from tests.bench.report import at_most, line, table

ROUNDS = 60
BOUND = 1.5
OF_MINE = "location_id = %(location)s and deleted_at is null"
QUERIES = {
    "newest page of 50": f"select * from contacts where {OF_MINE}"
    " order by created_at desc, id limit 50",
    "a page in the middle": f"select * from contacts where {OF_MINE} and created_at <= %(at)s"
    " and (created_at < %(at)s or id > %(id)s) order by created_at desc, id limit 50",
    "one person by id": "select * from contacts where id = %(id)s",
    "count of a location": f"select count(*) from contacts where {OF_MINE}",
    "houses of a town": "select * from properties where location_id = %(location)s"
    " and city = %(city)s order by zip, id limit 50",
}
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Cost:
    with_ms: float
    without_ms: float

    @property
    def ratio(self) -> float:
        return self.with_ms / self.without_ms


def run(stack: Stack) -> bool:
    """True when no query costs more than the bound."""
    million.fill(stack)
    costs = {
        (branch, name): _cost(stack, branch, name) for branch in (BIG, SMALL) for name in QUERIES
    }
    head = ["policies at 1,000,000 people", "with, ms", "filter and no RLS, ms", "×"]
    rows = [[f"{n}, {b.name}", c.with_ms, c.without_ms, c.ratio] for (b, n), c in costs.items()]
    table(head, rows)
    line(f"{ROUNDS} rounds in turn, medians, planning included")
    kept = [at_most(f"policies: {n}, {b.name}", c.ratio, BOUND) for (b, n), c in costs.items()]
    return all(kept)


def _cost(stack: Stack, branch: Branch, name: str) -> Cost:
    """The two take turns, so that whatever else the machine does meets both."""
    bare = QUERIES[name]
    if "location_id" not in bare:
        bare += " and location_id = %(location)s"
    with psycopg.connect(stack.env["DATABASE_URL"]) as ours, _signed_in(stack, branch) as theirs:
        values = _values(ours, branch)
        seen = [
            (_ms(theirs, QUERIES[name], values), _ms(ours, bare, values)) for _ in range(ROUNDS)
        ]
    return Cost(*(statistics.median(side) for side in zip(*seen, strict=True)))


def _signed_in(stack: Stack, branch: Branch) -> Connection:
    """As PostgREST asks: the role and the claims of the token, in one transaction."""
    db = psycopg.connect(stack.env["DATABASE_URL"])
    claims = json.dumps(million.claims(stack, branch))
    db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
    db.execute("set local role authenticated")
    return db


def _values(db: Connection, branch: Branch) -> dict[str, Any]:
    row = db.execute(
        "select id, created_at from contacts where location_id = %s and deleted_at is null"
        " order by created_at desc, id offset %s limit 1",
        (branch.location, branch.people // 2),
    ).fetchone()
    town = db.execute(
        "select city from properties where location_id = %s group by city"
        " order by count(*) desc limit 1",
        (branch.location,),
    ).fetchone()
    assert row and town
    return {"location": branch.location, "id": row[0], "at": row[1], "city": town[0]}


def _ms(db: Connection, query: str, values: dict[str, Any]) -> float:
    started = time.perf_counter()
    db.execute(sql.SQL(query), values, prepare=False).fetchall()  # type: ignore[arg-type]
    return (time.perf_counter() - started) * 1000
