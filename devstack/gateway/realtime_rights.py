"""What the policies on realtime.messages let a caller do with a private topic."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from devstack.gateway.callers import Caller
from devstack.gateway.database import Connection, Database, become, fetch_all

EXTENSIONS = ("broadcast", "presence")
INSERT = "insert into realtime.messages (topic, extension, private) values (%s, %s, true)"


@dataclass(frozen=True)
class Rights:
    read: frozenset[str]
    """Extensions: `broadcast`, `presence`."""
    write: frozenset[str]


async def rights_of(database: Database, caller: Caller, topic: str) -> Rights:
    """Tried on rows that are taken back, as the real server does."""
    async with database.admin() as connection, connection.transaction(force_rollback=True):
        rows = [
            await fetch_all(connection, f"{INSERT} returning id", (topic, extension))
            for extension in EXTENSIONS
        ]
        ids = [row[0]["id"] for row in rows]
        await become(connection, caller)
        await connection.execute("select set_config('realtime.topic', %s, true)", (topic,))
        seen = await fetch_all(
            connection, "select extension from realtime.messages where id = any(%s)", (ids,)
        )
        write = [
            extension for extension in EXTENSIONS if await _may_insert(connection, topic, extension)
        ]
    return Rights(frozenset(row["extension"] for row in seen), frozenset(write))


async def _may_insert(connection: Connection, topic: str, extension: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(INSERT, (topic, extension))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
