"""Access tokens, sessions, and refresh tokens that are used once."""

from __future__ import annotations

import secrets
import time
from typing import Any

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_hook import ask_hook
from devstack.gateway.auth_rows import is_banned, show
from devstack.gateway.database import Connection, fetch_one, fetch_row
from devstack.gateway.settings import Settings


async def open_session(
    connection: Connection, settings: Settings, user: dict[str, Any]
) -> dict[str, Any]:
    """A new session after a password was proven; the answer to the client."""
    session = await fetch_row(
        connection, "insert into auth.sessions (user_id) values (%s) returning *", (user["id"],)
    )
    stamped = await fetch_row(
        connection,
        "update auth.users set last_sign_in_at = now(), updated_at = now()"
        " where id = %s returning *",
        (user["id"],),
    )
    refresh_token = await _add_refresh_token(connection, user["id"], session["id"], parent=None)
    return await _answer(connection, settings, stamped, session, refresh_token, "password")


async def refresh(
    connection: Connection, settings: Settings, given: str
) -> dict[str, Any] | AuthError:
    """The session's next tokens. Errors are returned, not raised: a revocation must commit."""
    token = await fetch_one(
        connection, "select * from auth.refresh_tokens where token = %s for update", (given,)
    )
    if token is None:
        return AuthError(
            400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found"
        )
    session = await fetch_one(
        connection, "select * from auth.sessions where id = %s for update", (token["session_id"],)
    )
    if session is None:
        return AuthError(400, "session_not_found", "Invalid Refresh Token: No Valid Session Found")
    user = await fetch_one(
        connection, "select * from auth.users where id = %s", (session["user_id"],)
    )
    if user is None or is_banned(user):
        return AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
    next_token = await _next_refresh_token(connection, settings, token)
    if next_token is None:
        return AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    await connection.execute(
        "update auth.sessions set refreshed_at = now(), updated_at = now() where id = %s",
        (session["id"],),
    )
    return await _answer(connection, settings, user, session, next_token, "token_refresh")


async def _next_refresh_token(
    connection: Connection, settings: Settings, token: dict[str, Any]
) -> str | None:
    """None when the token was used before: then the whole session has lost its tokens."""
    if token["revoked"]:
        active = await fetch_one(
            connection,
            "select token, parent from auth.refresh_tokens where session_id = %s and not revoked"
            " order by id desc limit 1",
            (token["session_id"],),
        )
        # The client lost the answer to its last refresh: GoTrue gives it again, at any time.
        if active is not None and active["parent"] == token["token"]:
            return str(active["token"])
        reusable = await fetch_one(
            connection,
            "select updated_at + make_interval(secs => %s) > now() as yes"
            " from auth.refresh_tokens where id = %s",
            (settings.auth.reuse_interval_s, token["id"]),
        )
        if active is None or reusable is None or not reusable["yes"]:
            await _revoke_tokens(connection, token["session_id"])
            return None
    await _revoke_tokens(connection, token["session_id"])
    return await _add_refresh_token(
        connection, token["user_id"], token["session_id"], parent=token["token"]
    )


async def _revoke_tokens(connection: Connection, session_id: Any) -> None:
    await connection.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = now()"
        " where session_id = %s and not revoked",
        (session_id,),
    )


async def _add_refresh_token(
    connection: Connection, user_id: Any, session_id: Any, parent: str | None
) -> str:
    token = secrets.token_urlsafe(16)
    await connection.execute(
        "insert into auth.refresh_tokens (token, user_id, session_id, parent)"
        " values (%s, %s, %s, %s)",
        (token, str(user_id), session_id, parent),
    )
    return token


async def _answer(
    connection: Connection,
    settings: Settings,
    user: dict[str, Any],
    session: dict[str, Any],
    refresh_token: str,
    method: str,
) -> dict[str, Any]:
    claims = _claims(settings, user, session)
    if settings.auth.hook:
        claims = await ask_hook(connection, settings.auth.hook, claims, method)
    return {
        "access_token": settings.jwt_keys.sign(claims),
        "token_type": "bearer",
        "expires_in": settings.auth.token_lifetime_s,
        "expires_at": claims["exp"],
        "refresh_token": refresh_token,
        "user": await show(connection, user),
        "weak_password": None,
    }


def _claims(settings: Settings, user: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": settings.issuer,
        "sub": str(user["id"]),
        "aud": user["aud"],
        "exp": now + settings.auth.token_lifetime_s,
        "iat": now,
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"],
        "aal": session["aal"],
        "session_id": str(session["id"]),
        "amr": [{"method": "password", "timestamp": int(session["created_at"].timestamp())}],
        "is_anonymous": user["is_anonymous"],
    }


async def end_sessions(
    connection: Connection, user_id: Any, *, keep: Any = None, only: Any = None
) -> None:
    """Refresh tokens go with their sessions."""
    await connection.execute(
        "delete from auth.sessions where user_id = %s and id is distinct from %s"
        " and (%s::uuid is null or id = %s)",
        (user_id, keep, only, only),
    )
