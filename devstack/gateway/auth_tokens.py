"""POST /token: the password, refresh_token and pkce grants."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from devstack.gateway import auth_flows, auth_rows, passwords
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_sessions import open_session, refresh
from devstack.gateway.database import fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS


async def token(request: web.Request) -> web.Response:
    grant = request.query.get("grant_type", "")
    body = await read_json(request)
    if grant == "password":
        return _no_store(await _by_password(request, body))
    if grant == "refresh_token":
        return _no_store(await _by_refresh_token(request, body))
    if grant == "pkce":
        return _no_store(await _by_code(request, body))
    raise AuthError(400, "validation_failed", f"unsupported_grant_type: {grant!r}")


def _no_store(answer: dict[str, Any]) -> web.Response:
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def _by_password(request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
    if not body.get("email"):
        raise AuthError(400, "validation_failed", "missing email")
    email, password = str(body["email"]).strip().lower(), str(body.get("password") or "")
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(
            connection, auth_rows.USER_BY_EMAIL.removesuffix(" for no key update"), (email,)
        )
    # The slow comparison holds no connection and no lock.
    if not await passwords.matches(password, user["encrypted_password"] if user else None):
        raise AuthError(400, "invalid_credentials", "Invalid login credentials")
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
        if user is None:
            raise AuthError(400, "invalid_credentials", "Invalid login credentials")
        if auth_rows.is_banned(user):
            raise AuthError(400, "user_banned", "User is banned")
        if user["email_confirmed_at"] is None:
            raise AuthError(400, "email_not_confirmed", "Email not confirmed")
        answer = await open_session(connection, request.app[SETTINGS], user, "password")
    return answer | {"weak_password": passwords.weakness(password, request.app[SETTINGS].auth)}


async def _by_refresh_token(request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
    given = str(body.get("refresh_token") or "")
    if not given:
        raise AuthError(400, "validation_failed", "refresh_token required")
    async with request.app[DATABASE].admin() as connection:
        answer = await refresh(connection, request.app[SETTINGS], given)
    if isinstance(answer, AuthError):
        raise answer
    return answer


async def _by_code(request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
    code, verifier = str(body.get("auth_code") or ""), str(body.get("code_verifier") or "")
    if not code or not verifier:
        message = "invalid request: both auth code and code verifier should be non-empty"
        raise AuthError(400, "validation_failed", message)
    async with request.app[DATABASE].admin() as connection:
        user, method = await auth_flows.exchange(connection, code, verifier)
        return await open_session(connection, request.app[SETTINGS], user, method)
