from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from devstack.stack import Stack
from edge_jobs import runtime, vendors
from tests import people
from tests.messaging.send.office import Office, noon_zone, open_office
from tests.sandbox_driver import Sandbox

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL")


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
    runtime._built.cache_clear()
    vendors._openphone.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.setenv(name, stack.env[name])
        patch.setenv("SITE_URL", "http://crm.test")
        patch.setenv("WEBHOOK_INBOX_KEY", stack.env["WEBHOOK_INBOX_KEY"])
        for name in ("OPENPHONE_API_URL", "OPENPHONE_API_KEY"):
            patch.setenv(name, vendor.env[name])
        yield
        runtime.http().close()
        runtime.redis().close()
    runtime._built.cache_clear()
    vendors._openphone.cache_clear()


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
