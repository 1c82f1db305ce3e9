"""Two browsers see a message appear; a marketer on their channel learns its id and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.browser import connected
from tests.devstack.rooms import Room, in_time, joined
from tests.messaging.inbox.office import Office, fresh_phone, inbox
from tests.people import Person


@asynccontextmanager
async def listening(office: Office, person: Person, topic: str) -> AsyncIterator[Room]:
    url, anon_key = office.env["SUPABASE_URL"], office.env["SUPABASE_ANON_KEY"]
    async with connected(url, anon_key, person.token) as client:
        yield await joined(Room(client, topic, True))


async def until(room: Room, event: str) -> dict[str, Any]:
    while True:
        heard = await asyncio.wait_for(room.heard.get(), 15)
        if heard["event"] == event:
            return dict(heard["payload"])


def test_two_browsers_see_a_message_appear(office: Office) -> None:
    talk, place = office.talk(fresh_phone(), "Norma"), office.place
    channel = f"location:{place.id}"

    async def scenario() -> None:
        async with (
            listening(office, place.owner, channel) as owner,
            listening(office, place.admin, channel) as admin,
            listening(office, place.marketer, channel) as marketer,
        ):
            message = await asyncio.to_thread(office.incoming, talk, "The cellar is wet.")
            for room in (owner, admin, marketer):
                told = await until(room, "message.created")
                assert (told["ids"], told["conversation_ids"]) == ([message], [talk])
                assert set(told) == {"count", "ids", "conversation_ids", "id"}
        for person in (place.owner, place.admin):
            [row] = await asyncio.to_thread(inbox, office.browser(person), office, unread=True)
            assert (row["id"], row["last_preview"]) == (talk, "The cellar is wet.")
        read = office.browser(place.marketer).table("messages").select("body").eq("id", message)
        assert (await asyncio.to_thread(read.execute)).data == []

    in_time(scenario())


def test_what_is_read_in_one_tab_is_read_in_the_others(office: Office) -> None:
    talk, place = office.talk(fresh_phone()), office.place
    office.incoming(talk, "Hello.")

    async def scenario() -> None:
        async with (
            listening(office, place.owner, f"user:{place.owner.id}") as tab,
            listening(office, place.admin, f"user:{place.admin.id}") as colleague,
        ):
            for person in (place.owner, place.admin):
                mark = office.browser(person).rpc("mark_read", {"p_conversation": talk})
                await asyncio.to_thread(mark.execute)
            assert (await until(tab, "conversation.read"))["ids"] == [talk]
            assert (await until(colleague, "conversation.read"))["ids"] == [talk]
            assert tab.heard.empty(), "what a colleague reads is his own"

    in_time(scenario())
