from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from devstack.stack import Stack
from tests import people
from tests.messaging.send.office import Office, noon_zone, open_office
from tests.sandbox_driver import Sandbox
from tests.worker import as_worker


@pytest.fixture(scope="package")
def vendor() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(vendor: Sandbox) -> Sandbox:
    """As at its start, with all the time in the world."""
    vendor.clear_faults()
    vendor.behave(sent_after_s=60, delivered_after_s=60, requests_per_s=0)
    return vendor


@pytest.fixture(scope="module")
def worker(stack: Stack, vendor: Sandbox) -> Iterator[None]:
    """This process is a worker who speaks with the sandbox."""
    with as_worker(stack.env, OPENPHONE_API_URL=vendor.url, OPENPHONE_API_KEY=vendor.key):
        yield


@pytest.fixture
def make_office(stack: Stack, sandbox: Sandbox, worker: None) -> Iterator[Callable[[], Office]]:
    """At a location of its own, where it is noon. What others left waiting is out of the way."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
        db.execute("update phone_numbers set paused_at = now() where paused_at is null")
        db.execute("update outbound set state = 'cancelled' where state = 'queued'")
        db.execute("update outbound set next_poll_at = null where next_poll_at is not null")

        def make() -> Office:
            place = people.make_location(db, stack.env, timezone=noon_zone())
            return open_office(db, place, sandbox)

        yield make


@pytest.fixture
def office(make_office: Callable[[], Office]) -> Office:
    return make_office()
