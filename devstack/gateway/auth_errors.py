"""GoTrue's error shape in both of its API versions, and JSON bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

VERSION_HEADER = "X-Supabase-Api-Version"
CODES_SINCE = "2024-01-01"
NO_JSON = "Could not parse request body as JSON"
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
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
    raw = await request.read() or b"{}"
    try:
        body = json.loads(raw)
        good = isinstance(body, dict) and _is_storable(body)
    except (ValueError, RecursionError) as error:
        raise AuthError(400, "bad_json", NO_JSON) from error
    if not good:
        raise AuthError(400, "bad_json", f"{NO_JSON}: an object of plain text is needed")
    return dict(body)


def _is_storable(value: Any) -> bool:
    """False for NUL and for halves of surrogate pairs, which PostgreSQL does not take."""
    if isinstance(value, dict):
        return all(_is_storable(key) and _is_storable(one) for key, one in value.items())
    if isinstance(value, list):
        return all(_is_storable(one) for one in value)
    return not isinstance(value, str) or UNSTORABLE.search(value) is None
