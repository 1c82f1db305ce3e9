"""/messages of 2026-03-30: of the whole workspace, newest first; nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.answers import ApiError, data
from sandbox.keys import vendor_of
from sandbox.openphone import paging
from sandbox.openphone.records import Message
from sandbox.openphone.v1_messages import as_v1, find, listed
from sandbox.openphone.vendor import PERMANENT_CODES, Vendor
from sandbox.reading import Query

STATUSES = ("queued", "sent", "delivered", "undelivered", "failed", "received")
Test = Callable[[Message], bool]


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/messages", index)
    router.add_get("/messages/{id}", show)
    router.add_post("/messages/{id}/retry", retry)


async def index(request: web.Request) -> web.Response:
    query, vendor = Query(request.query), vendor_of(request)
    is_wanted, newer_than = _filters(query)
    size, start = query.whole("limit", 1, 50, 10), paging.key(query.text("after"))
    query.end()

    def found() -> Any:
        for message in listed(vendor.world.messages.newest_first(start)):
            if newer_than and message.created_at <= newer_than:
                return
            if is_wanted(message):
                yield message

    items, cursor = paging.page(found(), size)
    return data([as_dated(vendor, item) for item in items], nextCursor=cursor)


async def show(request: web.Request) -> web.Response:
    vendor = vendor_of(request)
    return data(as_dated(vendor, find(vendor, request.match_info["id"])))


async def retry(request: web.Request) -> web.Response:
    """Only what failed for now; what was undelivered stays so. The ledger has it as another text
    that was taken: if the first did go out, this one is a second."""
    vendor = vendor_of(request)
    message = find(vendor, request.match_info["id"])
    if message.status != "failed" or message.error_code in PERMANENT_CODES:
        raise ApiError(422, "Unprocessable Entity", "The message cannot be retried")
    vendor.world.accept(message)
    message.status = "queued"
    vendor.progress(message)
    return web.json_response({}, status=202)


def as_dated(vendor: Vendor, message: Message) -> dict[str, Any]:
    """As v1 shows it, but with the pictures and the true status."""
    media = [{"url": vendor.url(file), "type": file.content_type} for file in message.media]
    return as_v1(message) | {"status": message.status, "media": media}


def _filters(query: Query) -> tuple[Test, str | None]:
    """What is asked for, and the instant after which it lies."""
    sender, to, all_to = query.text("from"), query.text("to"), query.text("to[all]")
    status = query.one_of("status", STATUSES)
    direction = query.one_of("direction", ("incoming", "outgoing"))
    number_id, user_id = query.text("phoneNumberId"), query.text("userId")
    before = query.instant("createdAt[lt]")
    exactly = set(all_to.split(",")) if all_to else None

    def is_wanted(message: Message) -> bool:
        return (
            sender in (None, message.sender)
            and (to is None or to in message.to)
            and (exactly is None or exactly == set(message.to))
            and status in (None, message.status)
            and direction in (None, message.direction)
            and number_id in (None, message.number_id)
            and user_id in (None, message.user_id)
            and (before is None or message.created_at < before)
        )

    return is_wanted, query.instant("createdAt[gt]")
