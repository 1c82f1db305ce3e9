"""An office that texts: the vendor's stand-in and the programs of the Procfile, with their logs."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row
from redis import Redis

from app import workforce
from devstack.processes import wait_until
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.people import Location
from tests.sandbox_driver import Sandbox

SOON_S = 30.0


def a_number() -> str:
    return f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"


@dataclass
class Office:
    stack: Stack
    db: psycopg.Connection[Any]
    team: Location
    vendor: Sandbox
    number: str

    def rows(self, table: str, condition: str = "true") -> list[dict[str, Any]]:
        query = f"select * from {table} where location_id = %s and {condition}"
        with self.db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), (self.team.id,)).fetchall()

    def wait(self, table: str, condition: str = "true") -> dict[str, Any]:
        """The one row, as soon as it is there."""
        assert wait_until(lambda: bool(self.rows(table, condition)), SOON_S), (table, condition)
        (row,) = self.rows(table, condition)
        return row

    def checked(self, customer: str) -> None:
        """The number is known to be a mobile."""
        self.db.execute(
            "insert into phone_validations (location_id, phone, status, is_valid, line_type,"
            " checked_at, valid_until) values (%s, %s, 'checked', true, 'mobile', now(),"
            " now() + interval '30 days')",
            (self.team.id, customer),
        )

    def write(self, customer: str, text: str) -> httpx.Response:
        """As the owner, from the inbox."""
        body = {"p_id": str(uuid.uuid4()), "p_location": self.team.id}
        body |= {"p_phone": customer, "p_body": text}
        return httpx.post(
            f"{self.stack.env['SUPABASE_URL']}/rest/v1/rpc/queue_message",
            json=body,
            headers=self.team.owner.bearer | {"apikey": self.stack.env["SUPABASE_ANON_KEY"]},
        )


@contextmanager
def open_office(
    stack: Stack, db: psycopg.Connection[Any], redis: Redis, folder: Path, *workers: str
) -> Iterator[Office]:
    """`workers` as in the Procfile, beside sandbox and web; logs are `<name>.log` in the folder."""
    redis.flushall()
    team = people.make_location(db, stack.env, name="Westcliff")
    programs = ("sandbox", "web", *workers)
    running = {name: Worker(stack, folder / f"{name}.log", name) for name in programs}
    try:
        for name in ("sandbox", "web"):
            running[name].wait_ready()
        # The first of them opens the inbox, without which a webhook comes again minutes later.
        queues = [name.removeprefix("worker-") for name in workers]
        assert wait_until(lambda: all(workforce.presence(redis)[q].alive for q in queues), 60)
        vendor = Sandbox(stack.env["SANDBOX_URL"], stack.env)
        number, vendors_id = a_number(), f"PN{secrets.token_hex(8)}"
        with vendor.http:
            vendor.at_once()
            vendor.add_number(number, vendors_id)
            db.execute(
                "insert into phone_numbers (location_id, e164, openphone_id) values (%s, %s, %s)",
                (team.id, number, vendors_id),
            )
            yield Office(stack, db, team, vendor, number)
    finally:
        with ThreadPoolExecutor(len(running)) as pool:
            list(pool.map(Worker.stop, running.values()))
