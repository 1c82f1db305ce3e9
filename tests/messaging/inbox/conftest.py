from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from devstack.stack import Stack
from tests.messaging.inbox.office import Office, make_office


@pytest.fixture
def office(db: psycopg.Connection[Any], stack: Stack) -> Iterator[Office]:
    with httpx.Client(timeout=30) as connections:
        yield make_office(db, stack.env, connections)
