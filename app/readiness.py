"""Does what this process needs answer, and does anybody do the work it hands out?

Only what no request can do without makes it `failed`: taking every process off the load balancer
because Redis or a worker is away would turn a part that is down into a whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from redis.exceptions import RedisError

from app import workforce
from app.clients import Clients
from app.db import AWAY, auth_headers

PROBE_TIMEOUT_S = 2.0
# Anybody may ask, and each report asks everything: once a second is enough.
FRESH_S = 1.0
ESSENTIAL = ("postgrest", "database", "schema")
# Rings are answered in seconds; what waits longer waits for a worker.
QUEUED_TOO_LONG_S = 300
# Nobody has it, and it takes the door our migrations built in Postgres to say so. A table would not
# do: whoever is not signed in may not enter the schema, and learns not what is in it.
NOBODYS_KEY = f"aac_{'0' * 8}_{'0' * 43}"
UNKNOWN_KEY = "PT401"

Checks = dict[str, dict[str, Any]]


class Readiness:
    """`clock` gives seconds, monotonic."""

    def __init__(self, held: Clients, clock: Callable[[], float] = time.monotonic) -> None:
        self._held = held
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, Any] = {}
        self._found_at = float("-inf")

    def report(self) -> dict[str, Any]:
        """{"status": ok, degraded or failed, "checks": {name: {"status": …, …}}}."""
        with self._lock:
            if self._clock() - self._found_at > FRESH_S:
                self._found = _judge(_look(self._held))
                self._found_at = self._clock()
            return self._found


def _judge(checks: Checks) -> dict[str, Any]:
    failed = {name for name, check in checks.items() if check["status"] != "ok"}
    worst = "failed" if failed & {*ESSENTIAL} else "degraded"
    return {"status": worst if failed else "ok", "checks": checks}


def _look(held: Clients) -> Checks:
    parts = (_data, _storage, _redis)
    with ThreadPoolExecutor(len(parts)) as pool:
        found = pool.map(lambda part: part(held), parts)
        return {name: check for checks in found for name, check in checks.items()}


def _data(held: Clients) -> Checks:
    """One question, three answers: how far did it come?"""
    started = time.perf_counter()
    try:
        reached = _how_far(_probe(held, "rest/v1/locations?limit=0", NOBODYS_KEY))
    except (httpx.HTTPError, ValueError):
        reached = 0
    ms = _ms(started)
    return {name: _check(reached > step, ms=ms) for step, name in enumerate(ESSENTIAL)}


def _how_far(answer: httpx.Response) -> int:
    """0: PostgREST is away; 1: the database is; 2: it lacks a migration; 3: all is well."""
    if answer.is_success:
        return 2
    code = str(answer.json().get("code") or "")
    if code == UNKNOWN_KEY:
        return 3
    if not code:
        return 0
    return 1 if code.startswith(AWAY) else 2


def _storage(held: Clients) -> Checks:
    started = time.perf_counter()
    try:
        # Whatever it says about the bucket to somebody unknown, it has looked it up.
        good = _probe(held, "storage/v1/bucket/imports").status_code < 500
    except httpx.HTTPError:
        good = False
    return {"storage": _check(good, ms=_ms(started))}


def _redis(held: Clients) -> Checks:
    """Redis, and what workers left there; unknown is not well."""
    started = time.perf_counter()
    names = [*(f"worker-{queue}" for queue in workforce.QUEUES), workforce.CLOCK]
    try:
        seen = workforce.presence(held.redis)
        queued = workforce.waiting(held.redis)
    except RedisError:
        unknown = [*names, *(f"queue-{queue}" for queue in workforce.QUEUES)]
        return {"redis": _check(False, ms=_ms(started))} | {n: _check(False) for n in unknown}
    checks = {"redis": _check(True, ms=_ms(started))}
    for name, one in zip(names, seen.values(), strict=True):
        well = one.alive > 0 and not one.silent
        checks[name] = _check(well, alive=one.alive, silent=one.silent)
    for queue, rings in queued.items():
        well = (rings.oldest_s or 0) < QUEUED_TOO_LONG_S
        checks[f"queue-{queue}"] = _check(well, length=rings.length, oldest_s=rings.oldest_s)
    return checks


def _check(good: bool, **details: Any) -> dict[str, Any]:
    return {"status": "ok" if good else "failed", **details}


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _probe(held: Clients, path: str, credential: str = "") -> httpx.Response:
    key = held.config.supabase_anon_key
    url = f"{held.config.supabase_url}/{path}"
    return held.http.get(url, headers=auth_headers(key, credential or key), timeout=PROBE_TIMEOUT_S)
