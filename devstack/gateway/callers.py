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
SIGNED_UPLOAD_PATH = "/storage/v1/object/upload/sign/"


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


def bearer_of(request: web.Request, settings: Settings) -> str:
    """The Authorization header's token, or what the apikey stands for where none is sent."""
    token = _sent_token(request)
    if token and not repeats_key(request):
        return token
    key = apikey_of(request)
    return settings.opaque_keys.get(key, key)


def repeats_key(request: web.Request) -> bool:
    """Clients send an `sb_…` key, which is no JWT, in the Authorization header as well."""
    token = _sent_token(request)
    return token.startswith("sb_") and token == apikey_of(request)


def _sent_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def caller_of(request: web.Request, settings: Settings) -> Caller:
    return caller_of_token(bearer_of(request, settings), settings.jwt_keys)


def apikey_of(request: web.Request) -> str:
    return request.headers.get("apikey") or request.query.get("apikey", "")


def refusal(request: web.Request, settings: Settings) -> web.Response | None:
    """Supabase's gateway's answer to a request without a known key; None lets it pass."""
    if _is_open(request):
        return None
    key = apikey_of(request)
    if not key:
        return _refuse(
            "No API key found in request", "No `apikey` request header or url param was found."
        )
    if key not in (settings.anon_key, settings.service_role_key, *settings.opaque_keys):
        return _refuse(
            "Invalid API key", "Double check your Supabase `anon` or `service_role` API key."
        )
    if key == settings.secret_key and "Mozilla/" in request.headers.get("User-Agent", ""):
        return _refuse(
            "Forbidden use of secret API key in browser",
            "Secret API keys can only be used in a protected environment and should never be used"
            " in a browser. Delete this secret API key immediately if exposed publicly.",
        )
    return None


def _refuse(message: str, hint: str) -> web.Response:
    return web.json_response(status=401, data={"message": message, "hint": hint})


def _is_open(request: web.Request) -> bool:
    if request.method in ("GET", "HEAD") and request.path.startswith(SIGNED_PATH):
        return True
    if request.method == "PUT" and request.path.startswith(SIGNED_UPLOAD_PATH):
        return True
    return request.path.startswith(OPEN_PATHS)
