"""From a file in the owner's hand to people on his screen, through the doors a browser uses."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.stack import Stack
from supabase import AsyncClient
from tests import people
from tests.browser import bearer_of, signed_in
from tests.faults.workers import Worker
from tests.imports.sheets import GOLDEN, SAMPLE
from tests.people import Location

SOON_S = 20.0
Row = dict[str, Any]


@pytest.fixture
def team(db: psycopg.Connection[Any], stack: Stack, redis_conn: redis.Redis) -> Location:
    """… and nobody else's import in the queue before this one."""
    redis_conn.flushall()
    return people.make_location(db, stack.env, name="Westcliff")


@pytest.fixture
def web(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """gunicorn, by the Procfile's line. Its address."""
    program = Worker(stack, tmp_path / "web.log", "web")
    program.wait_ready()
    yield f"http://127.0.0.1:{stack.env['WEB_PORT']}"
    program.stop()


def upload(web: str, headers: Row) -> httpx.Response:
    with SAMPLE.open("rb") as file:
        return httpx.post(
            f"{web}/api/v1/imports",
            headers=headers,
            data={"list_name": "Autumn"},
            files={"file": (SAMPLE.name, file, "text/csv")},
        )


async def listen(client: AsyncClient, import_id: str) -> tuple[asyncio.Queue[Row], str]:
    """Joins the import's channel. Returns what will be heard there, and how joining ended."""
    heard: asyncio.Queue[Row] = asyncio.Queue()
    states: asyncio.Queue[str] = asyncio.Queue()
    config = {"private": True, "broadcast": {}, "presence": {"key": "", "enabled": False}}
    channel = client.channel(f"import:{import_id}", {"config": config})  # type: ignore[typeddict-item]
    channel.on_broadcast("import.progress", lambda told: heard.put_nowait(told["payload"]))
    await channel.subscribe(lambda state, _: states.put_nowait(state.value))
    return heard, await asyncio.wait_for(states.get(), SOON_S)


async def follow(heard: asyncio.Queue[Row]) -> list[Row]:
    """Everything said of an import, to its end."""
    told = [await asyncio.wait_for(heard.get(), SOON_S)]
    while told[-1]["status"] not in ("done", "failed", "cancelled"):
        told.append(await asyncio.wait_for(heard.get(), SOON_S))
    return told


def show(web: str, headers: Row, import_id: str) -> Row:
    answer = httpx.get(f"{web}/api/v1/imports/{import_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: Row = answer.json()
    return found


async def count(client: AsyncClient, table: str, **equal: Any) -> int:
    select = client.table(table).select("*", count="exact", head=True)  # type: ignore[arg-type]
    for column, value in equal.items():
        select = select.eq(column, value)
    return (await select.execute()).count or 0


@dataclass(frozen=True)
class Story:
    stack: Stack
    team: Location
    web: str
    log: Path

    async def import_once(self, owner: AsyncClient, headers: Row) -> tuple[Row, list[Row]]:
        """The record in the end, and everything that was heard on the way there."""
        answer = upload(self.web, headers)
        assert answer.status_code == 202, answer.text
        import_id = answer.json()["id"]
        heard, state = await listen(owner, import_id)
        assert state == "SUBSCRIBED"
        worker = Worker(self.stack, self.log)  # only now: nothing is said before somebody listens
        try:
            told = await follow(heard)
        finally:
            worker.stop()
        return show(self.web, headers, import_id), told

    async def what_the_owner_sees(self, owner: AsyncClient, row: Row, headers: Row) -> None:
        assert await count(owner, "contacts") == 2_793 + 907
        assert await count(owner, "properties") == 2_180
        assert await count(owner, "list_members", list_id=row["list_id"]) == 2_793
        columns = "first_name,last_name,phone,email,property_contacts(properties(address,city))"
        people = owner.table("contacts").select(columns).eq("display_name", "PERRINP AMOSA")
        assert (await people.execute()).data == [
            {
                "first_name": "Perrinp",
                "last_name": "Amosa",
                "phone": "+16025550184",
                "email": "tess.atwell1127@example.com",
                "property_contacts": [
                    {"properties": {"address": "381 HILL CT", "city": "WESTCLIFF"}}
                ],
            }
        ]
        report = httpx.get(f"{self.web}/api/v1/imports/{row['id']}/rows.csv", headers=headers)
        assert len(list(csv.DictReader(io.StringIO(report.text)))) == 2_180

    async def what_the_marketer_sees(self, row: Row) -> None:
        async with signed_in(self.stack.env, self.team.marketer) as marketer:
            headers = await bearer_of(marketer)
            refused = upload(self.web, headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
            for table in ("contacts", "contact_phones", "properties", "imports", "list_members"):
                assert await count(marketer, table) == 0, table
            assert await count(marketer, "contact_cards") == 2_793 + 907
            cards = (await marketer.table("contact_cards").select("*").limit(5).execute()).data
            shown = {"contact_id", "location_id", "first_name", "city"}
            assert {key for card in cards for key in card} == shown
            hidden = httpx.get(f"{self.web}/api/v1/imports/{row['id']}", headers=headers)
            assert hidden.status_code == 404
            _, state = await listen(marketer, row["id"])
            assert state == "CHANNEL_ERROR"

    async def told(self) -> None:
        async with signed_in(self.stack.env, self.team.owner) as owner:
            headers = await bearer_of(owner)
            row, told = await self.import_once(owner, headers)
            assert {name: row[name] for name in GOLDEN} == GOLDEN and row["status"] == "done"
            done = [said["processed_rows"] for said in told]
            assert done == sorted(done) and done[-1] == 2_180 and len(set(done)) == 21
            await self.what_the_owner_sees(owner, row, headers)
            await self.what_the_marketer_sees(row)
            again, _ = await self.import_once(owner, headers)
            assert [warning["code"] for warning in again["warnings"]] == ["same_file"]
            assert not any(n for key, n in again.items() if key.endswith(("_created", "_updated")))
            assert again["contacts_unchanged"] == 2_793
            assert await count(owner, "contacts") == 2_793 + 907


def test_a_list_goes_in_and_everybody_sees_what_he_may(
    stack: Stack, team: Location, web: str, tmp_path: Path
) -> None:
    story = Story(stack, team, web, tmp_path / "worker.log")
    asyncio.run(asyncio.wait_for(story.told(), 120))
