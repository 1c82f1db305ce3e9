"""Error bodies: v1 has a code of family, variant and status; the dated surface has none."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from sandbox.answers import ApiError

FAMILIES = {
    "calls": "01",
    "messages": "02",
    "webhooks": "03",
    "phone-numbers": "04",
    "call-summaries": "05",
    "call-transcripts": "06",
    "contact-custom-fields": "07",
    "contacts": "08",
    "call-recordings": "09",
    "conversations": "10",
    "users": "11",
    "call-voicemails": "12",
}
# Where the variant is not 00.
VARIANTS = {("01", 403): "01", ("08", 403): "01", ("10", 403): "01"}
V1_DOCS = "https://openphone.com/docs"
DATED_DOCS = "https://quo.com/docs"


def respond(request: web.Request, error: ApiError) -> web.Response:
    v1 = request.path.startswith("/v1/")
    body = _v1_body(request.path, error) if v1 else _dated_body(error)
    return web.json_response(body, status=error.status)


def code_of(path: str, status: int) -> str:
    family = FAMILIES.get(path.split("/")[2] if path.count("/") > 1 else "", "00")
    variant = "01" if status >= 500 else VARIANTS.get((family, status), "00")
    return f"{family}{variant}{status}"


def _v1_body(path: str, error: ApiError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message": error.message,
        "code": error.code or code_of(path, error.status),
        "status": error.status,
        "docs": V1_DOCS,
        "title": error.title,
        "trace": _trace(),
    }
    return body | ({"errors": error.errors} if error.errors else {})


def _dated_body(error: ApiError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "title": error.title,
        "message": error.message,
        "docs": DATED_DOCS,
        "trace": _trace(),
    }
    return body | ({"errors": error.errors} if error.errors else {})


def _trace() -> str:
    return str(secrets.randbelow(9 * 10**18) + 10**18)
