"""What surrounds every request: its id, its headers, its metrics, and one log line.

It sits around Flask, not inside, so that nothing Flask answers escapes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Flask, request

from app import headers, metrics, passage
from app.passage import Passage

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Anything may be sent as a method, and what anything may be must not name a metric.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def register(app: Flask) -> None:
    app.before_request(_note_route)


class Surround:
    def __init__(self, wsgi_app: Any) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        passing = Passage(
            request_id=given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex(),
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            address=environ.get("REMOTE_ADDR", ""),
        )
        passage.begin(passing)

        def start(status: str, sent: headers.Headers, exc_info: Any = None) -> Any:
            _dress(passing, environ, sent)
            _record(passing, int(status[:3]))
            return start_response(status, sent, exc_info)

        answer: Iterable[bytes] = self._wsgi_app(environ, start)
        return answer


def _note_route() -> None:
    rule = request.url_rule
    passage.this().route = rule.rule if rule else None


def _dress(passing: Passage, environ: dict[str, Any], sent: headers.Headers) -> None:
    headers.secure(environ, sent)
    sent.append(("X-Request-Id", passing.request_id))
    sent.append(("Server-Timing", passing.server_timing()))
    sent += passing.headers


def _record(passing: Passage, status: int) -> None:
    method = passing.method if passing.method in METHODS else "OTHER"
    elapsed_s = passing.elapsed_s()
    metrics.observe_request(passing.route, method, status, elapsed_s)
    log.info(
        "request",
        method=method,
        route=passing.route,
        status=status,
        code=passing.code,
        ms=round(elapsed_s * 1000, 1),
        user_id=passing.user_id,
        api_key=passing.key_prefix,
    )
