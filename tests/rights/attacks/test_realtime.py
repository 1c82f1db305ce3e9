"""What would be gained by listening in, and by being heard."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from devstack.stack import Stack
from tests.devstack.rooms import Room, in_time
from tests.rights.attacks.conftest import Household
from tests.rights.attacks.listening import Listener
from tests.rights.rows import Place, Rows
from tests.rights.world import World

TOPICS = [
    "location:{here}",
    "location:{HERE}",
    "Location:{here}",
    "location:{here}:x",
    "location:{here} ",
    " location:{here}",
    "location:{here}\n",
    "location:{there},location:{here}",
    "location::{here}",
    "location:%",
    "location:*",
    "*",
    "contact:{here}",
    "user:{owner}",
    "import:{import}",
    "campaign:{here}",
    "location:{here}' or true --",
]


@pytest.fixture
def listener(stack: Stack) -> Listener:
    return Listener(stack.env["SUPABASE_URL"], stack.env["SUPABASE_ANON_KEY"])


def named(topic: str, world: World, rows: Rows) -> str:
    return topic.format(
        here=world.here.id,
        HERE=world.here.id.upper(),
        there=world.there.id,
        owner=world.here.owner.id,
        **{"import": rows.one("imports", Place(world.here.id, world.here.owner.id))},
    )


@pytest.mark.parametrize("topic", TOPICS)
def test_joining_a_channel_by_guessing_its_topic(
    listener: Listener, world: World, rows: Rows, topic: str
) -> None:
    async def scenario() -> None:
        for actor in world.outsiders:
            async with listener.connected(actor) as client:
                state, _ = await Room(client, named(topic, world, rows), True).join()
            assert state != "SUBSCRIBED", actor

    in_time(scenario())


@pytest.mark.parametrize("role", ["marketer", "technician"])
def test_following_an_import_or_a_colleague_in_too_low_a_role(
    listener: Listener, world: World, rows: Rows, role: str
) -> None:
    async def scenario() -> None:
        for topic in ("import:{import}", "user:{owner}", "location:{there}"):
            async with listener.connected(world.members[role]) as client:
                state, _ = await Room(client, named(topic, world, rows), True).join()
            assert state != "SUBSCRIBED"
        async with listener.connected(world.members[role]) as client:
            state, _ = await Room(client, named("location:{here}", world, rows), True).join()
        assert state == "SUBSCRIBED"

    in_time(scenario())


def test_hearing_private_news_on_a_public_channel(
    listener: Listener, world: World, rows: Rows, here: Household
) -> None:
    """And in what is heard by right: ids, and nothing of the people."""
    topic = f"location:{world.here.id}"

    async def scenario() -> None:
        owner, marketer = world.members["owner"], world.members["marketer"]
        async with listener.connected(owner) as one, listener.connected(marketer) as two:
            public, private = Room(one, topic, False), Room(two, topic, True)
            assert [(await room.join())[0] for room in (public, private)] == ["SUBSCRIBED"] * 2
            rows.db.execute("update contacts set notes = 'x' where id = %s", (here.contact,))
            told = await private.next_payload()
            await private.channel.unsubscribe()
        assert told["ids"] == [here.contact] and public.heard.empty()
        assert not any(secret in str(told) for secret in (*here.hidden, here.first_name))

    in_time(scenario())


def test_telling_others_what_did_not_happen(
    listener: Listener, stack: Stack, world: World, rows: Rows
) -> None:
    """No client may broadcast to a private channel, not even its members; the database does."""
    topic = f"location:{world.here.id}"
    lie: dict[str, Any] = {
        "topic": topic,
        "event": "contact.updated",
        "payload": {},
        "private": True,
    }
    url = f"{stack.env['SUPABASE_URL']}/realtime/v1/api/broadcast"

    async def scenario() -> None:
        owner = world.members["owner"]
        async with listener.connected(owner) as one, listener.connected(owner) as two:
            hearing, lying = Room(one, topic, True), Room(two, topic, True)
            assert [(await room.join())[0] for room in (hearing, lying)] == ["SUBSCRIBED"] * 2
            await lying.channel.send_broadcast("contact.updated", {"ids": ["lie"]})
            for actor in (owner, world.members["admin"], *world.outsiders):
                httpx.post(url, headers=actor.headers, json={"messages": [lie]})
            rows.db.execute(
                "select realtime.send('{\"true\": 1}', 'contact.updated', %s, true)", (topic,)
            )
            assert (await hearing.next_payload())["true"] == 1

    in_time(scenario())


def test_writing_messages_past_the_channels(rest: httpx.Client, world: World) -> None:
    """realtime.messages is not there for PostgREST; public.messages has other columns."""
    body = {"topic": f"location:{world.here.id}", "extension": "broadcast", "private": True}
    for schema in ("realtime", "public"):
        headers = world.members["owner"].headers | {"Content-Profile": schema}
        assert rest.post("/messages", headers=headers, json=body).status_code in (400, 406)
        assert rest.post("/rpc/send", headers=headers, json=body).status_code in (404, 406)
