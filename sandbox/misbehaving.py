"""The faults of answers, between the caller and a stand-in that does its work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.answers import ApiError
from sandbox.faults import ANSWER_KINDS, Fault
from sandbox.keys import SANDBOX

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LONGEST_HANG_S = 180
PAGE = "<!doctype html><title>Bad gateway</title><p>Please come back later."
DONE = ("done_then_error", "done_then_drop", "done_then_hang", "malformed")
UNREPORTED = ("/_control", "/page", "/favicon.ico")


def is_ours(request: web.Request) -> bool:
    """What no vendor has: the control surface and the page."""
    return request.path == "/" or request.path.startswith(UNREPORTED)


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    if is_ours(request):
        return await handler(request)
    sandbox = request.app[SANDBOX]
    line = {"at_s": time.time(), "method": request.method, "path": request.path, "status": None}
    sandbox.requests.append(line)
    fault = sandbox.faults.take(ANSWER_KINDS, method=request.method, path=request.path)
    answer = await (handler(request) if fault is None else _badly(fault, request, handler))
    line["status"] = answer.status
    return answer


async def _badly(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await handler(request)
    done = await handler(request) if fault.kind in DONE else None
    if fault.kind in ("hang", "done_then_hang"):
        await _until_gone(request)
    if fault.kind in ("drop", "done_then_drop", "hang", "done_then_hang"):
        if request.transport:
            request.transport.abort()
        raise asyncio.CancelledError
    if fault.kind == "html":
        return web.Response(text=PAGE, content_type="text/html")
    if fault.kind == "malformed" and isinstance(done, web.Response):
        return _half(done)
    raise _refusal(fault)


def _half(answer: web.Response) -> web.Response:
    text = answer.text or ""
    return web.Response(
        status=answer.status, text=text[: len(text) // 2], content_type="application/json"
    )


def _refusal(fault: Fault) -> ApiError:
    if fault.kind == "busy":
        return ApiError(429, "Too Many Requests", "You have exceeded your rate limit")
    title = fault.title or ("Forbidden" if fault.status == 403 else "Internal Server Error")
    return ApiError(fault.status, title, code=fault.code)


async def _until_gone(request: web.Request) -> None:
    """Until the caller has had enough."""
    deadline = time.monotonic() + LONGEST_HANG_S
    while request.transport and not request.transport.is_closing():
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.02)
