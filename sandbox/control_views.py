"""/_control: conversations as the page shows them, from the customer's side."""

from __future__ import annotations

import heapq
from typing import Any

from aiohttp import web

from sandbox.keys import vendor_of
from sandbox.openphone.records import Call, Conversation, Message
from sandbox.openphone.vendor import Vendor

Content = dict[str, Any]
LISTED = 100


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/_control/conversations", conversations)
    router.add_get("/_control/conversations/{id}", conversation)


async def conversations(request: web.Request) -> web.Response:
    """Those that moved last, up to ?limit=."""
    vendor = vendor_of(request)
    found = heapq.nlargest(
        int(request.query.get("limit", LISTED)),
        vendor.world.conversations.by_id.values(),
        key=lambda each: each.last_activity_at,
    )
    return web.json_response([_line(vendor, each) for each in found])


async def conversation(request: web.Request) -> web.Response:
    """With all texts and calls, newest first."""
    vendor = vendor_of(request)
    found = vendor.world.conversations.by_id.get(request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound
    texts = [message(vendor, each) for each in vendor.world.messages_of(found).newest_first()]
    calls = [_call(each) for each in vendor.world.calls_of(found).newest_first()]
    return web.json_response(_line(vendor, found) | {"messages": texts, "calls": calls})


def message(vendor: Vendor, told: Message) -> Content:
    return {
        "id": told.id,
        "conversation_id": told.conversation_id,
        "direction": told.direction,
        "from": told.sender,
        "to": told.to,
        "text": told.text,
        "status": told.status,
        "error_code": told.error_code,
        "at": told.created_at,
        "user": told.user_id,
        "media": [{"url": vendor.url(each), "type": each.content_type} for each in told.media],
    }


def _line(vendor: Vendor, found: Conversation) -> Content:
    last = next(vendor.world.messages_of(found).newest_first(), None)
    return {
        "id": found.id,
        "people": found.people,
        "number": vendor.world.numbers[found.number_id].e164,
        "inbox": found.inbox,
        "last_activity_at": found.last_activity_at,
        "preview": (last.text or "A photo") if last else "",
        "stopped": bool(vendor.world.blocked & set(found.people)),
    }


def _call(told: Call) -> Content:
    return {
        "id": told.id,
        "direction": told.direction,
        "status": told.status,
        "at": told.completed_at,
        "duration_s": told.duration_s,
        "voicemail": told.voicemail is not None,
    }
