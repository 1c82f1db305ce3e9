"""What a stand-in answers: JSON, and errors that the surface asked writes in its own way."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


class ApiError(Exception):
    """`code` is v1's; without it, one is made of the resource and the status."""

    def __init__(
        self,
        status: int,
        title: str,
        message: str = "",
        *,
        code: str = "",
        errors: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message or title)
        self.status = status
        self.title = title
        self.message = message or title
        self.code = code
        self.errors = errors


class NotFound(ApiError):
    def __init__(self, what: str) -> None:
        super().__init__(404, "Not Found", f"{what} not found")


def data(content: Any, status: int = 200, **beside: Any) -> web.Response:
    return web.json_response({"data": content, **beside}, status=status)


async def read_body(request: web.Request) -> dict[str, Any]:
    """Raises ApiError 400 for what is no JSON object."""
    try:
        found = json.loads(await request.read())
    except ValueError:
        raise ApiError(400, "Bad Request", "Body is not valid JSON") from None
    if not isinstance(found, dict):
        raise ApiError(400, "Bad Request", "Body is not an object")
    return found
