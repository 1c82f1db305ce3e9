"""The stack tests run on, connections to it, and fresh locations."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import redis

from devstack.stack import Stack
from devstack.testrun import SERVICES, stack_of
from tests import people


def pytest_configure(config: pytest.Config) -> None:
    """Each of several processes has a stack of its own, so nobody sees what another writes."""
    process = os.environ.get("PYTEST_XDIST_WORKER")
    if process:
        os.environ["STACK_NAME"] = stack_of(process)
    # Stacks speak in the clear: reading the world's authorities for each httpx client took a
    # quarter of the time.
    os.environ |= {"SSL_CERT_FILE": "", "SSL_CERT_DIR": os.devnull}


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack `make test` has started (STACK_NAME), or one of our own, gone afterwards."""
    found = Stack(os.environ.get("STACK_NAME", "test"))
    if found.supervisor_pid() and all(found.pid(service) for service in SERVICES):
        yield found
        return
    try:
        found.up(only=SERVICES)
        yield found
    finally:
        found.down(destroy=True)


@pytest.fixture
def db(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    """As `postgres`, each statement committed at once."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin_db(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    """As the superuser, for what a hosted project's owner may not do."""
    with psycopg.connect(stack.env["ADMIN_DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def redis_conn(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as connection:
        yield connection


@pytest.fixture
def make_location(db: psycopg.Connection[Any], stack: Stack) -> Callable[..., people.Location]:
    """`make_location(name=…, timezone=…)`: owner, admin, marketer, technician, with tokens."""

    def make(**details: str) -> people.Location:
        return people.make_location(db, stack.env, **details)

    return make


@pytest.fixture
def make_person(db: psycopg.Connection[Any], stack: Stack) -> Callable[..., people.Person]:
    """`make_person({location.id: "marketer", other.id: "owner"})`, or `{}` for a stranger."""

    def make(memberships: dict[str, str]) -> people.Person:
        return people.make_person(db, stack.env, memberships)

    return make
