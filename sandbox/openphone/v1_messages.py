"""/v1/messages: the only way to send."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from sandbox.answers import ApiError, NotFound, data, read_body
from sandbox.keys import vendor_of
from sandbox.openphone import paging
from sandbox.openphone.records import Message, Number
from sandbox.openphone.vendor import Vendor
from sandbox.openphone.world import OWNER_ID
from sandbox.reading import Body, Query

E164 = r"\+[1-9]\d{1,14}"
LONGEST, MOST_PEOPLE = 1600, 10
KNOWN = ("content", "from", "to", "userId", "setInboxStatus", "phoneNumberId")


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_post("/v1/messages", send)
    router.add_get("/v1/messages", index)
    router.add_get("/v1/messages/{id}", show)


async def send(request: web.Request) -> web.Response:
    vendor = vendor_of(request)
    number, to, text, user_id = _read(vendor, Body(await read_body(request), KNOWN))
    if vendor.behaviour.subscription != "active":
        raise ApiError(402, "Subscription Expired", code="0201402")
    message = await vendor.send(number, to, text, user_id)
    return data(as_v1(message) | {"status": "queued"}, 202)


async def index(request: web.Request) -> web.Response:
    query, vendor = Query(request.query), vendor_of(request)
    number_id = query.text("phoneNumberId", required=True)
    people = query.many("participants", most=MOST_PEOPLE, required=True)
    size = query.whole("maxResults", 1, 100)
    # `since` is what createdBefore was called once.
    before = query.instant("createdBefore") or query.instant("since")
    after, user_id = query.instant("createdAfter"), query.text("userId")
    start = paging.key(query.text("pageToken"))
    query.end()
    number = vendor.world.numbers.get(number_id or "")
    conversation = number and vendor.world.find_conversation(number, people)
    found: list[Message] = []
    if conversation:
        found = [
            message
            for message in listed(vendor.world.messages_of(conversation).newest_first())
            if (not after or message.created_at > after)
            and (not before or message.created_at < before)
            and user_id in (None, message.user_id)
        ]
    rest = [item for item in found if not start or (item.created_at, item.seq) < start]
    items, token = paging.page(rest, size)
    return data([as_v1(item) for item in items], totalItems=len(found), nextPageToken=token)


async def show(request: web.Request) -> web.Response:
    return data(as_v1(find(vendor_of(request), request.match_info["id"])))


def listed(messages: Iterator[Message]) -> Iterator[Message]:
    now = time.monotonic()
    return (message for message in messages if message.unlisted_until <= now)


def find(vendor: Vendor, message_id: str) -> Message:
    found = vendor.world.messages.by_id.get(message_id)
    if found is None or found.unlisted_until > time.monotonic():
        raise NotFound("Message")
    return found


def as_v1(message: Message) -> dict[str, Any]:
    """Without pictures: this surface never shows them."""
    return {
        "id": message.id,
        "to": message.to,
        "from": message.sender,
        "text": message.text,
        "phoneNumberId": message.number_id,
        "conversationId": message.conversation_id,
        "direction": message.direction,
        "userId": message.user_id,
        # v1 has no "failed".
        "status": "undelivered" if message.status == "failed" else message.status,
        "createdAt": message.created_at,
        "updatedAt": message.updated_at,
        "media": [],
    }


def _read(vendor: Vendor, body: Body) -> tuple[Number, list[str], str, str]:
    text = body.text("content", required=True, least=1, most=LONGEST)
    if text is not None and not text.strip():
        body.wrong("content", "Expected a character that is no space", text)
    sender = body.text("from") or body.text("phoneNumberId", required=True)
    to = body.texts("to", least=1, most=MOST_PEOPLE)
    for place, phone in enumerate(to):
        if not re.fullmatch(E164, phone):
            body.wrong(f"to/{place}", f"Expected string to match '^{E164}$'", phone)
    body.one_of("setInboxStatus", ("done",))
    user_id = body.text("userId") or OWNER_ID
    body.end()
    number = vendor.world.number(sender or "")
    if number is None:
        raise NotFound("Phone number")
    if user_id not in number.user_ids:
        raise ApiError(403, "Not Phone Number User", code="0202403")
    return number, to, text or "", user_id
