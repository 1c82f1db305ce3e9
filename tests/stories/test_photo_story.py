"""A customer texts photos: from the vendor's webhook to the thread on somebody's screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.stack import Stack
from supabase import AsyncClient
from tests.browser import signed_in
from tests.stories.texting import Office, a_number, open_office

SOON_S = 60.0
Row = dict[str, Any]
SHOWN = (
    "position, status, mime, bytes, width, height, storage_path, jpeg_path, thumb_path,"
    " messages(body)"
)
FILES = [
    {"kind": "heic", "width": 800, "height": 600, "orientation": 1},
    {"kind": "jpeg", "width": 1200, "height": 900, "orientation": 6},
]


@pytest.fixture
def office(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Office]:
    """All that a photo passes through."""
    workers = ("worker-webhooks", "worker-media")
    with open_office(stack, db, redis_conn, tmp_path, *workers) as found:
        yield found


async def listen(client: AsyncClient, location: str) -> asyncio.Queue[Row]:
    """What is told of pictures on the location's channel."""
    heard: asyncio.Queue[Row] = asyncio.Queue()
    joined = asyncio.Event()
    config = {"private": True, "broadcast": {}, "presence": {"key": "", "enabled": False}}
    channel = client.channel(f"location:{location}", {"config": config})  # type: ignore[typeddict-item]
    channel.on_broadcast("media.updated", lambda told: heard.put_nowait(told["payload"]))
    await channel.subscribe(lambda *_: joined.set())
    await asyncio.wait_for(joined.wait(), SOON_S)
    return heard


async def photos_arrive(office: Office) -> list[Row]:
    """Rows as the owner's browser has them, with the bytes of the original and the thumbnail."""
    async with signed_in(office.stack.env, office.team.owner) as client:
        heard = await listen(client, office.team.id)
        await asyncio.to_thread(
            office.vendor.customer_texts, a_number(), "The wall", to=office.number, media=FILES
        )
        ids: set[str] = set()
        while len(ids) < len(FILES):
            ids |= set((await asyncio.wait_for(heard.get(), SOON_S))["ids"])
        found = await client.table("media").select(SHOWN).in_("id", list(ids)).execute()
        bucket = client.storage.from_("media")
        for row in found.data:
            for name in ("storage_path", "thumb_path"):
                signed = await bucket.create_signed_url(row[name], 60)
                row[name] = httpx.get(str(signed["signedUrl"])).content
        return sorted(found.data, key=lambda row: int(row["position"]))


def test_photos_are_seen_as_they_come(office: Office) -> None:
    heic, jpeg = asyncio.run(photos_arrive(office))
    assert {row["status"] for row in (heic, jpeg)} == {"stored"}
    assert heic["messages"]["body"] == jpeg["messages"]["body"] == "The wall"
    assert (heic["mime"], heic["width"], bool(heic["jpeg_path"])) == ("image/heic", 800, True)
    assert (jpeg["mime"], jpeg["width"], jpeg["height"]) == ("image/jpeg", 900, 1200)
    for row in (heic, jpeg):
        assert len(row["storage_path"]) == row["bytes"]
        assert row["thumb_path"][:3] == b"\xff\xd8\xff"
