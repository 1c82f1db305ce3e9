"""/verify: a link that was clicked (GET) or a token that was typed (POST) becomes a session."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from devstack.gateway import auth_email_change, auth_flows, auth_redirects, auth_rows
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_one_time import (
    EXPIRED_CODE,
    EXPIRED_LINK,
    find_by_code,
    find_by_hash,
    hashes_of,
    spend,
)
from devstack.gateway.auth_sessions import open_session
from devstack.gateway.database import Connection
from devstack.gateway.keys import DATABASE, SETTINGS

OAUTH_ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
IN_FRAGMENT = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")


async def by_link(request: web.Request) -> web.Response:
    kind, token = request.query.get("type", ""), request.query.get("token", "").replace("\0", "")
    _need_type(kind)
    if not token:
        raise _invalid("Verify requires a token or a token hash")
    pkce = token.startswith(auth_flows.PREFIX)
    query, fragment = {}, {}
    try:
        async with request.app[DATABASE].admin() as connection:
            user = await _prove(request, connection, {"type": kind, "token_hash": token})
            if user is None:
                fragment = {"message": auth_email_change.ONE_OF_TWO}
            elif pkce:
                query = {"code": await auth_flows.issue_code(connection, user, kind)}
            else:
                session = await open_session(connection, request.app[SETTINGS], user, "otp")
                fragment = {name: session[name] for name in IN_FRAGMENT} | {"type": kind}
    except AuthError as error:
        fragment = _told(error)
    # What is no session may stand in the query, where a server sees it.
    query = query or (fragment if pkce else {})
    return _redirect(auth_redirects.target(request), query, fragment)


def _redirect(target: str, query: dict[str, str], fragment: dict[str, str]) -> web.Response:
    parts = urlsplit(target)
    asked = "&".join(filter(None, (parts.query, urlencode(query))))
    where = parts._replace(query=asked, fragment=urlencode(fragment) or parts.fragment)
    return web.Response(status=303, headers={"Location": urlunsplit(where)})


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
        user = await _prove(request, connection, body)
        answer: dict[str, Any] = {"msg": auth_email_change.ONE_OF_TWO, "code": "200"}
        if user is not None:
            answer = await open_session(connection, request.app[SETTINGS], user, "otp")
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def _prove(
    request: web.Request, connection: Connection, given: dict[str, Any]
) -> dict[str, Any] | None:
    """Who it is; None after the first of two confirmations. The token is spent."""
    auth, kind = request.app[SETTINGS].auth, str(given["type"])
    token_hash, code = str(given.get("token_hash") or ""), str(given.get("token") or "")
    email = "" if token_hash else auth_rows.as_email(given["email"])
    if kind == auth_email_change.KIND:
        hashes = [token_hash] if token_hash else hashes_of(email, code)
        expired = EXPIRED_LINK if token_hash else EXPIRED_CODE
        return await auth_email_change.confirm(connection, auth, hashes, expired)
    if token_hash:
        found = await find_by_hash(connection, auth, kind, token_hash)
    else:
        found = await find_by_code(connection, auth, kind, email, code)
    return await spend(connection, *found)


def _need_type(kind: Any) -> None:
    if not kind:
        raise _invalid("Verify requires a verification type")


def _invalid(message: str) -> AuthError:
    return AuthError(400, "validation_failed", message)
