"""/metrics for Prometheus: what this web process saw, and what workers left in Redis.

Under gunicorn the processes share PROMETHEUS_MULTIPROC_DIR (gunicorn.conf.py), so that whichever
answers speaks for all. No label holds a person's data or anything a caller can choose.
"""

from __future__ import annotations

import hmac
import os
from functools import cache

from flask import Blueprint, Response, request
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from app.auth import open_to_all
from app.clients import clients
from app.errors import not_found, signed_out
from app.shared_metrics import SharedMetrics

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("crm_http_requests", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram(
    "crm_http_request_seconds", "Time to the answer.", ["route", "method"], buckets=BUCKETS_S
)
WEBHOOKS = Counter("crm_webhooks", "Webhooks by what the door did.", ["provider", "outcome"])
REFUSALS = Counter("crm_rate_limit_refusals", "Requests answered 429.", ["limit"])

metrics = Blueprint("metrics", __name__)


def observe_request(route: str | None, method: str, status: int, seconds: float) -> None:
    """`route` is a pattern, `method` a known one: callers must not be able to invent labels."""
    counted, timed = _children(route or "none", method, status)
    counted.inc()
    timed.observe(seconds)


@cache
def _children(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, status), SECONDS.labels(route, method)


@metrics.get("/metrics")
@open_to_all
def show() -> Response:
    _check_token(clients().config.metrics_token)
    ours = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        ours = CollectorRegistry()
        MultiProcessCollector(ours)  # type: ignore[no-untyped-call]
    theirs = CollectorRegistry()
    theirs.register(SharedMetrics(clients().redis))
    return Response(
        generate_latest(ours) + generate_latest(theirs), mimetype=CONTENT_TYPE_PLAIN_0_0_4
    )


def _check_token(expected: str) -> None:
    """Raises AppError 404 where no token is set: closed unless somebody opened it."""
    if not expected:
        raise not_found()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), expected.encode())
    if scheme.lower() != "bearer" or not same:
        raise signed_out("invalid_token", "This is not the token set as METRICS_TOKEN.")
