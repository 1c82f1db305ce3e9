"""Rows of auth.refresh_tokens: each is used once, and the next one names it as its parent."""

from __future__ import annotations

import secrets
from typing import Any

from devstack.gateway.database import Connection, fetch_one, fetch_row
from devstack.gateway.settings import Settings


async def next_token(
    connection: Connection, settings: Settings, token: dict[str, Any]
) -> str | None:
    """None when somebody else may have the token: then the session has ended, rows and all."""
    if not token["revoked"]:
        await revoke_tokens(connection, token["session_id"])
        return await add_token(connection, token["user_id"], token["session_id"], token["token"])
    active = await active_token(connection, token["session_id"])
    # Two refreshed at once, or the client lost the answer to its last refresh: it comes again.
    if active and (
        active["parent"] == token["token"] or await _is_recent(connection, settings, token)
    ):
        return str(active["token"])
    await connection.execute("delete from auth.sessions where id = %s", (token["session_id"],))
    return None


async def _is_recent(connection: Connection, settings: Settings, token: dict[str, Any]) -> bool:
    row = await fetch_row(
        connection,
        "select updated_at + make_interval(secs => %s) > now() as yes"
        " from auth.refresh_tokens where id = %s",
        (settings.auth.reuse_interval_s, token["id"]),
    )
    return bool(row["yes"])


async def active_token(connection: Connection, session_id: Any) -> dict[str, Any] | None:
    return await fetch_one(
        connection,
        "select token, parent from auth.refresh_tokens where session_id = %s and not revoked"
        " order by id desc limit 1",
        (session_id,),
    )


async def revoke_tokens(connection: Connection, session_id: Any) -> None:
    await connection.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = now()"
        " where session_id = %s and not revoked",
        (session_id,),
    )


async def only_token(connection: Connection, user_id: Any, session_id: Any) -> str:
    """The session's one token: those from before the second factor never lead past it."""
    await connection.execute("delete from auth.refresh_tokens where session_id = %s", (session_id,))
    return await add_token(connection, user_id, session_id, parent=None)


async def add_token(
    connection: Connection, user_id: Any, session_id: Any, parent: str | None
) -> str:
    token = secrets.token_urlsafe(16)
    await connection.execute(
        "insert into auth.refresh_tokens (token, user_id, session_id, parent)"
        " values (%s, %s, %s, %s)",
        (token, str(user_id), session_id, parent),
    )
    return token
