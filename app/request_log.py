"""A request id for every request, echoed and logged, and one log line per request."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    user = g.get("user")
    log.info(
        "request",
        method=request.method,
        # The pattern, not the path: paths may hold what somebody typed.
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        code=g.get("problem_code"),
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        user_id=user.id if user else None,
    )
    return response
