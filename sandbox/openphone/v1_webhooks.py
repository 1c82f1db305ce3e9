"""/v1/webhooks: the legacy system, one creating call for each family of events."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import NotFound, data, read_body
from sandbox.keys import vendor_of
from sandbox.openphone.hooks import LEGACY, LEGACY_FAMILIES, Hook, new_key
from sandbox.openphone.post import Post
from sandbox.openphone.records import new_id
from sandbox.openphone.world import ORG_ID, OWNER_ID
from sandbox.reading import Body

KNOWN = ("url", "events", "resourceIds", "label", "status", "userId")
STATUSES = ("enabled", "disabled")


def add_routes(router: web.UrlDispatcher) -> None:
    for family in LEGACY_FAMILIES:
        router.add_post(f"/v1/webhooks/{family}", create)
    router.add_get("/v1/webhooks", index)
    router.add_get("/v1/webhooks/{id}", show)
    router.add_delete("/v1/webhooks/{id}", remove)


async def create(request: web.Request) -> web.Response:
    family = request.path.rpartition("/")[2]
    body, post = Body(await read_body(request), KNOWN), vendor_of(request).post
    url = body.text("url", required=True, least=1)
    events = body.texts("events", least=1, most=len(LEGACY_FAMILIES[family]))
    for event in events:
        if event not in LEGACY_FAMILIES[family]:
            body.wrong("events", f"Expected one of {', '.join(LEGACY_FAMILIES[family])}", event)
    status, user_id = body.one_of("status", STATUSES) or "enabled", body.text("userId") or OWNER_ID
    label = body.text("label")
    resources = body.texts("resourceIds", least=1, most=50, required=False) or ["*"]
    body.end()
    at = instants.now()
    hook = Hook(new_id("WH"), LEGACY, url or "", events, new_key(LEGACY), at, at, "v4")
    hook.status, hook.label, hook.user_id, hook.resource_ids = status, label, user_id, resources
    post.hooks.add(hook)
    return data(_shown(hook), 201)


async def index(request: web.Request) -> web.Response:
    """Those of one user, the owner unless told."""
    user_id = request.query.get("userId", OWNER_ID)
    mine = [hook for hook in _listed(vendor_of(request).post) if hook.user_id == user_id]
    return data([_shown(hook) for hook in mine])


async def show(request: web.Request) -> web.Response:
    return data(_shown(_find(request)))


async def remove(request: web.Request) -> web.Response:
    vendor_of(request).post.removed.add(_find(request).id)
    return web.Response(status=204)


def _listed(post: Post) -> list[Hook]:
    return [hook for hook in post.registered() if hook.system == LEGACY and not hook.in_app]


def _find(request: web.Request) -> Hook:
    for hook in _listed(vendor_of(request).post):
        if hook.id == request.match_info["id"]:
            return hook
    raise NotFound("Webhook")


def _shown(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "userId": hook.user_id,
        "orgId": ORG_ID,
        "label": hook.label,
        "status": hook.status,
        "url": hook.url,
        "key": hook.key,
        "createdAt": hook.created_at,
        "updatedAt": hook.updated_at,
        "deletedAt": None,
        "events": hook.events,
        "resourceIds": hook.resource_ids,
    }
