"""/health/live: the process answers. /health/ready: what it needs answers too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
from flask import jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields
from redis.exceptions import RedisError

from app.auth import open_to_all
from app.clients import Clients, clients
from app.db import auth_headers
from app.openapi import ApiBlueprint

PROBE_TIMEOUT_S = 2.0


class Live(Schema):
    status = fields.String(required=True, metadata={"example": "ok"})


class Check(Schema):
    status = fields.String(required=True, metadata={"enum": ["ok", "failed"]})
    ms = fields.Float(required=True, metadata={"description": "How long the answer took."})


class Ready(Schema):
    status = fields.String(required=True, metadata={"enum": ["ok", "failed"]})
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(Check), required=True)


health = ApiBlueprint("health", __name__, url_prefix="/health", description="For load balancers.")


@health.get("/live")
@open_to_all
@health.response(200, Live)
@health.doc(security=[])
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/ready")
@open_to_all
@health.response(200, Ready)
@health.alt_response(503, schema=Ready, description="Something it needs does not answer.")
@health.doc(security=[])
def ready() -> ResponseReturnValue:
    """Database, Redis and file store answer."""
    held = clients()
    checks = {
        "database": _timed(lambda: _database_answers(held)),
        "redis": _timed(lambda: bool(held.redis.ping())),
        "storage": _timed(lambda: _storage_answers(held)),
    }
    good = all(check["status"] == "ok" for check in checks.values())
    body = {"status": "ok" if good else "failed", "checks": checks}
    return jsonify(body), 200 if good else 503


def _timed(answers: Callable[[], bool]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        good = answers()
    except (httpx.HTTPError, RedisError, ValueError):
        good = False
    ms = round((time.perf_counter() - started) * 1000, 1)
    return {"status": "ok" if good else "failed", "ms": ms}


def _database_answers(held: Clients) -> bool:
    # Nobody may read this table without signing in, and it takes Postgres itself to say so.
    answer = _probe(held, "rest/v1/imports?select=id&limit=0")
    return answer.is_success or answer.json().get("code") == "42501"


def _storage_answers(held: Clients) -> bool:
    # Whatever it says about the bucket to somebody unknown, it has looked it up.
    return _probe(held, "storage/v1/bucket/imports").status_code < 500


def _probe(held: Clients, path: str) -> httpx.Response:
    key = held.config.supabase_anon_key
    url = f"{held.config.supabase_url}/{path}"
    return held.http.get(url, headers=auth_headers(key, key), timeout=PROBE_TIMEOUT_S)
