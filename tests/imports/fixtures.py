"""Fixtures for tests that import; a conftest takes them from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from devstack.stack import Stack
from tests import people
from tests.imports.desk import Desk, open_client, open_db
from tests.worker import as_worker


@pytest.fixture(scope="module")
def flask_client(stack: Stack) -> Iterator[FlaskClient]:
    with open_client(stack.env) as client:
        yield client


@pytest.fixture(scope="module")
def worker(stack: Stack) -> Iterator[None]:
    """This process, with a worker's environment and clients of its own."""
    with as_worker(stack.env):
        yield


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
