"""The application: every stand-in behind one address."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from sandbox import control, page
from sandbox.answers import ApiError
from sandbox.keys import SANDBOX, Sandbox
from sandbox.misbehaving import Handler, is_ours, misbehave
from sandbox.numverify import routes as numverify
from sandbox.openphone import (
    calls,
    conversations,
    dated_contacts,
    dated_messages,
    dated_webhooks,
    doors,
    errors,
    numbers,
    v1_contacts,
    v1_messages,
    v1_webhooks,
)
from sandbox.settings import Settings

LARGEST_UPLOAD = 32 * 1024 * 1024
PARTS = (
    *(control, page, numverify, numbers, conversations, calls),
    *(v1_messages, v1_contacts, v1_webhooks),
    *(dated_messages, dated_contacts, dated_webhooks),
)
SAME_SITE = ("same-origin", "none")
WITHOUT_KEY = ("/files/", "/numverify/")


def build(settings: Settings) -> web.Application:
    middlewares = [answer_errors, misbehave, answer_errors, at_the_door]
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_UPLOAD)
    app[SANDBOX] = Sandbox(settings)
    app.cleanup_ctx.append(_close)
    app.router.add_get("/files/{id}", serve_file)
    for part in PARTS:
        part.add_routes(app.router)
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """On both sides of the faults, because those answer in the vendor's form too."""
    try:
        return await handler(request)
    except ApiError as error:
        return errors.respond(request, error)
    except web.HTTPException as error:
        if is_ours(request):
            raise
        return errors.respond(request, ApiError(error.status, error.reason))


@web.middleware
async def at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    if is_ours(request) and request.headers.get("Sec-Fetch-Site") not in (None, *SAME_SITE):
        # Another site's page, open in the same browser, plays no customer here.
        raise web.HTTPForbidden
    if not is_ours(request) and not request.path.startswith(WITHOUT_KEY):
        doors.check(request)
    return await handler(request)


async def serve_file(request: web.Request) -> web.Response:
    return await request.app[SANDBOX].vendor.files.serve(request)


async def _close(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[SANDBOX].close()
