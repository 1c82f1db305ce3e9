"""/webhooks of 2026-03-30: one resource for all events, its deliveries, and a test event."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import ApiError, NotFound, data, read_body
from sandbox.keys import vendor_of
from sandbox.openphone import dated_samples, paging
from sandbox.openphone.hooks import (
    DATED,
    DATED_EVENTS,
    VERSION,
    Delivery,
    Hook,
    new_key,
)
from sandbox.reading import Body, Query

Content = dict[str, Any]
MOST = 50
KNOWN = ("url", "events", "resourceIds", "status", "label")
STATUSES = ("enabled", "disabled")
DELIVERY_STATUSES = ("success", "pending", "sending", "failed")


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/webhooks", index)
    router.add_post("/webhooks", create)
    router.add_get("/webhooks/{id}", show)
    router.add_patch("/webhooks/{id}", change)
    router.add_delete("/webhooks/{id}", remove)
    router.add_post("/webhooks/{id}/rotate", rotate)
    router.add_get("/webhooks/{id}/events", deliveries)
    router.add_post("/webhooks/{id}/events/test", send_test)
    router.add_get("/webhooks/{id}/events/{delivery}", delivery)
    router.add_post("/webhooks/{id}/events/{delivery}/retry", retry)


async def index(request: web.Request) -> web.Response:
    return data([_shown(hook) for hook in _all(request)])


async def create(request: web.Request) -> web.Response:
    """The key is told here and never again."""
    body, post = Body(await read_body(request), KNOWN), vendor_of(request).post
    if len(_all(request)) >= MOST:
        raise ApiError(422, "Unprocessable Entity", f"A workspace has at most {MOST} webhooks")
    body.text("url", required=True, least=1)
    changes = _changes(body, events_required=True)
    at, webhook_id = instants.now(), str(len(post.hooks) + 1)
    hook = Hook(webhook_id, DATED, "", [], new_key(DATED), at, at, VERSION)
    _apply(hook, changes)
    post.hooks.add(hook)
    return data(_shown(hook) | {"key": hook.key}, 201)


async def show(request: web.Request) -> web.Response:
    return data(_shown(_find(request)))


async def change(request: web.Request) -> web.Response:
    hook = _find(request)
    _apply(hook, _changes(Body(await read_body(request), KNOWN), events_required=False))
    hook.updated_at = instants.now()
    return data(_shown(hook))


async def remove(request: web.Request) -> web.Response:
    vendor_of(request).post.removed.add(_find(request).id)
    return web.Response(status=204)


async def rotate(request: web.Request) -> web.Response:
    """The old key is of no use from here on."""
    hook = _find(request)
    hook.key = new_key(DATED)
    return data({"key": hook.key})


async def deliveries(request: web.Request) -> web.Response:
    query, hook = Query(request.query), _find(request)
    status, event = query.one_of("status", DELIVERY_STATUSES), query.text("eventType")
    resource_id = query.text("resourceId")
    after, before = query.instant("createdAt[gt]"), query.instant("createdAt[lt]")
    size, start = query.whole("limit", 1, 50, 10), paging.key(query.text("after"))
    query.end()
    found = (
        each
        for each in vendor_of(request).post.deliveries.newest_first(start)
        if each.hook is hook
        and status in (None, each.status)
        and event in (None, each.event_type)
        and resource_id in (None, each.resource_id)
        and (not after or each.created_at > after)
        and (not before or each.created_at < before)
    )
    items, cursor = paging.page(found, size)
    return data([_shown_delivery(each) for each in items], nextCursor=cursor)


async def delivery(request: web.Request) -> web.Response:
    found = _find_delivery(request)
    return data(_shown_delivery(found) | {"payload": json.loads(found.body)})


async def retry(request: web.Request) -> web.Response:
    found, vendor = _find_delivery(request), vendor_of(request)
    vendor.tasks.soon(vendor.post.attempt(found))
    return web.json_response({}, status=202)


async def send_test(request: web.Request) -> web.Response:
    """Sends a sample, signed as any other, and answers with it as it is."""
    body, hook, post = Body(await read_body(request)), _find(request), vendor_of(request).post
    kind = body.text("eventType", required=True)
    body.one_of("eventType", DATED_EVENTS)
    body.end()
    sample = dated_samples.sample(str(kind))
    raw = json.dumps(sample).encode()
    post.send(Delivery(hook, sample["id"], str(kind), "", raw, instants.now()))
    return web.json_response(sample)


def _all(request: web.Request) -> list[Hook]:
    return [hook for hook in vendor_of(request).post.registered() if hook.system == DATED]


def _find(request: web.Request) -> Hook:
    for hook in _all(request):
        if hook.id == request.match_info["id"]:
            return hook
    raise NotFound("Webhook")


def _find_delivery(request: web.Request) -> Delivery:
    found = vendor_of(request).post.deliveries.by_id.get(request.match_info["delivery"])
    if found is None or found.hook is not _find(request):
        raise NotFound("Delivery")
    return found


def _changes(body: Body, *, events_required: bool) -> Content:
    """Under the names of the record. Raises ApiError 400."""
    events = body.texts("events", least=1, most=len(DATED_EVENTS), required=events_required)
    for event in events:
        if event not in DATED_EVENTS:
            body.wrong("events", "Unknown event", event)
    told = {
        "url": body.text("url"),
        "events": events or None,
        "resource_ids": body.texts("resourceIds", least=1, most=50, required=False) or None,
        "status": body.one_of("status", STATUSES),
        "label": body.text("label"),
    }
    body.end()
    return {name: value for name, value in told.items() if value is not None}


def _apply(hook: Hook, changes: Content) -> None:
    for name, value in changes.items():
        setattr(hook, name, value)


def _shown(hook: Hook) -> Content:
    return {
        "id": hook.id,
        "label": hook.label,
        "status": hook.status,
        "url": hook.url,
        "events": hook.events,
        "resourceIds": hook.resource_ids,
        "apiVersion": hook.version,
        "createdAt": hook.created_at,
        "updatedAt": hook.updated_at,
    }


def _shown_delivery(each: Delivery) -> Content:
    return {
        "id": each.id,
        "eventId": each.event_id,
        "eventType": each.event_type,
        "resourceId": each.resource_id,
        "status": each.status,
        "attempts": len(each.attempts),
        "createdAt": each.created_at,
    }
