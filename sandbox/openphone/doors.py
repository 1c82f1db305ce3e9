"""What stands before every call of either surface: key, version, pace."""

from __future__ import annotations

import hmac

from aiohttp import web

from sandbox.answers import ApiError
from sandbox.keys import SANDBOX
from sandbox.openphone.hooks import VERSION


def check(request: web.Request) -> None:
    """Raises ApiError."""
    sandbox = request.app[SANDBOX]
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), sandbox.settings.openphone_key.encode()):
        raise ApiError(401, "Unauthorized", "Missing or invalid API key")
    if not sandbox.bucket.take(sandbox.vendor.behaviour.requests_per_s):
        raise ApiError(429, "Too Many Requests", "You have exceeded your rate limit")
    if not request.path.startswith("/v1/"):
        _check_version(request.headers.get("Quo-Api-Version"))


def _check_version(given: str | None) -> None:
    if given != VERSION:
        said = f"Unknown version {given}" if given else "Header Quo-Api-Version is required"
        raise ApiError(400, "Bad Request", said)
