"""/_control: webhooks, their deliveries, and contents no vendor would send."""

from __future__ import annotations

import json
import random
from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import read_body
from sandbox.keys import vendor_of
from sandbox.openphone.hooks import (
    DATED,
    DATED_EVENTS,
    LEGACY_EVENTS,
    VERSION,
    Delivery,
    Hook,
    new_key,
)
from sandbox.openphone.records import new_id
from sandbox.openphone.world import OWNER_ID

Content = dict[str, Any]


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/_control/hooks", hooks)
    router.add_post("/_control/hooks", add_hook)
    router.add_patch("/_control/hooks/{id}", change_hook)
    router.add_delete("/_control/hooks", remove_hooks)
    router.add_get("/_control/deliveries", deliveries)
    router.add_post("/_control/deliveries", send_any)
    router.add_post("/_control/deliveries/release", release)
    router.add_post("/_control/deliveries/{id}/again", again)


async def hooks(request: web.Request) -> web.Response:
    return web.json_response([_shown(hook) for hook in vendor_of(request).post.registered()])


async def add_hook(request: web.Request) -> web.Response:
    """{system: legacy|dated, url, key?, events?, version?, resource_ids?}

    Hooks of the legacy versions "v2" and "v3" were made in the app.
    """
    body, post = await read_body(request), vendor_of(request).post
    system, at = body["system"], instants.now()
    usual = DATED_EVENTS if system == DATED else LEGACY_EVENTS
    hook = Hook(
        id=new_id("WH") if system != DATED else str(len(post.hooks) + 1),
        system=system,
        url=body["url"],
        events=body.get("events", list(usual)),
        key=body.get("key") or new_key(system),
        created_at=at,
        updated_at=at,
        version=VERSION if system == DATED else body.get("version", "v4"),
        resource_ids=body.get("resource_ids", ["*"]),
        user_id=OWNER_ID,
        in_app=body.get("version") in ("v2", "v3"),
    )
    post.hooks.add(hook)
    return web.json_response(_shown(hook), status=201)


async def change_hook(request: web.Request) -> web.Response:
    """{status?, events?, url?, version?, key?}"""
    hook = vendor_of(request).post.hooks.by_id.get(request.match_info["id"])
    if hook is None:
        raise web.HTTPNotFound
    for name, value in (await read_body(request)).items():
        if name not in ("status", "events", "url", "version", "key"):
            raise web.HTTPBadRequest(text=f"a webhook's {name} cannot be changed")
        setattr(hook, name, value)
    return web.json_response(_shown(hook))


async def remove_hooks(request: web.Request) -> web.Response:
    """All, or those of one system: ?system=legacy."""
    system = request.query.get("system")
    post = vendor_of(request).post
    post.removed |= {hook.id for hook in post.registered() if system in (None, hook.system)}
    return web.json_response({})


async def deliveries(request: web.Request) -> web.Response:
    """Oldest first; ?status=, ?event=, ?system=."""
    wanted, post = request.query, vendor_of(request).post
    found = [
        _shown_delivery(each)
        for each in post.deliveries.by_id.values()
        if wanted.get("status", each.status) == each.status
        and wanted.get("event", each.event_type) == each.event_type
        and wanted.get("system", each.hook.system) == each.hook.system
    ]
    return web.json_response(found)


async def send_any(request: web.Request) -> web.Response:
    """{system, body: an object, or text as it is, signed?}: to each webhook of the system."""
    given, post = await read_body(request), vendor_of(request).post
    body = given["body"]
    raw = (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "surrogateescape")
    kind = body.get("type", "") if isinstance(body, dict) else ""
    ids = []
    for hook in post.registered():
        if hook.system == given["system"]:
            signed, at = given.get("signed", True), instants.now()
            sent = Delivery(hook, new_id("EV"), str(kind), "", raw, at, is_signed=signed)
            post.send(sent)
            ids.append(sent.id)
    return web.json_response({"ids": ids}, status=201)


async def release(request: web.Request) -> web.Response:
    """{order?: held|reverse|random, seed?, ids?}: what "held" webhooks wait for."""
    body, post = await read_body(request), vendor_of(request).post
    chosen = list(post.held)
    if body.get("ids") is not None:
        held = {each.id: each for each in chosen}
        chosen = [held[each] for each in body["ids"] if each in held]
    if body.get("order") == "reverse":
        chosen.reverse()
    elif body.get("order") == "random":
        random.Random(body.get("seed", 0)).shuffle(chosen)  # noqa: S311 - a test's order
    return web.json_response({"released": post.release(chosen)})


async def again(request: web.Request) -> web.Response:
    """Delivers once more what was delivered, under the same id."""
    vendor = vendor_of(request)
    found = vendor.post.deliveries.by_id.get(request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound
    await vendor.post.attempt(found)
    return web.json_response(_shown_delivery(found))


def _shown(hook: Hook) -> Content:
    return {
        "id": hook.id,
        "system": hook.system,
        "url": hook.url,
        "events": hook.events,
        "key": hook.key,
        "status": hook.status,
        "version": hook.version,
        "resource_ids": hook.resource_ids,
    }


def _shown_delivery(delivery: Delivery) -> Content:
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "type": delivery.event_type,
        "resource_id": delivery.resource_id,
        "system": delivery.hook.system,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "body": delivery.body.decode("utf-8", "replace"),
    }
