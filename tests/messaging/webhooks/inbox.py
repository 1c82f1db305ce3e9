"""An office whose webhooks come in: put there as the route would, taken in by the job itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from edge_jobs.webhooks import apply_webhooks
from tests import people
from tests.messaging.webhooks.told import DATED, Office, Teller, Told

Row = dict[str, Any]


@dataclass
class Inbox:
    db: psycopg.Connection[Any]
    place: people.Location
    office: Office
    tell: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.tell = Teller(self.office)

    def phone(self, nth: int = 1) -> str:
        """Of a customer: known to nobody else's test."""
        return f"{self.office.number[:-2]}{nth:02}"

    def put(self, *told: Told, scheme: str = DATED) -> None:
        self.put_bodies((t.delivery_id(scheme), scheme, t.type, t.body(scheme)) for t in told)

    def put_bodies(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """(event id, scheme, type, body); what is there already stays."""
        with self.db.cursor() as cursor:
            cursor.executemany(
                "insert into private.webhook_events (provider, event_id, scheme, type, body)"
                " values ('openphone', %s, %s, %s, %s) on conflict do nothing",
                list(rows),
            )

    def take_in(self, *told: Told, scheme: str = DATED) -> None:
        self.put(*told, scheme=scheme)
        apply_webhooks()

    def event(self, told: Told, scheme: str = DATED) -> Row:
        query = "select * from private.webhook_events where event_id = %s"
        return self.row(query, told.delivery_id(scheme))

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self.db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), values).fetchall()

    def row(self, query: str, *values: Any) -> Row:
        (found,) = self.rows(query, *values)
        return found

    def all(self, table: str) -> list[Row]:
        query = f"select * from {table} where location_id = %s"  # noqa: S608
        return self.rows(query, self.place.id)

    def one(self, table: str) -> Row:
        (found,) = self.all(table)
        return found

    def later(self) -> None:
        """All that waits is due now, but what a dead worker's last statement still has in hand:
        to wait for some of it while holding the rest would be a deadlock."""
        self.rows_changed(
            "update private.webhook_events set next_try_at = now() where id in (select id"
            " from private.webhook_events where status in ('received', 'parked')"
            " for update skip locked)"
        )

    def rows_changed(self, query: str, *values: Any) -> int:
        return self.db.execute(query.encode(), values).rowcount


def new_office(db: psycopg.Connection[Any], place: people.Location) -> Office:
    """A number no other test has, and 99 customers beside it."""
    while True:
        mark = secrets.token_hex(4)
        office = Office(f"+1555{secrets.randbelow(100_000):05}00", f"PN{mark}", mark)
        made = db.execute(
            "insert into phone_numbers (location_id, e164, openphone_id, label)"
            " values (%s, %s, %s, 'Office') on conflict do nothing",
            (place.id, office.number, office.number_id),
        )
        if made.rowcount:
            return office


@contextmanager
def open_db(env: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as db:
        yield db


def make_inbox(db: psycopg.Connection[Any], env: Mapping[str, str]) -> Inbox:
    place = people.make_location(db, env)
    return Inbox(db, place, new_office(db, place))
