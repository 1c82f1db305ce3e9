from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from tests import people
from tests.messaging.push.book import Book, open_book
from tests.messaging.vendor_line import Line, open_line

Db = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Iterator[Line]:
    with open_line(stack) as line:
        yield line


@pytest.fixture
def book(opened: Line, db: Db, make_location: Callable[..., people.Location]) -> Book:
    opened.sandbox.reset()
    opened.sandbox.at_once()
    return open_book(db, make_location(), opened)
