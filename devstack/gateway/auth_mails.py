"""What has a mail sent: invitations, forgotten passwords, sign-in by link, and links for admins."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from devstack.gateway import auth_post, auth_redirects, auth_rows
from devstack.gateway.auth_admin import admins_only
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_flows import Challenge, begin, challenge_of
from devstack.gateway.auth_one_time import COLUMNS, issue, refuse_soon_again
from devstack.gateway.database import Connection, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS

EMAIL_EXISTS = "A user with this email address has already been registered"


async def invite(request: web.Request) -> web.Response:
    admins_only(request)
    body = await read_json(request)
    email = auth_rows.as_email(body.get("email"))
    async with request.app[DATABASE].admin() as connection:
        user = await _invited(connection, email, body)
        user = await _send(request, connection, user, "invite")
        return web.json_response(await auth_rows.show(connection, user))


async def _invited(connection: Connection, email: str, body: dict[str, Any]) -> dict[str, Any]:
    user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
    if user is None:
        return await auth_rows.add(connection, email, auth_rows.merged({}, body.get("data") or {}))
    if user["email_confirmed_at"] is not None:
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    return user


async def recover(request: web.Request) -> web.Response:
    """Says nothing about whether somebody has the address."""
    body = await read_json(request)
    if not body.get("email"):
        raise AuthError(400, "validation_failed", "Password recovery requires an email")
    email, challenge = auth_rows.as_email(body["email"]), challenge_of(body)
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
        if user is not None:
            refuse_soon_again(request.app[SETTINGS].auth, user, "recovery")
            await _send(request, connection, user, "recovery", challenge)
    return web.json_response({})


async def otp(request: web.Request) -> web.Response:
    body = await read_json(request)
    if not body.get("email"):
        raise AuthError(400, "validation_failed", "One of email or phone must be set")
    email, challenge = auth_rows.as_email(body["email"]), challenge_of(body)
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
        if user is None and not body.get("create_user", True):
            raise AuthError(422, "otp_disabled", "Signups not allowed for otp")
        # Who never confirmed an address signs up by this, as on the real server.
        if user is None or user["email_confirmed_at"] is None:
            raise no_signup(request)
        refuse_soon_again(request.app[SETTINGS].auth, user, "magiclink")
        await _send(request, connection, user, "magiclink", challenge)
    return web.json_response({})


def no_signup(request: web.Request) -> AuthError:
    if request.app[SETTINGS].auth.signup_enabled:
        return AuthError(
            501, "unexpected_failure", "Sign-up is not served by the local stack: use the admin API"
        )
    return AuthError(422, "signup_disabled", "Signups not allowed for this instance")


async def resend(request: web.Request) -> web.Response:
    """Only what confirms a sign-up: nothing else is sent twice."""
    body = await read_json(request)
    if body.get("type") not in ("signup", "email_change"):
        message = "Missing one of these types: signup, email_change, sms, phone_change"
        raise AuthError(400, "validation_failed", message)
    email = auth_rows.as_email(body.get("email"))
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
        if user is not None and user["email_confirmed_at"] is None and body["type"] == "signup":
            refuse_soon_again(request.app[SETTINGS].auth, user, "signup")
            await _send(request, connection, user, "signup")
    return web.json_response({})


async def generate_link(request: web.Request) -> web.Response:
    """The link of a mail, for somebody who brings it himself; none is sent."""
    admins_only(request)
    body = await read_json(request)
    kind, email = str(body.get("type") or ""), auth_rows.as_email(body.get("email"))
    if kind not in COLUMNS:
        message = f"Invalid email action link type requested: {kind}"
        raise AuthError(400, "validation_failed", message)
    target = auth_redirects.target(request, str(body.get("redirect_to") or ""))
    async with request.app[DATABASE].admin() as connection:
        user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
        if user is None and kind == "recovery":
            raise AuthError(404, "user_not_found", "User with this email not found")
        if user is None or kind in ("invite", "signup"):
            kind = "invite" if kind == "invite" else "signup"
            user = await _invited(connection, email, body)
        user, token = await issue(connection, request.app[SETTINGS].auth, user, kind)
        shown = await auth_rows.show(connection, user)
    return web.json_response(
        shown
        | {
            "action_link": auth_post.link(request, token, kind, target),
            "email_otp": token.code,
            "hashed_token": token.hash,
            "verification_type": kind,
            "redirect_to": target,
        }
    )


async def _send(
    request: web.Request,
    connection: Connection,
    user: dict[str, Any],
    kind: str,
    challenge: Challenge | None = None,
) -> dict[str, Any]:
    prefix = await begin(connection, user, challenge, kind)
    user, token = await issue(connection, request.app[SETTINGS].auth, user, kind, prefix)
    auth_post.post(request, user["email"], kind, token)
    return user
