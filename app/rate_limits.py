"""How many requests a minute: of one person, one API key, one IP address.

Nobody gets more than the quota. When several processes hold leases (app/leases.py), somebody may
be refused a few hits early; while Redis is away each process counts alone.
"""

from __future__ import annotations

import ipaddress

from flask import Flask, Response, g

from app import passage
from app.config import Quotas
from app.errors import AppError
from app.leases import WINDOW_S, Leases, Standing
from app.metrics import REFUSALS
from app.passage import Passage
from app.problems import problem

# A vendor that is refused sends again, hours later; who signed what comes costs little to find out.
UNLIMITED = ("/health/", "/metrics", "/webhooks/")

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

    def refuse_guesses(self) -> None:
        """To be called before a credential is checked elsewhere. Raises AppError 429."""
        quota, address = self._quotas.failed, passage.this().address
        if quota and self._leases.is_spent(f"failed:{network(address)}", quota):
            raise _refusal("failed", WINDOW_S)


def _tell(limit: str, quota: int, standing: Standing) -> None:
    """https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10."""
    passage.this().headers = [
        ("RateLimit-Policy", f'"{limit}";q={quota};w={WINDOW_S}'),
        ("RateLimit", f'"{limit}";r={standing.remaining};t={standing.reset_s}'),
    ]


def _refusal(limit: str, wait_s: int) -> AppError:
    REFUSALS.labels(limit).inc()
    detail = f"{TOO_MANY[limit]} Try again in {wait_s} seconds."
    return AppError(429, "too_many_requests", detail, headers={"Retry-After": str(wait_s)})


def register_before_auth(app: Flask, limits: RateLimits) -> None:
    """What needs no knowledge of the caller, and what an answer 401 costs."""

    def count_address() -> None:
        passing = passage.this()
        if _is_limited(passing):
            limits.count("ip", network(passing.address))

    def count_failed_sign_in(response: Response) -> Response:
        if response.status_code != 401:
            return response
        try:
            limits.count("failed", network(passage.this().address))
        except AppError as too_many:
            return problem(too_many)
        return response

    app.before_request(count_address)
    app.after_request(count_failed_sign_in)


def register_after_auth(app: Flask, limits: RateLimits) -> None:
    """A person by his id, a program by its key; who needs no token, by his address."""

    def count_caller() -> None:
        passing, user = passage.this(), g.get("user")
        if user:
            passing.user_id, passing.key_prefix = user.id, user.key_prefix
            limits.count(*(("key", user.key_id) if user.key_id else ("user", user.id)))
        elif _is_limited(passing):
            limits.count("open", network(passing.address))

    app.before_request(count_caller)


def _is_limited(passing: Passage) -> bool:
    """Health must answer when everything is too much, and a preflight asks for nothing yet."""
    return passing.method != "OPTIONS" and not passing.path.startswith(UNLIMITED)


def network(address: str) -> str:
    """An IPv6 network's first half: whoever has one address there has all of them."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False))
