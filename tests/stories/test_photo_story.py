"""A customer texts photos: from the vendor's webhook to the thread on somebody's screen."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from app import workforce
from devstack.processes import wait_until
from devstack.stack import Stack
from supabase import AsyncClient
from tests import people
from tests.browser import signed_in
from tests.faults.workers import Worker
from tests.people import Location
from tests.sandbox_driver import Sandbox

SOON_S = 60.0
PROGRAMS = ("sandbox", "web", "worker-webhooks", "worker-media")
Row = dict[str, Any]
SHOWN = (
    "position, status, mime, bytes, width, height, storage_path, jpeg_path, thumb_path,"
    " messages(body)"
)
FILES = [
    {"kind": "heic", "width": 800, "height": 600, "orientation": 1},
    {"kind": "jpeg", "width": 1200, "height": 900, "orientation": 6},
]


def a_number() -> str:
    return f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"


@pytest.fixture
def team(db: psycopg.Connection[Any], stack: Stack, redis_conn: redis.Redis) -> Location:
    redis_conn.flushall()
    return people.make_location(db, stack.env, name="Westcliff")


@pytest.fixture
def vendor(
    stack: Stack, team: Location, redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Sandbox]:
    """The vendor's stand-in, and all of ours that a photo passes through, as the Procfile says."""
    programs = {name: Worker(stack, tmp_path / f"{name}.log", name) for name in PROGRAMS}
    try:
        for name in ("sandbox", "web"):
            programs[name].wait_ready()
        # The first of them opens the inbox, without which a webhook comes again minutes later.
        queues = ("webhooks", "media")
        assert wait_until(lambda: all(workforce.presence(redis_conn)[q].alive for q in queues), 60)
        sandbox = Sandbox(stack.env["SANDBOX_URL"], stack.env)
        with sandbox.http:
            yield sandbox
    finally:
        for program in reversed(programs.values()):
            program.stop()


@pytest.fixture
def number(db: psycopg.Connection[Any], team: Location, vendor: Sandbox) -> str:
    """The team's number at the vendor's."""
    ours, vendors_id = a_number(), f"PN{secrets.token_hex(8)}"
    vendor.add_number(ours, vendors_id)
    db.execute(
        "insert into phone_numbers (location_id, e164, openphone_id) values (%s, %s, %s)",
        (team.id, ours, vendors_id),
    )
    return ours


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


async def photos_arrive(stack: Stack, team: Location, vendor: Sandbox, number: str) -> list[Row]:
    """Rows as the owner's browser has them, with the bytes of the original and the thumbnail."""
    async with signed_in(stack.env, team.owner) as client:
        heard = await listen(client, team.id)
        await asyncio.to_thread(
            vendor.customer_texts, a_number(), "The wall", to=number, media=FILES
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


def test_photos_are_seen_as_they_come(
    stack: Stack, team: Location, vendor: Sandbox, number: str
) -> None:
    heic, jpeg = asyncio.run(photos_arrive(stack, team, vendor, number))
    assert {row["status"] for row in (heic, jpeg)} == {"stored"}
    assert heic["messages"]["body"] == jpeg["messages"]["body"] == "The wall"
    assert (heic["mime"], heic["width"], bool(heic["jpeg_path"])) == ("image/heic", 800, True)
    assert (jpeg["mime"], jpeg["width"], jpeg["height"]) == ("image/jpeg", 900, 1200)
    for row in (heic, jpeg):
        assert len(row["storage_path"]) == row["bytes"]
        assert row["thumb_path"][:3] == b"\xff\xd8\xff"
