"""Somebody who texts us: messages put down as the webhook job does, and their keyword taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests import people

Row = dict[str, Any]
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@dataclass
class Texter:
    """One customer's number; `minutes` are those after NOON."""

    db: psycopg.Connection[Any]
    place: people.Location
    number: str
    phone: str = field(default_factory=lambda: f"+1857{secrets.randbelow(8_000_000) + 2_000_000}")
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def put(self, body: str, minutes: float, name: str = "", others: tuple[str, ...] = ()) -> str:
        """The message's row, as DOMAIN's job makes it; its id."""
        with self.db.cursor() as cursor:
            cursor.execute(
                "insert into messages (location_id, conversation_id, phone_number_id, contact_id,"
                " external_id, direction, body, from_phone, to_phone, to_phones, status, source,"
                " occurred_at, sent_at) select location_id, private.conversation_for(location_id,"
                " id, %(phones)s), id, private.contact_for_phone(location_id, %(phone)s),"
                " %(name)s, 'incoming', %(body)s, %(phone)s, e164, array[e164], 'received',"
                " 'vendor', %(at)s, %(at)s from phone_numbers where id = %(number)s returning id",
                {
                    "phones": [self.phone, *others],
                    "phone": self.phone,
                    "name": f"AC{self.mark}{name or secrets.token_hex(4)}",
                    "body": body,
                    "at": at(minutes),
                    "number": self.number,
                },
            )
            row = cursor.fetchone()
        assert row is not None
        return str(row[0])

    def take(self, message: str, minutes: float, *, quiet: bool = False) -> str:
        row = self.db.execute(
            "select private.take_keyword(%s, %s, %s)", (message, quiet, at(minutes))
        ).fetchone()
        assert row is not None
        return str(row[0])

    def says(self, body: str, minutes: float = 0, **more: Any) -> str:
        """It comes in at once; what came of it."""
        return self.take(self.put(body, minutes, **more), minutes)

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self.db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), values).fetchall()

    def out(self) -> list[tuple[Any, ...]]:
        """(opted out, revoked, method, keyword), in minutes after NOON."""
        rows = self.rows(
            "select * from opt_outs where phone = %s order by opted_out_at, revoked_at, keyword",
            self.phone,
        )
        return [
            (
                _minutes(row["opted_out_at"]),
                _minutes(row["revoked_at"]),
                row["method"],
                row["keyword"],
            )
            for row in rows
        ]

    def history(self) -> list[tuple[Any, ...]]:
        rows = self.rows(
            "select * from opt_out_events where phone = %s order by at, event, keyword, reason",
            self.phone,
        )
        return [(row["event"], _minutes(row["at"]), row["keyword"]) for row in rows]

    def answers(self) -> list[str]:
        rows = self.rows(
            "select body from outbound where to_phones = array[%s] and kind = 'confirmation'"
            " order by queued_at",
            self.phone,
        )
        return [row["body"] for row in rows]

    def holds(self) -> list[Row]:
        return self.rows("select * from send_holds where phone = %s", self.phone)


def _minutes(instant: datetime | None) -> float | None:
    return None if instant is None else (instant - NOON).total_seconds() / 60


@pytest.fixture
def texter(
    db: psycopg.Connection[Any], make_location: Callable[..., people.Location]
) -> Callable[..., Texter]:
    """`texter()` at a location of its own, `texter(of=other)` another customer there."""

    def make(of: Texter | None = None) -> Texter:
        if of:
            return Texter(db, of.place, of.number)
        place = make_location(name="Example Foundations")
        row = db.execute(
            "insert into phone_numbers (location_id, e164) values (%s, %s) returning id",
            (place.id, f"+1508{secrets.randbelow(8_000_000) + 2_000_000}"),
        ).fetchone()
        assert row is not None
        return Texter(db, place, str(row[0]))

    return make
