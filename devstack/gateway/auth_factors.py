"""/factors: an authenticator (TOTP) is enrolled, asked for its code, and removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pyotp
import segno
from aiohttp import web

from devstack.gateway.auth_challenges import CHALLENGE_LIFE, as_uuid, redeem
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_self import claims_of, signed_in
from devstack.gateway.auth_sessions import raise_session
from devstack.gateway.database import Connection, fetch_all, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS

MOST_FACTORS = 10
UNVERIFIED_LIFE = timedelta(minutes=5)
FACTOR = "select * from auth.mfa_factors where id = %s and user_id = %s for update"


async def enroll(request: web.Request) -> web.Response:
    body, auth = await read_json(request), request.app[SETTINGS].auth
    if body.get("factor_type") != "totp":
        raise AuthError(400, "validation_failed", "factor_type needs to be totp")
    if not auth.totp_enroll_enabled:
        raise AuthError(422, "mfa_totp_enroll_not_enabled", "MFA enroll is disabled for TOTP")
    name, secret, factor_id = str(body.get("friendly_name") or ""), pyotp.random_base32(), uuid4()
    async with request.app[DATABASE].admin() as connection:
        user, session = await signed_in(connection, claims_of(request))
        await _forget_abandoned(connection, user)
        await _check_room(connection, user, session, name)
        await _insert(connection, factor_id, user["id"], name, secret)
    issuer = str(body.get("issuer") or urlsplit(auth.site_url).netloc)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user["email"], issuer_name=issuer)
    image = segno.make(uri, error="h").svg_inline(scale=3, border=4)
    shown = {"qr_code": image, "secret": secret, "uri": uri}
    return web.json_response(
        {"id": str(factor_id), "type": "totp", "friendly_name": name, "totp": shown}
    )


async def _forget_abandoned(connection: Connection, user: dict[str, Any]) -> None:
    await connection.execute(
        "delete from auth.mfa_factors"
        " where user_id = %s and status = 'unverified' and created_at < now() - %s",
        (user["id"], UNVERIFIED_LIFE),
    )


async def _check_room(
    connection: Connection, user: dict[str, Any], session: dict[str, Any], name: str
) -> None:
    factors = await fetch_all(
        connection,
        "select friendly_name, status::text from auth.mfa_factors where user_id = %s",
        (user["id"],),
    )
    # As GoTrue: two without a name are two of the same name.
    if any(factor["friendly_name"] == name for factor in factors):
        raise _name_conflict(name)
    if len(factors) >= MOST_FACTORS:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise AuthError(422, "too_many_enrolled_mfa_factors", message)
    if session["aal"] == "aal1" and any(factor["status"] == "verified" for factor in factors):
        raise AuthError(403, "insufficient_aal", "AAL2 required to enroll a new factor")


async def _insert(
    connection: Connection, factor_id: UUID, user_id: UUID, name: str, secret: str
) -> None:
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into auth.mfa_factors"
                " (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)"
                " values (%s, %s, %s, 'totp', 'unverified', %s, now(), now())",
                (factor_id, user_id, name, secret),
            )
    except psycopg.errors.UniqueViolation as error:
        raise _name_conflict(name) from error


def _name_conflict(name: str) -> AuthError:
    message = f'A factor with the friendly name "{name}" for this user already exists'
    return AuthError(422, "mfa_factor_name_conflict", message)


async def challenge(request: web.Request) -> web.Response:
    _need_verify_enabled(request)
    challenge_id, now = uuid4(), datetime.now(UTC)
    async with request.app[DATABASE].admin() as connection:
        user, _ = await signed_in(connection, claims_of(request))
        factor = await _own_factor(request, connection, user)
        await connection.execute(
            "insert into auth.mfa_challenges (id, factor_id, created_at, ip_address)"
            " values (%s, %s, %s, %s)",
            (challenge_id, factor["id"], now, request.remote or "127.0.0.1"),
        )
        await connection.execute(
            "update auth.mfa_factors set last_challenged_at = clock_timestamp() where id = %s",
            (factor["id"],),
        )
    expires_at = int((now + CHALLENGE_LIFE).timestamp())
    return web.json_response({"id": str(challenge_id), "type": "totp", "expires_at": expires_at})


async def verify(request: web.Request) -> web.Response:
    """The session at aal2. The person's sessions at aal1 end, and factors never verified go."""
    _need_verify_enabled(request)
    body = await read_json(request)
    code = str(body.get("code") or "").strip()
    if not code:
        raise AuthError(400, "validation_failed", "Code needs to be non-empty")
    async with request.app[DATABASE].admin() as connection:
        user, session = await signed_in(connection, claims_of(request))
        factor = await _own_factor(request, connection, user)
        await redeem(connection, factor, body.get("challenge_id"), code)
        answer = await raise_session(
            connection, request.app[SETTINGS], user, session["id"], factor["id"]
        )
        await connection.execute(
            "delete from auth.sessions where user_id = %s and (aal is null or aal < 'aal2')",
            (user["id"],),
        )
        await connection.execute(
            "delete from auth.mfa_factors where user_id = %s and status = 'unverified'",
            (user["id"],),
        )
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def unenroll(request: web.Request) -> web.Response:
    async with request.app[DATABASE].admin() as connection:
        user, session = await signed_in(connection, claims_of(request))
        factor = await _own_factor(request, connection, user)
        if factor["status"] == "verified" and session["aal"] == "aal1":
            message = "AAL2 required to unenroll verified factor"
            raise AuthError(422, "insufficient_aal", message)
        await remove(connection, factor["id"])
    return web.json_response({"id": str(factor["id"])})


async def remove(connection: Connection, factor_id: UUID) -> None:
    """Sessions that rested on it are at aal1 again, from their next token on."""
    await connection.execute("delete from auth.mfa_factors where id = %s", (factor_id,))
    await connection.execute(
        "with lowered as (update auth.sessions set aal = 'aal1', factor_id = null"
        " where factor_id = %s returning id) delete from auth.mfa_amr_claims"
        " where session_id in (select id from lowered) and authentication_method = 'totp'",
        (factor_id,),
    )


async def _own_factor(
    request: web.Request, connection: Connection, user: dict[str, Any]
) -> dict[str, Any]:
    factor_id = as_uuid(request.match_info["factor"], "factor_id")
    factor = await fetch_one(connection, FACTOR, (factor_id, user["id"]))
    if factor is None:
        raise AuthError(404, "mfa_factor_not_found", "Factor not found")
    return factor


def _need_verify_enabled(request: web.Request) -> None:
    if not request.app[SETTINGS].auth.totp_verify_enabled:
        message = "MFA verification is disabled for TOTP"
        raise AuthError(422, "mfa_totp_verify_not_enabled", message)
