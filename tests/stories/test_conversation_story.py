"""A conversation by text on the real stack: the vendor's stand-in, web, the webhooks' worker."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from psycopg.rows import dict_row

from devstack.processes import wait_until
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.people import Location
from tests.sandbox_driver import Sandbox

SOON_S = 30.0
PROGRAMS = ("sandbox", "web", "worker-webhooks")


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

    def write(self, customer: str, text: str) -> httpx.Response:
        """As the owner, from the inbox."""
        body = {"p_id": str(uuid.uuid4()), "p_location": self.team.id}
        body |= {"p_phone": customer, "p_body": text}
        return httpx.post(
            f"{self.stack.env['SUPABASE_URL']}/rest/v1/rpc/queue_message",
            json=body,
            headers=self.team.owner.bearer | {"apikey": self.stack.env["SUPABASE_ANON_KEY"]},
        )


@pytest.fixture
def office(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Office]:
    redis_conn.flushall()
    team = people.make_location(db, stack.env, name="Westcliff")
    programs = {name: Worker(stack, tmp_path / f"{name}.log", name) for name in PROGRAMS}
    try:
        for name in ("sandbox", "web"):
            programs[name].wait_ready()
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
        for program in reversed(programs.values()):
            program.stop()


def test_stop_in_the_middle_and_a_text_from_the_vendors_own_app(office: Office) -> None:
    customer = a_number()
    office.db.execute(
        "insert into phone_validations (location_id, phone, status, is_valid, line_type,"
        " checked_at, valid_until) values (%s, %s, 'checked', true, 'mobile', now(),"
        " now() + interval '30 days')",
        (office.team.id, customer),
    )
    office.vendor.customer_texts(customer, "Can you look at my wall?", to=office.number)
    talk = office.wait("conversations", "needs_reply")
    assert talk["participants"] == [customer]

    office.vendor.app_texts(customer, "Yes, on Monday.", sender=office.number)
    mine = office.wait("messages", "direction = 'outgoing' and status = 'delivered'")
    assert (mine["body"], mine["source"]) == ("Yes, on Monday.", "vendor")
    office.wait("conversations", "not needs_reply and has_replied")

    allowed = office.write(customer, "Does nine o'clock suit you?")
    assert allowed.status_code == 200, allowed.text
    office.wait("outbound", "state = 'queued'")

    office.vendor.customer_texts(customer, "STOP", to=office.number)
    out = office.wait("opt_outs")
    assert (out["phone"], out["keyword"]) == (customer, "STOP")
    (queued,) = office.rows("outbound", "kind = 'conversation'")
    assert queued["state"] == "cancelled", "what was waiting does not go out any more"
    refused = office.write(customer, "One more thing")
    assert (refused.status_code, refused.json()["message"]) == (422, "opted_out"), refused.text

    office.vendor.idle()
    # The vendor's own answer to STOP is there too, as no word of anybody's.
    said = [row["body"] for row in office.rows("messages", "source = 'vendor' and not is_system")]
    assert sorted(said) == ["Can you look at my wall?", "STOP", "Yes, on Monday."]
