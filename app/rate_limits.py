"""How many requests a minute: of one person, one API key, one IP address.

Nobody gets more than the quota. When several processes hold leases (app/leases.py), somebody may
be refused a few hits early; while Redis is away each process counts alone.
"""

from __future__ import annotations

import ipaddress
from typing import cast

from flask import Flask, Response, current_app, g, request

from app import passage
from app.config import Quotas
from app.errors import AppError
from app.leases import WINDOW_S, Leases, Standing
from app.metrics import REFUSALS
from app.problems import problem

TOO_MANY = {
    "user": "You have sent too many requests.",
    "key": "This API key has sent too many requests.",
    "ip": "Too many requests came from your network.",
    "open": "Too many requests came from your network.",
    "failed": "Too many requests without a valid sign-in came from your network.",
}


class RateLimits:
    """Every limit by its name, a field of Quotas, and whom it is counted for."""

    def __init__(self, quotas: Quotas, leases: Leases) -> None:
        self._quotas = quotas
        self._leases = leases

    def count(self, limit: str, who: str) -> None:
        """Counts one request. Raises AppError 429 when there were too many."""
        quota = getattr(self._quotas, limit)
        if not quota:
            return
        standing = self._leases.hit(f"{limit}:{who}", quota)
        # The address's own limit is wide, and nobody's to plan by; the narrower one is told.
        if standing.refused or limit != "ip":
            _tell(limit, quota, standing)
        if standing.refused:
            raise _refusal(limit, standing.reset_s)

    def refuse_when_spent(self, limit: str, who: str) -> None:
        """Counts nothing. Raises AppError 429 when there were too many."""
        quota = getattr(self._quotas, limit)
        if quota and self._leases.is_spent(f"{limit}:{who}", quota):
            raise _refusal(limit, WINDOW_S)


def _tell(limit: str, quota: int, standing: Standing) -> None:
    """https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10."""
    passing = passage.current()
    if passing:
        passing.headers = [
            ("RateLimit-Policy", f'"{limit}";q={quota};w={WINDOW_S}'),
            ("RateLimit", f'"{limit}";r={standing.remaining};t={standing.reset_s}'),
        ]


def _refusal(limit: str, wait_s: int) -> AppError:
    REFUSALS.labels(limit).inc()
    detail = f"{TOO_MANY[limit]} Try again in {wait_s} seconds."
    return AppError(429, "too_many_requests", detail, headers={"Retry-After": str(wait_s)})


def register_before_auth(app: Flask, limits: RateLimits) -> None:
    """What needs no knowledge of the caller, and what an answer 401 costs."""
    app.extensions["rate_limits"] = limits
    app.before_request(_count_address)
    app.after_request(_count_failed_sign_in)


def register_after_auth(app: Flask) -> None:
    app.before_request(_count_caller)


def refuse_guesses() -> None:
    """To be called before a credential is checked elsewhere. Raises AppError 429 for guessers."""
    _limits().refuse_when_spent("failed", _address())


def _count_address() -> None:
    if _is_limited():
        _limits().count("ip", _address())


def _count_caller() -> None:
    """A person by his id, a program by its key; who needs no token, by his address."""
    user = g.get("user")
    if user is None:
        if _is_limited():
            _limits().count("open", _address())
        return
    passing, key_id = passage.current(), getattr(user, "key_id", None)
    if passing:
        passing.user_id, passing.key_prefix = user.id, getattr(user, "key_prefix", None)
    _limits().count(*(("key", key_id) if key_id else ("user", user.id)))


def _count_failed_sign_in(response: Response) -> Response:
    if response.status_code != 401:
        return response
    try:
        _limits().count("failed", _address())
    except AppError as too_many:
        return problem(too_many)
    return response


def _is_limited() -> bool:
    """Health must answer when everything is too much, and a preflight asks for nothing yet."""
    if request.method == "OPTIONS":
        return False
    return request.blueprint not in ("health", "metrics")


def _limits() -> RateLimits:
    return cast(RateLimits, current_app.extensions["rate_limits"])


def _address() -> str:
    """An IPv6 network's first half: whoever has one address there has all of them."""
    given = request.remote_addr or ""
    if ":" not in given:
        return given
    try:
        address = ipaddress.IPv6Address(given.partition("%")[0])
    except ValueError:
        return given
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, 64), strict=False))
