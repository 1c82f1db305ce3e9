"""Access tokens, sessions, and refresh tokens that are used once."""

from __future__ import annotations

import time
from typing import Any

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_hook import ask_hook
from devstack.gateway.auth_refresh_tokens import add_token, next_token, only_token
from devstack.gateway.auth_rows import is_banned, show
from devstack.gateway.database import Connection, fetch_all, fetch_one, fetch_row
from devstack.gateway.settings import Settings

# Every other method proves something, which `amr` lists.
REFRESH = "token_refresh"


async def open_session(
    connection: Connection, settings: Settings, user: dict[str, Any], method: str
) -> dict[str, Any]:
    """A new session after a password or a mail was proven; the answer to the client."""
    session = await fetch_row(
        connection, "insert into auth.sessions (user_id) values (%s) returning *", (user["id"],)
    )
    stamped = await fetch_row(
        connection,
        "update auth.users set last_sign_in_at = now(), updated_at = now()"
        " where id = %s returning *",
        (user["id"],),
    )
    refresh_token = await add_token(connection, user["id"], session["id"], parent=None)
    return await _answer(connection, settings, stamped, session, refresh_token, method)


async def raise_session(
    connection: Connection, settings: Settings, user: dict[str, Any], session_id: Any, factor: Any
) -> dict[str, Any]:
    """The session with the second factor proven, and new tokens that say so; the old are spent."""
    session = await fetch_one(
        connection,
        "update auth.sessions set aal = 'aal2', factor_id = %s, updated_at = now()"
        " where id = %s returning *",
        (factor, session_id),
    )
    if session is None:
        # Another session of this person gave its second factor first, which ended this one.
        message = "Session from session_id claim in JWT does not exist"
        raise AuthError(403, "session_not_found", message)
    token = await only_token(connection, user["id"], session_id)
    return await _answer(connection, settings, user, session, token, "totp")


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
    following = await next_token(connection, settings, token)
    if following is None:
        return AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    await connection.execute(
        "update auth.sessions set refreshed_at = now(), updated_at = now() where id = %s",
        (session["id"],),
    )
    return await _answer(connection, settings, user, session, following, REFRESH)


async def _answer(
    connection: Connection,
    settings: Settings,
    user: dict[str, Any],
    session: dict[str, Any],
    refresh_token: str,
    method: str,
) -> dict[str, Any]:
    if method != REFRESH:
        await _note_proof(connection, session["id"], method)
    claims = _claims(settings, user, session, await _amr(connection, session["id"]))
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


async def _note_proof(connection: Connection, session_id: Any, method: str) -> None:
    await connection.execute(
        "insert into auth.mfa_amr_claims"
        " (id, session_id, authentication_method, created_at, updated_at)"
        " values (gen_random_uuid(), %s, %s, now(), now())"
        " on conflict (session_id, authentication_method) do update set updated_at = now()",
        (session_id, method),
    )


async def _amr(connection: Connection, session_id: Any) -> list[dict[str, Any]]:
    return await fetch_all(
        connection,
        "select authentication_method as method,"
        " extract(epoch from updated_at)::bigint as timestamp"
        " from auth.mfa_amr_claims where session_id = %s order by updated_at desc",
        (session_id,),
    )


def _claims(
    settings: Settings, user: dict[str, Any], session: dict[str, Any], amr: list[dict[str, Any]]
) -> dict[str, Any]:
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
        "amr": amr,
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
