"""Rows of realtime.messages to their subscribers: NOTIFY brings ids, the rows are read here."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg
from psycopg.rows import dict_row

from devstack.gateway.realtime_hub import Hub, broadcast

CHANNEL = "devstack_realtime"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
BATCH = 500
LOG = logging.getLogger("gateway.realtime")
READ = (
    "select id::text, topic, event, payload, private from realtime.messages"
    " where id = any(%s::uuid[])"
)
# The real server drops its partitions after three days.
PRUNE = "delete from realtime.messages where inserted_at < now() - interval '3 days'"


async def follow_messages(url: str, hub: Hub) -> None:
    """Runs until it is cancelled; a restart of PostgreSQL only interrupts it."""
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, row_factory=dict_row
            )
            pause_s = FIRST_PAUSE_S
            async with connection:
                await connection.execute(f"listen {CHANNEL}")
                await connection.execute(PRUNE)
                await _deliver(connection, hub)
        except psycopg.Error as error:
            LOG.info("not listening: %s", str(error).strip())
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _deliver(connection: psycopg.AsyncConnection[dict[str, Any]], hub: Hub) -> None:
    while True:
        ids = [notice.payload async for notice in connection.notifies(timeout=60, stop_after=1)]
        # What waits already comes along, so that a burst is one read.
        ids += [notice.payload async for notice in connection.notifies(timeout=0, stop_after=BATCH)]
        for start in range(0, len(ids), BATCH):
            await _publish(connection, hub, ids[start : start + BATCH])


async def _publish(
    connection: psycopg.AsyncConnection[dict[str, Any]], hub: Hub, ids: list[str]
) -> None:
    rows = await (await connection.execute(READ, (ids,))).fetchall()
    by_id = {row["id"]: row for row in rows}
    for row in (by_id[message_id] for message_id in ids if message_id in by_id):
        payload = broadcast(row["event"], row["payload"], row["id"])
        hub.publish(row["topic"], row["private"], payload)
