"""Conversations on both surfaces."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import NotFound, data
from sandbox.keys import vendor_of
from sandbox.openphone import paging
from sandbox.openphone.records import Conversation
from sandbox.openphone.shelf import Key
from sandbox.openphone.vendor import Vendor
from sandbox.reading import Query

Content = dict[str, Any]
SORTS = tuple(f"{by}:{way}" for by in ("createdAt", "updatedAt") for way in ("asc", "desc"))
MARKS = "{mark:mark-as-(?:read|done|open)}"


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/v1/conversations", v1_index)
    router.add_post("/v1/conversations/{id}/" + MARKS, v1_mark)
    router.add_get("/conversations", index)
    router.add_get("/conversations/{id}", show)
    router.add_post("/conversations/{id}/" + MARKS, mark)


async def v1_index(request: web.Request) -> web.Response:
    query, world = Query(request.query), vendor_of(request).world
    named = query.many("phoneNumbers", most=100) or query.many("phoneNumberId", most=1)
    size, start = query.whole("maxResults", 1, 100), paging.key(query.text("pageToken"))
    limits = [
        (field, way, limit)
        for field in ("created", "updated")
        for way in ("After", "Before")
        if (limit := query.instant(f"{field}{way}"))
    ]
    query.end()
    ids = {number.id for each in named if (number := world.number(each))}
    found = [
        each
        for each in world.conversations.newest_first()
        if (not named or each.number_id in ids) and _within(each, limits)
    ]
    rest = (each for each in found if not start or (each.created_at, each.seq) < start)
    items, token = paging.page(rest, size)
    shown = [_shown(each) | {"assignedTo": None} for each in items]
    return data(shown, totalItems=len(found), nextPageToken=token)


async def index(request: web.Request) -> web.Response:
    query, world = Query(request.query), vendor_of(request).world
    ids, size = query.listed("phoneNumberId"), query.whole("limit", 1, 50, 10)
    start = paging.key(query.text("after"))
    order = query.one_of("sort", SORTS) or "createdAt:desc"
    least = {by: query.instant(f"{by}[gte]") for by in ("createdAt", "updatedAt")}
    most = {by: query.instant(f"{by}[lte]") for by in ("createdAt", "updatedAt")}
    query.end()
    by, _, way = order.partition(":")
    found = [
        each
        for each in world.conversations.by_id.values()
        if (ids is None or each.number_id in ids)
        and all(not limit or _at(each, name) >= limit for name, limit in least.items())
        and all(not limit or _at(each, name) <= limit for name, limit in most.items())
    ]
    items, cursor = _sorted_page(found, by, way == "desc", start, size)
    return data([_shown(each) for each in items], nextCursor=cursor)


async def show(request: web.Request) -> web.Response:
    return data(_shown(_find(vendor_of(request), request.match_info["id"])))


async def mark(request: web.Request) -> web.Response:
    return data(_shown(_marked(request)))


async def v1_mark(request: web.Request) -> web.Response:
    """Without the envelope all else has."""
    return web.json_response(_shown(_marked(request)) | {"assignedTo": None})


def _marked(request: web.Request) -> Conversation:
    found = _find(vendor_of(request), request.match_info["id"])
    found.inbox = request.match_info["mark"].removeprefix("mark-as-")
    found.updated_at = instants.now()
    return found


def _find(vendor: Vendor, conversation_id: str) -> Conversation:
    found = vendor.world.conversations.by_id.get(conversation_id)
    if found is None:
        raise NotFound("Conversation")
    return found


def _at(conversation: Conversation, by: str) -> str:
    return conversation.created_at if by == "createdAt" else conversation.updated_at


def _within(conversation: Conversation, limits: list[tuple[str, str, str]]) -> bool:
    def holds(field: str, way: str, limit: str) -> bool:
        at = _at(conversation, f"{field}At")
        return at > limit if way == "After" else at < limit

    return all(holds(*limit) for limit in limits)


def _sorted_page(
    found: list[Conversation], by: str, is_descending: bool, start: Key | None, size: int
) -> tuple[list[Conversation], str | None]:
    def key(each: Conversation) -> Key:
        return _at(each, by), each.seq

    found.sort(key=key, reverse=is_descending)
    if start:
        found = [
            each for each in found if (key(each) < start if is_descending else key(each) > start)
        ]
    items = found[:size]
    return items, paging.token(key(items[-1])) if len(found) > size else None


def _shown(found: Conversation) -> Content:
    return {
        "id": found.id,
        "phoneNumberId": found.number_id,
        "participants": list(found.people),
        "name": found.name,
        "lastActivityAt": found.last_activity_at,
        "lastActivityId": found.last_activity_id or None,
        "mutedUntil": None,
        "snoozedUntil": None,
        "createdAt": found.created_at,
        "updatedAt": found.updated_at,
        "deletedAt": found.deleted_at,
    }
