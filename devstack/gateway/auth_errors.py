"""GoTrue's error shape in both of its API versions, and JSON bodies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

VERSION_HEADER = "X-Supabase-Api-Version"
CODES_SINCE = "2024-01-01"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AuthError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


def answers_errors(handler: Handler) -> Handler:
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except AuthError as error:
            return _render(request, error)

    return answered


def _render(request: web.Request, error: AuthError) -> web.Response:
    if request.headers.get(VERSION_HEADER, "") >= CODES_SINCE:
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        headers = {VERSION_HEADER: CODES_SINCE}
    else:
        body = {"code": error.status, "error_code": error.code, "msg": error.message}
        headers = {}
    return web.json_response(body | error.more, status=error.status, headers=headers)


async def read_json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise AuthError(400, "bad_json", "Could not parse request body as JSON") from error
    if not isinstance(body, dict):
        raise AuthError(
            400, "bad_json", "Could not parse request body as JSON: an object is needed"
        )
    return body
