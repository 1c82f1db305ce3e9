from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from app import logs
from devstack.stack import Stack
from edge_jobs import runtime, vendors
from tests.media.office import Office
from tests.media.shop import Shop, open_shop
from tests.people import Location

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture
def set_up(
    stack: Stack, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """This process is a worker whose vendor is the shop; `set_up(NAME=value)` changes settings."""

    def made(**settings: str) -> None:
        close()
        known = {name: stack.env[name] for name in SETTINGS}
        known |= {"SITE_URL": "http://crm.test", "OPENPHONE_API_URL": shop.url, **settings}
        for name, value in known.items():
            monkeypatch.setenv(name, value)
        # Now, for it sets where logs go: what a test captures is closed after it.
        runtime.runtime()

    yield made
    close()
    # What this test captured is closed after it, and others log, too.
    logs.configure("info", sys.__stdout__)


def close() -> None:
    if runtime._built.cache_info().currsize:
        runtime.http().close()
        runtime.redis().close()
    runtime._built.cache_clear()
    vendors._openphone.cache_clear()


@pytest.fixture
def office(
    db: psycopg.Connection[Any],
    make_location: Callable[..., Location],
    set_up: Callable[..., None],
) -> Office:
    set_up()
    return Office(db, make_location(timezone="America/New_York"))
