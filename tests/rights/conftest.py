"""One world for all cells: made once, tried many times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from devstack.stack import Stack
from tests.rights import catalog, statement
from tests.rights.cells import Cells
from tests.rights.records import RECORDS
from tests.rights.rows import Rows
from tests.rights.statement import Line
from tests.rights.trial import Trial
from tests.rights.world import Maker, World


@pytest.fixture(scope="session")
def rights_db(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def maker(rights_db: psycopg.Connection[Any], stack: Stack) -> Maker:
    return Maker(rights_db, stack.env)


@pytest.fixture(scope="session")
def world(maker: Maker) -> World:
    return maker.world()


@pytest.fixture(scope="session")
def rest(stack: Stack) -> Iterator[httpx.Client]:
    """PostgREST through the gateway; who asks is said by each request."""
    with httpx.Client(base_url=f"{stack.env['SUPABASE_URL']}/rest/v1", timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def rows(rights_db: psycopg.Connection[Any]) -> Rows:
    return Rows(rights_db, catalog.columns(rights_db), RECORDS)


@pytest.fixture(scope="session")
def trial(stack: Stack, rows: Rows) -> Iterator[Trial]:
    """Of PostgREST itself: the gateway decides nothing, and 14,000 questions are many."""
    with httpx.Client(base_url=stack.env["POSTGREST_URL"], timeout=30) as client:
        yield Trial(client, rows)


@pytest.fixture(scope="session")
def lines() -> list[Line]:
    return statement.read()


@pytest.fixture(scope="session")
def cells(trial: Trial, world: World) -> Cells:
    return Cells(trial, world)
