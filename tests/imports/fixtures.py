"""Fixtures for tests that import; a conftest takes them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from devstack.stack import Stack
from edge_jobs import runtime
from tests import people
from tests.imports.desk import Desk, open_client, open_db

WORKER_SETTINGS = (
    "SUPABASE_URL",
    "SUPABASE_SERVICE_ROLE_KEY",
    "REDIS_URL",
    "SITE_URL",
    "WEBHOOK_INBOX_KEY",
)


@pytest.fixture(scope="module")
def flask_client(stack: Stack) -> Iterator[FlaskClient]:
    with open_client(stack.env) as client:
        yield client


@pytest.fixture(scope="module")
def worker(stack: Stack) -> Iterator[None]:
    """This process, with a worker's environment and clients of its own."""
    runtime._built.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for name in WORKER_SETTINGS:
            patch.setenv(name, stack.env[name])
        yield
        runtime.http().close()
        runtime.redis().close()
    runtime._built.cache_clear()


@pytest.fixture
def make_desk(
    stack: Stack, flask_client: FlaskClient, worker: None
) -> Iterator[Callable[[], Desk]]:
    """A desk at a location of its own, each time."""
    with open_db(stack.env) as db:
        yield lambda: Desk(stack.env, flask_client, db, people.make_location(db, stack.env))


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()
