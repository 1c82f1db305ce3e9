"""/verify: a link that was clicked (GET) or a token that was typed (POST) becomes a session."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from devstack.gateway import auth_email_change, auth_redirects, auth_rows
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_one_time import EXPIRED_CODE, find_by_code, find_by_hash, hash_of, spend
from devstack.gateway.auth_sessions import open_session
from devstack.gateway.database import Connection
from devstack.gateway.keys import DATABASE, SETTINGS
from devstack.gateway.settings import Settings

OAUTH_ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
IN_FRAGMENT = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")


async def by_link(request: web.Request) -> web.Response:
    kind, token = request.query.get("type", ""), request.query.get("token", "")
    _need_type(kind)
    if not token:
        raise _invalid("Verify requires a token or a token hash")
    try:
        async with request.app[DATABASE].admin() as connection:
            answer = await _redeem(request, connection, {"type": kind, "token_hash": token})
    except AuthError as error:
        fragment = _told(error)
    else:
        fragment = answer if "message" in answer else _shown_in_link(answer, kind)
    target = auth_redirects.target(request)
    return web.Response(status=303, headers={"Location": f"{target}#{urlencode(fragment)}"})


def _shown_in_link(answer: dict[str, Any], kind: str) -> dict[str, str]:
    return {name: answer[name] for name in IN_FRAGMENT} | {"type": kind}


def _told(error: AuthError) -> dict[str, str]:
    named = {"error": OAUTH_ERRORS[error.status]} if error.status in OAUTH_ERRORS else {}
    return named | {"error_code": error.code, "error_description": error.message}


async def by_token(request: web.Request) -> web.Response:
    body = await read_json(request)
    _need_type(body.get("type"))
    if bool(body.get("token")) == bool(body.get("token_hash")):
        raise _invalid("Verify requires either a token or a token hash")
    if body.get("token") and not body.get("email"):
        raise _invalid("Only an email address or phone number should be provided on verify")
    if body.get("token_hash") and (body.get("email") or body.get("redirect_to")):
        raise _invalid("Only the token_hash and type should be provided")
    async with request.app[DATABASE].admin() as connection:
        answer = await _redeem(request, connection, body)
    if "message" in answer:
        answer = {"msg": answer["message"], "code": "200"}
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def _redeem(
    request: web.Request, connection: Connection, given: dict[str, Any]
) -> dict[str, Any]:
    """The session; for the first of two confirmations only a `message`."""
    settings, kind = request.app[SETTINGS], str(given["type"])
    if kind == auth_email_change.KIND:
        return await _change_email(connection, settings, given)
    if given.get("token_hash"):
        found = await find_by_hash(connection, settings.auth, kind, str(given["token_hash"]))
    else:
        email = auth_rows.as_email(given["email"])
        found = await find_by_code(connection, settings.auth, kind, email, str(given["token"]))
    user = await spend(connection, *found)
    return await open_session(connection, settings, user, "otp")


async def _change_email(
    connection: Connection, settings: Settings, given: dict[str, Any]
) -> dict[str, Any]:
    if given.get("token_hash"):
        user = await auth_email_change.confirm(connection, settings.auth, str(given["token_hash"]))
    else:
        typed = hash_of(auth_rows.as_email(given["email"]), str(given["token"]))
        user = await auth_email_change.confirm(connection, settings.auth, typed, EXPIRED_CODE)
    if user is None:
        return {"message": auth_email_change.ONE_OF_TWO}
    return await open_session(connection, settings, user, "otp")


def _need_type(kind: Any) -> None:
    if not kind:
        raise _invalid("Verify requires a verification type")


def _invalid(message: str) -> AuthError:
    return AuthError(400, "validation_failed", message)
