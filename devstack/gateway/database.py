"""One pool as superuser; every request acts inside a transaction under its caller's role."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from devstack.gateway.callers import Caller

Connection = psycopg.AsyncConnection[DictRow]
WAIT_S = 2.0


def is_down(error: psycopg.Error) -> bool:
    """No connection, a lost one, or none to be had: waiting helps. Not a statement that failed."""
    lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return lost and (error.sqlstate is None or error.sqlstate[:2] in ("08", "53", "57"))


class Database:
    def __init__(self, url: str) -> None:
        # A short reconnect_timeout makes the pool forget its back-off: the first request after
        # a restart of PostgreSQL connects at once.
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row},
            min_size=0,
            max_size=12,
            timeout=WAIT_S,
            reconnect_timeout=0.5,
            open=False,
            check=self._check,
            name="gateway",
        )

    async def open(self) -> None:
        await self._pool.open(wait=False)

    async def _check(self, connection: Connection) -> None:
        """Raises when it is lost. Its idle neighbours are then made anew, all at once: the pool
        itself would try one after the other, with growing pauses."""
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await self._pool.drain()
            raise

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Connection]:
        """A transaction as superuser; commits at the end, rolls back on any exception."""
        async with self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def acting_as(self, caller: Caller) -> AsyncIterator[Connection]:
        """A transaction in which policies see the caller, as PostgREST's do."""
        async with self._pool.connection() as connection:
            await become(connection, caller)
            yield connection


async def become(connection: Connection, caller: Caller) -> None:
    """Until the transaction ends. `Caller` only ever holds one of the three API roles."""
    await connection.execute(
        "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
        " set_config('search_path', 'public, extensions', true)",
        (caller.role, json.dumps(caller.claims)),
    )


async def fetch_one(connection: Connection, query: str, values: Any = ()) -> dict[str, Any] | None:
    return await (await connection.execute(query, values)).fetchone()


async def fetch_row(connection: Connection, query: str, values: Any = ()) -> dict[str, Any]:
    """For a query that always has a row, such as an insert that returns one."""
    row = await fetch_one(connection, query, values)
    if row is None:
        raise LookupError(f"no row from: {query}")
    return row


async def fetch_all(connection: Connection, query: str, values: Any = ()) -> list[dict[str, Any]]:
    return await (await connection.execute(query, values)).fetchall()
