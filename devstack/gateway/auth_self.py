"""What a signed-in user does with his own account: see it, change it, leave."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from devstack.gateway import auth_email_change, auth_rows, passwords
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_sessions import end_sessions
from devstack.gateway.callers import bearer_of
from devstack.gateway.database import Connection, fetch_one
from devstack.gateway.jwt_keys import BadToken
from devstack.gateway.keys import DATABASE, SETTINGS

SCOPES = ("global", "local", "others")


def claims_of(request: web.Request) -> dict[str, Any]:
    token = bearer_of(request, request.app[SETTINGS])
    if not token:
        raise AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")
    try:
        return request.app[SETTINGS].jwt_keys.read(token)
    except BadToken as error:
        message = f"invalid JWT: unable to parse or verify signature, {error}"
        raise AuthError(403, "bad_jwt", message) from error


async def signed_in(
    connection: Connection, claims: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(user row, session row); both must still exist."""
    if not claims.get("sub"):
        raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
    user = await fetch_one(connection, auth_rows.USER_BY_ID, (_as_uuid(claims["sub"], "sub"),))
    if user is None:
        raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
    session = await fetch_one(
        connection,
        "select * from auth.sessions where id = %s and user_id = %s",
        (_as_uuid(claims.get("session_id"), "session_id"), user["id"]),
    )
    if session is None:
        raise AuthError(
            403, "session_not_found", "Session from session_id claim in JWT does not exist"
        )
    return user, session


def _as_uuid(value: Any, claim: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError as error:
        raise AuthError(403, "bad_jwt", f"invalid claim: {claim} claim must be a UUID") from error


async def get_user(request: web.Request) -> web.Response:
    async with request.app[DATABASE].admin() as connection:
        user, _ = await signed_in(connection, claims_of(request))
        return web.json_response(await auth_rows.show(connection, user))


async def put_user(request: web.Request) -> web.Response:
    claims, body = claims_of(request), await read_json(request)
    async with request.app[DATABASE].admin() as connection:
        user, session = await signed_in(connection, claims)
        if body.get("email") or body.get("password"):
            await _need_second_factor(connection, user, session)
        changes = await _changes(request, connection, user, body)
        if "encrypted_password" in changes:
            await end_sessions(connection, user["id"], keep=session["id"])
        user = await auth_rows.write(connection, user["id"], changes)
        return web.json_response(await auth_rows.show(connection, user))


async def _need_second_factor(
    connection: Connection, user: dict[str, Any], session: dict[str, Any]
) -> None:
    """A stolen aal1 session must not take the account over where there is a second factor."""
    query = "select id from auth.mfa_factors where user_id = %s and status = 'verified' limit 1"
    if session["aal"] == "aal1" and await fetch_one(connection, query, (user["id"],)):
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise AuthError(401, "insufficient_aal", message)


async def _changes(
    request: web.Request, connection: Connection, user: dict[str, Any], body: dict[str, Any]
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if body.get("email") and auth_rows.as_email(body["email"]) != user["email"]:
        email = auth_rows.as_email(body["email"])
        await auth_rows.refuse_taken_email(connection, email, user["id"])
        if request.app[SETTINGS].auth.confirms_email:
            changes |= await auth_email_change.ask(request, connection, user, body)
        else:
            changes["email"] = email
    if body.get("password"):
        if await passwords.matches(str(body["password"]), user["encrypted_password"]):
            raise AuthError(
                422, "same_password", "New password should be different from the old password."
            )
        changes["encrypted_password"] = await passwords.new_hash(
            str(body["password"]), request.app[SETTINGS].auth
        )
    if body.get("data") is not None:
        changes["raw_user_meta_data"] = auth_rows.merged(user["raw_user_meta_data"], body["data"])
    return changes


async def logout(request: web.Request) -> web.Response:
    scope, claims = request.query.get("scope", "global"), claims_of(request)
    if scope not in SCOPES:
        raise AuthError(400, "validation_failed", f'Unsupported logout scope "{scope}"')
    async with request.app[DATABASE].admin() as connection:
        user, session = await signed_in(connection, claims)
        await end_sessions(
            connection,
            user["id"],
            keep=session["id"] if scope == "others" else None,
            only=session["id"] if scope == "local" else None,
        )
    return web.Response(status=204)
