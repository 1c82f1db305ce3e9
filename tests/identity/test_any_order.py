"""Six people at once do what comes to their minds; what must always be true is true afterwards."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from tests.people import ROLES, Location, Person

Db = psycopg.Connection[Any]
HANDS = 6
OPEN = "accepted_at is null and revoked_at is null"
SOME = "select id from {} where location_id = %s and {} order by created_at desc limit 1"


@dataclass
class Hand:
    """One of those who act, with a connection and a die of his own."""

    db: Db
    place: Location
    folk: list[Person]
    dice: random.Random
    links: list[str]
    surprises: list[str] = field(default_factory=list)

    def moves(self, count: int) -> list[str]:
        """What went wrong: errors that are no refusal of ours, deadlocks among them."""
        every: list[Callable[[], Any]] = [
            *(self.change, self.change, self.change, self.invite, self.mail, self.accept),
            *(self.end_or_resend, self.make_key, self.renew_key, self.revoke_key),
        ]
        for _ in range(count):
            self.dice.choice(every)()
        return self.surprises

    def change(self) -> None:
        role = self.dice.choice([*ROLES, None])
        active = self.dice.choice([None, True, True, False])
        who = self._anybody().id
        self._does("select (set_member(%s, %s, %s, %s)).role", self.place.id, who, role, active)

    def invite(self) -> None:
        email, role = self._anybody().email, self.dice.choice(ROLES)
        self._does("select create_invite(%s, %s, %s)", self.place.id, email, role)

    def mail(self) -> None:
        invite = self._some("invites", f"{OPEN} and sent_at is null")
        token = invite and self._sql("select issue_invite(%s) ->> 'token'", invite)
        if token:
            self.links.append(token)
            self._sql("select record_invite_sent(%s)", invite)

    def accept(self) -> None:
        if self.links:
            self._does("select (accept_invite(%s)).role", self.dice.choice(self.links[-6:]))

    def end_or_resend(self) -> None:
        what = self.dice.choice(["revoke", "resend"])
        self._does(f"select {what}_invite(%s)", self._some("invites", OPEN))

    def make_key(self) -> None:
        self._does("select create_api_key(%s, 'Sync', '{contacts:read}')", self.place.id)

    def renew_key(self) -> None:
        self._does("select rotate_api_key(%s)", self._some("api_keys"))

    def revoke_key(self) -> None:
        self._does("select revoke_api_key(%s)", self._some("api_keys"))

    def _anybody(self) -> Person:
        return self.dice.choice(self.folk)

    def _some(self, table: str, where: str = "true") -> Any:
        return self._sql(SOME.format(table, where), self.place.id)

    def _does(self, query: str, *values: Any) -> None:
        claims = json.dumps({"sub": self._anybody().id, "role": "authenticated"})
        try:
            with self.db.transaction():
                self._sql("select set_config('request.jwt.claims', %s, true)", claims)
                self.db.execute("set local role authenticated")
                self._sql(query, *values)
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("PT"):
                self.surprises.append(f"{query}: {error}")

    def _sql(self, query: str, *values: Any) -> Any:
        row = self.db.execute(query.encode(), values).fetchone()
        return row and row[0]


@pytest.fixture
def folk(db: Db, place: Location, make_person: Callable[..., Person]) -> list[Person]:
    """A location's people, one more owner, and three who may be invited."""
    more = [make_person({place.id: "owner"}), *(make_person({}) for _ in range(3))]
    return [*place.people.values(), *more]


def walk(stack: Stack, place: Location, folk: list[Person], moves: int) -> list[str]:
    links: list[str] = []

    def act(seed: int) -> list[str]:
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
            return Hand(connection, place, folk, random.Random(seed), links).moves(moves)

    with ThreadPoolExecutor(HANDS) as pool:
        return [surprise for found in pool.map(act, range(HANDS)) for surprise in found]


def told(db: Db, place: Location) -> dict[str, dict[str, Any]]:
    """The memberships as the audit log tells them from the beginning, each change from the last."""
    known: dict[str, dict[str, Any]] = {}
    lines = db.execute(
        "select row_id, before, after from audit_log"
        " where table_name = 'location_members' and location_id = %s order by id",
        (place.id,),
    )
    for user, before, after in lines:
        row = known.setdefault(user, {})
        assert {name: row.get(name) for name in before or {}} == (before or {})
        row.update({name: after[name] for name in ("role", "is_active") if name in after})
    return known


def assert_true(db: Db, place: Location) -> None:
    members = "select user_id::text, role, is_active from location_members where location_id = %s"
    rows = db.execute(members.encode(), (place.id,)).fetchall()
    assert any(role == "owner" and active for _, role, active in rows), "nobody owns it"
    assert told(db, place) == {who: {"role": r, "is_active": a} for who, r, a in rows}
    for table, column, where in (("invites", "email", OPEN), ("api_keys", "rotated_to", "true")):
        query = f"select count({column}) - count(distinct {column}) from {table}"
        found = db.execute(f"{query} where location_id = %s and {where}".encode(), (place.id,))
        assert found.fetchone() == (0,), f"two of one {column}"


def test_a_thousand_moves(stack: Stack, db: Db, place: Location, folk: list[Person]) -> None:
    assert walk(stack, place, folk, 1000 // HANDS) == []
    assert_true(db, place)


@pytest.mark.soak
def test_fifty_thousand_moves(stack: Stack, db: Db, place: Location, folk: list[Person]) -> None:
    assert walk(stack, place, folk, 50_000 // HANDS) == []
    assert_true(db, place)
