"""An office that sends: a number the sandbox knows, customers to text, a worker to kill."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from edge_jobs.sends import free_sends, send_texts, settle_sends
from tests import people
from tests.sandbox_driver import Sandbox

Db = psycopg.Connection[Any]


def noon_zone() -> str:
    """A zone in which it is about noon: what is tested here does not depend on the hour."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@dataclass
class Office:
    db: Db
    place: people.Location
    sandbox: Sandbox
    number: str
    number_id: str
    _phones: Any = field(default_factory=lambda: itertools.count(1))

    def phone(self) -> str:
        """Of a new customer."""
        return f"{self.number[:-2]}{next(self._phones):02}"

    def text(self, phone: str | None = None, kind: str = "conversation", body: str = "") -> str:
        """Put in line. Returns its id."""
        made = self.value(
            "select (private.place_text(%s, %s, %s, array[%s], %s)).id",
            *(self.place.id, self.number_id, kind, phone or self.phone()),
            body or f"Text {secrets.token_hex(4)}",
        )
        return str(made)

    def state(self, outbound_id: str) -> str:
        return str(self.value("select state from outbound where id = %s", outbound_id))

    def both(self, outbound_id: str) -> tuple[str, str]:
        """The state in the ledger, and the status of the message."""
        row = self.db.execute(
            "select o.state, m.status from outbound o join messages m on m.id = o.message_id"
            " where o.id = %s",
            (outbound_id,),
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def used(self, kind: str = "conversation") -> int:
        query = "select coalesce(sum(used), 0) from number_days where phone_number_id = %s"
        return int(self.value(f"{query} and kind = %s", self.number_id, kind))

    def taken(self) -> Counter[str]:
        """How many texts the vendor really took from our number, by whom they went to."""
        return Counter(x["to"][0] for x in self.sandbox.ledger() if x["sender"] == self.number)

    def worker_dies(self) -> None:
        """The leases of the dead are over, and somebody sees it."""
        self.value(
            "with x as (update outbound set lease_until = clock_timestamp() - interval '1 s'"
            " where location_id = %s and state in ('reserved', 'dispatching') returning 1)"
            " select count(*) from x",
            self.place.id,
        )
        free_sends()

    def ask(self, times: int = 1) -> None:
        """The vendor is asked for what is in doubt, as often as that."""
        for _ in range(times):
            self.due()
            settle_sends()

    def due(self) -> None:
        """What is in doubt may be asked for now."""
        self.value(
            "with x as (update outbound set next_poll_at = clock_timestamp()"
            " where location_id = %s and next_poll_at is not null returning 1)"
            " select count(*) from x",
            self.place.id,
        )

    def value(self, query: str, *values: Any) -> Any:
        row = self.db.execute(query.encode(), values).fetchone()
        return row and row[0]


def open_office(db: Db, place: people.Location, sandbox: Sandbox) -> Office:
    """Nobody is asked to check numbers here, and no other test has this one."""
    number = f"+1617{secrets.randbelow(80_000) + 20_000}00"
    db.execute(
        "insert into settings (location_id, key, value) values (%s, 'require_number_check', %s)",
        (place.id, "false"),
    )
    row = db.execute(
        "insert into phone_numbers (location_id, e164) values (%s, %s) returning id",
        (place.id, number),
    ).fetchone()
    assert row is not None
    sandbox.add_number(number)
    return Office(db, place, sandbox, number, str(row[0]))


class Fork:
    """A worker in a process of its own, for as long as nobody kills it."""

    def __init__(self, draining_s: float = 60.0) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                send_texts(draining_s)
                code = 0
            finally:
                os._exit(code)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        os.waitpid(self.pid, 0)
