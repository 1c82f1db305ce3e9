"""GET /numverify/api/validate: errors come with status 200, as apilayer's do."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.faults import NUMVERIFY_KINDS
from sandbox.keys import SANDBOX

ERRORS = {
    "missing_access_key": (101, "You have not supplied an API Access Key."),
    "invalid_access_key": (101, "You have not supplied a valid API Access Key."),
    "usage_limit_reached": (104, "Your monthly API request volume has been reached."),
    "rate_limit_reached": (106, "You have exceeded the maximum rate limitation."),
    "no_phone_number_provided": (210, "Please specify a phone number."),
    "non_numeric_phone_number_provided": (211, "Please specify a numeric phone number."),
    "invalid_country_code": (310, "You have specified an invalid 2-letter country code."),
}


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/numverify/api/validate", validate)


async def validate(request: web.Request) -> web.Response:
    numverify, given = request.app[SANDBOX].numverify, request.query
    problem = _problem(given.get("access_key"), numverify.key, given.get("number", ""))
    fault = request.app[SANDBOX].faults.take(NUMVERIFY_KINDS, path=request.path)
    if fault or problem:
        return _answer(_error(fault.kind if fault else str(problem)))
    return _answer(numverify.answer(given["number"], given.get("country_code", "").upper()))


def _problem(key: str | None, right: str, number: str) -> str | None:
    if not key:
        return "missing_access_key"
    if key != right:
        return "invalid_access_key"
    if not number:
        return "no_phone_number_provided"
    digits = number.strip().lstrip("+").replace("-", "").replace(" ", "")
    return None if digits.isdigit() else "non_numeric_phone_number_provided"


def _error(kind: str) -> dict[str, Any]:
    code, info = ERRORS[kind]
    return {"success": False, "error": {"code": code, "type": kind, "info": info}}


def _answer(content: dict[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(content), content_type="application/json")
