from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from devstack.stack import Stack
from edge_jobs import vendors
from tests.sandbox_driver import Sandbox
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
def number() -> str:
    return f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"


@pytest.fixture
def desk(vendor: Sandbox, as_worker: AsWorker, number: str) -> Sandbox:
    """This process is a worker whose vendor has our number, one that checks, and `number`."""
    vendor.reset()
    vendor.at_once()
    vendor.add_number(number, "PNnew")
    names = ("OPENPHONE_API_URL", "OPENPHONE_API_KEY", "OPENPHONE_HEALTH_NUMBER")
    as_worker(WEBHOOK_INBOX_KEY="k" * 32, **{name: vendor.env[name] for name in names})
    # Its own limit is what test_pace is about.
    pace = vendors.openphone().surface.turns
    pace.per_second = pace.reads_per_second = 1000  # type: ignore[attr-defined]
    return vendor
