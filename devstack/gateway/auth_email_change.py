"""A new address holds when it was confirmed, where config.toml says so from the old one too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from devstack.gateway import auth_post, auth_rows
from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_flows import begin, challenge_of
from devstack.gateway.auth_one_time import (
    keep,
    new_token,
    refuse_banned,
    refuse_soon_again,
)
from devstack.gateway.auth_settings import AuthSettings
from devstack.gateway.database import Connection, fetch_one
from devstack.gateway.keys import SETTINGS

KIND = "email_change"
NEW, CURRENT = "email_change_token_new", "email_change_token_current"
ONE_OF_TWO = "Confirmation link accepted. Please proceed to confirm link sent to the other email"


async def ask(
    request: web.Request, connection: Connection, user: dict[str, Any], body: dict[str, Any]
) -> dict[str, Any]:
    """What to write into the user's row; the mails are out, and what was sent before is void."""
    auth, email = request.app[SETTINGS].auth, auth_rows.as_email(body["email"])
    refuse_soon_again(auth, user, KIND)
    asked = {NEW: email} | ({CURRENT: user["email"]} if auth.both_confirm_email else {})
    changes: dict[str, Any] = {NEW: "", CURRENT: "", "email_change_confirm_status": 0}
    await _forget(connection, user["id"])
    prefix = await begin(connection, user, challenge_of(body), KIND)
    for token_type, address in asked.items():
        token = new_token(auth, address, prefix)
        changes[token_type] = token.hash
        await keep(connection, user["id"], token_type, token, address)
        auth_post.post(request, address, KIND, token)
    return changes | {"email_change": email, "email_change_sent_at": datetime.now(UTC)}


async def confirm(
    connection: Connection, auth: AuthSettings, hashes: list[str], expired: str
) -> dict[str, Any] | None:
    """The user with the new address; None while the other mail is unanswered. Raises AuthError."""
    user, token_type = await _find(connection, auth, hashes, expired)
    await connection.execute(
        "delete from auth.one_time_tokens where user_id = %s and token_type = %s",
        (user["id"], token_type),
    )
    if auth.both_confirm_email and user["email_change_confirm_status"] == 0:
        changes = {token_type: "", "email_change_confirm_status": 1}
        await auth_rows.write(connection, user["id"], changes)
        return None
    await auth_rows.refuse_taken_email(connection, user["email_change"], user["id"])
    await _forget(connection, user["id"])
    done = {NEW: "", CURRENT: "", "email_change_confirm_status": 0, "email_change": ""}
    confirmed = {"email": user["email_change"], "email_confirmed_at": datetime.now(UTC)}
    return await auth_rows.write(connection, user["id"], done | confirmed)


async def _find(
    connection: Connection, auth: AuthSettings, hashes: list[str], expired: str
) -> tuple[dict[str, Any], str]:
    row = await fetch_one(
        connection,
        "select user_id, token_type::text, token_hash from auth.one_time_tokens"
        " where token_hash = any(%s) and token_type in (%s, %s)",
        (hashes, NEW, CURRENT),
    )
    locked = f"{auth_rows.USER_BY_ID} for no key update"
    user = await fetch_one(connection, locked, (row["user_id"],)) if row else None
    if row is None or user is None:
        raise AuthError(403, "otp_expired", expired)
    refuse_banned(user)
    age = datetime.now(UTC) - (user["email_change_sent_at"] or datetime.min.replace(tzinfo=UTC))
    if user[row["token_type"]] != row["token_hash"] or age.total_seconds() > auth.otp_expiry_s:
        raise AuthError(403, "otp_expired", expired)
    return user, row["token_type"]


async def _forget(connection: Connection, user_id: Any) -> None:
    await connection.execute(
        "delete from auth.one_time_tokens where user_id = %s and token_type in (%s, %s)",
        (user_id, NEW, CURRENT),
    )
