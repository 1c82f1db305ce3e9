"""Who asks: the `apikey` lets a request in, the bearer token says as whom."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from devstack.gateway.jwt_keys import BadToken, JwtKeys
from devstack.gateway.settings import Settings

API_ROLES = ("anon", "authenticated", "service_role")
OPEN_PATHS = (
    "/health",
    "/auth/v1/.well-known/",
    "/auth/v1/health",
    "/auth/v1/verify",
    "/mails",
    "/storage/v1/object/public/",
    "/storage/v1/object/info/public/",
)
SIGNED_PATH = "/storage/v1/object/sign/"


@dataclass(frozen=True)
class Caller:
    role: str
    claims: dict[str, Any]

    @property
    def user_id(self) -> str | None:
        return self.claims.get("sub")

    @property
    def expires_at(self) -> float:
        return float(self.claims.get("exp", time.time() + 10**9))


def caller_of_token(token: str, keys: JwtKeys) -> Caller:
    claims = keys.read(token)
    role = claims.get("role", "anon")
    if role not in API_ROLES:
        raise BadToken(f"role {role!r} is not one of {', '.join(API_ROLES)}")
    return Caller(role, claims)


def bearer_of(request: web.Request) -> str:
    """The Authorization header's token, or the apikey where none is sent."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return apikey_of(request)


def caller_of(request: web.Request, settings: Settings) -> Caller:
    return caller_of_token(bearer_of(request), settings.jwt_keys)


def apikey_of(request: web.Request) -> str:
    return request.headers.get("apikey") or request.query.get("apikey", "")


def refusal(request: web.Request, settings: Settings) -> web.Response | None:
    """Supabase's gateway's answer to a request without a known key; None lets it pass."""
    if _is_open(request):
        return None
    key = apikey_of(request)
    if not key:
        return web.json_response(
            status=401,
            data={
                "message": "No API key found in request",
                "hint": "No `apikey` request header or url param was found.",
            },
        )
    if key not in (settings.anon_key, settings.service_role_key):
        return web.json_response(
            status=401,
            data={
                "message": "Invalid API key",
                "hint": "Double check your Supabase `anon` or `service_role` API key.",
            },
        )
    return None


def _is_open(request: web.Request) -> bool:
    if request.method in ("GET", "HEAD") and request.path.startswith(SIGNED_PATH):
        return True
    return request.path.startswith(OPEN_PATHS)
