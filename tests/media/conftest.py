from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from app import logs
from devstack.stack import Stack
from tests.media.office import Office
from tests.media.shop import Shop, open_shop
from tests.people import Location
from tests.worker import workers


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture
def set_up(stack: Stack, shop: Shop) -> Iterator[Callable[..., None]]:
    """This process is a worker whose vendor is the shop; `set_up(NAME=value)` changes settings."""
    with workers(stack.env, OPENPHONE_API_URL=shop.url) as become:
        yield become
    # What this test captured is closed after it, and others log, too.
    logs.configure("info", sys.__stdout__)


@pytest.fixture
def office(
    db: psycopg.Connection[Any],
    make_location: Callable[..., Location],
    set_up: Callable[..., None],
) -> Office:
    set_up()
    return Office(db, make_location(timezone="America/New_York"))
