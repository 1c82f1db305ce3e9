from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from edge_jobs import vendors
from tests.people import Location
from tests.sandbox_driver import MAIN_NUMBER, Sandbox
from tests.worker import workers

AsWorker = Callable[..., None]


@pytest.fixture
def as_worker(stack: Stack) -> Iterator[AsWorker]:
    """This process is a worker with the vendors' settings given: `as_worker(NAME=value)`."""
    with workers(stack.env) as become:
        yield become


@pytest.fixture(scope="module")
def vendor() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(vendor: Sandbox, as_worker: AsWorker) -> Sandbox:
    """This process is a worker whose vendor has our number and one that checks."""
    vendor.reset()
    vendor.at_once()
    names = ("OPENPHONE_API_URL", "OPENPHONE_API_KEY", "OPENPHONE_HEALTH_NUMBER")
    as_worker(WEBHOOK_INBOX_KEY="k" * 32, **{name: vendor.env[name] for name in names})
    # Its own limit is what test_pace is about.
    pace = vendors.openphone().surface.turns
    pace.per_second = pace.reads_per_second = 1000  # type: ignore[attr-defined]
    return vendor


@pytest.fixture
def number() -> str:
    return f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"


@pytest.fixture
def desk(sandbox: Sandbox, number: str) -> Sandbox:
    """The vendor has `number`, too; it is not ours."""
    sandbox.add_number(number, "PNnew")
    return sandbox


@pytest.fixture
def place(
    make_location: Callable[..., Location], db: psycopg.Connection[Any], sandbox: Sandbox
) -> Iterator[Location]:
    """A location that has the sandbox's number for the time of a test."""
    made = make_location(timezone="America/New_York")
    held = db.execute(
        "update phone_numbers set e164 = '+1998' || (1000000 + (random() * 8999999)::int),"
        " openphone_id = null where e164 = %s returning id",
        (MAIN_NUMBER,),
    ).fetchone()
    db.execute(
        "insert into phone_numbers (location_id, e164, openphone_id) values (%s, %s, 'PNdemo01')",
        (made.id, MAIN_NUMBER),
    )
    db.commit()
    yield made
    db.rollback()
    db.execute(
        "update phone_numbers set e164 = '+1999' || (1000000 + (random() * 8999999)::int),"
        " openphone_id = null, is_active = false where location_id = %s",
        (made.id,),
    )
    if held:
        db.execute(
            "update phone_numbers set e164 = %s, openphone_id = 'PNdemo01' where id = %s",
            (MAIN_NUMBER, held[0]),
        )
    db.commit()
