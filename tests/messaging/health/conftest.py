from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from tests import people
from tests.messaging.vendor_line import Line, open_line
from tests.sandbox_driver import MAIN_NUMBER

Db = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Iterator[Line]:
    with open_line(stack) as line:
        yield line


@pytest.fixture
def line(opened: Line) -> Line:
    opened.sandbox.reset()
    opened.sandbox.at_once()
    return opened


def night_zone() -> str:
    """A zone in which it is two at night: no test sees the next slot begin."""
    ahead = 2 - datetime.now(UTC).hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.fixture
def place(stack: Stack, db: Db, line: Line) -> Iterator[people.Location]:
    """The only location with numbers of ours, for the time of a test: the sandbox's own."""
    made = people.make_location(db, stack.env, timezone=night_zone())
    others = db.execute(
        "with x as (update phone_numbers set is_active = false where is_active returning id)"
        " select coalesce(array_agg(id), '{}') from x"
    ).fetchone()
    assert others is not None
    held = db.execute(
        "select id, e164, openphone_id from phone_numbers where e164 in (%s, %s)",
        (MAIN_NUMBER, line.sandbox.env["OPENPHONE_HEALTH_NUMBER"]),
    ).fetchall()
    for number, *_ in held:
        _move_away(db, number)
    db.execute(
        "update outbound set not_before = 'infinity' where state = 'queued' and not_before is null"
    )
    db.execute(
        "insert into phone_numbers (location_id, e164) values (%s, %s)", (made.id, MAIN_NUMBER)
    )
    yield made
    ours = db.execute("select id from phone_numbers where location_id = %s", (made.id,)).fetchall()
    for (number,) in ours:
        _move_away(db, number)
    db.execute("update phone_numbers set is_active = false where location_id = %s", (made.id,))
    for number, e164, openphone_id in held:
        db.execute(
            "update phone_numbers set e164 = %s, openphone_id = %s where id = %s",
            (e164, openphone_id, number),
        )
    db.execute("update phone_numbers set is_active = true where id = any (%s)", others)


def _move_away(db: Db, number: str) -> None:
    db.execute(
        "update phone_numbers set openphone_id = null,"
        " e164 = '+1999' || lpad((abs(hashtext(id::text)) %% 10000000)::text, 7, '0')"
        " where id = %s",
        (number,),
    )
