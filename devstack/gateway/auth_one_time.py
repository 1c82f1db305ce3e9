"""One-time tokens of mails: made, found again, spent. The newest of a kind is the only one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devstack.gateway import auth_flows, auth_rows, passwords
from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_settings import AuthSettings
from devstack.gateway.database import Connection, fetch_all, fetch_one

# What a mail is for → the column of auth.users that keeps its token.
COLUMNS = {
    "signup": "confirmation",
    "invite": "confirmation",
    "recovery": "recovery",
    "magiclink": "recovery",
}
EXPIRED_LINK = "Email link is invalid or has expired"
EXPIRED_CODE = "Token has expired or is invalid"


@dataclass(frozen=True)
class OneTime:
    code: str
    """What a person types."""
    hash: str
    """What the link carries and the database keeps."""


def hash_of(email: str, code: str) -> str:
    return hashlib.sha224(f"{email}{code}".encode()).hexdigest()


def new_token(auth: AuthSettings, email: str, prefix: str = "") -> OneTime:
    code = f"{secrets.randbelow(10**auth.otp_length):0{auth.otp_length}}"
    return OneTime(code, prefix + hash_of(email, code))


async def issue(
    connection: Connection, auth: AuthSettings, user: dict[str, Any], kind: str, prefix: str = ""
) -> tuple[dict[str, Any], OneTime]:
    """(the user's row, the token); whatever was sent before for this is void."""
    token, column, now = new_token(auth, user["email"], prefix), COLUMNS[kind], datetime.now(UTC)
    changes: dict[str, Any] = {f"{column}_token": token.hash, f"{column}_sent_at": now}
    if kind == "invite":
        changes["invited_at"] = now
    user = await auth_rows.write(connection, user["id"], changes)
    await keep(connection, user["id"], f"{column}_token", token, user["email"])
    return user, token


def hashes_of(email: str, code: str) -> list[str]:
    """As it may be kept: a code is typed the same whatever the link beside it leads to."""
    plain = hash_of(email, code)
    return [plain, f"{auth_flows.PREFIX}{plain}"]


async def keep(
    connection: Connection, user_id: Any, token_type: str, token: OneTime, email: str
) -> None:
    await connection.execute(
        "insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to)"
        " values (gen_random_uuid(), %s, %s, %s, %s) on conflict (user_id, token_type) do update"
        " set token_hash = excluded.token_hash, relates_to = excluded.relates_to,"
        " created_at = now(), updated_at = now()",
        (user_id, token_type, token.hash, email),
    )


def refuse_soon_again(auth: AuthSettings, user: dict[str, Any], kind: str) -> None:
    sent_at = user[f"{COLUMNS.get(kind, kind)}_sent_at"]
    if sent_at is None:
        return
    left_s = auth.mail_gap_s - (datetime.now(UTC) - sent_at).total_seconds()
    if left_s > 0:
        message = f"For security purposes, you can only request this after {int(left_s)} seconds."
        raise AuthError(429, "over_email_send_rate_limit", message)


async def find_by_hash(
    connection: Connection, auth: AuthSettings, kind: str, token_hash: str
) -> tuple[dict[str, Any], str]:
    """(user, what the token is for); raises AuthError."""
    if kind != "email" and kind not in COLUMNS:
        raise AuthError(400, "validation_failed", "Invalid email verification type")
    row = await fetch_one(
        connection,
        "select user_id, token_type::text from auth.one_time_tokens"
        " where token_hash = %s and token_type = any(%s::auth.one_time_token_type[])",
        (token_hash, _token_types(kind)),
    )
    # Two clicks at once wait here for each other; the second finds the user's token gone.
    locked = f"{auth_rows.USER_BY_ID} for no key update"
    user = await fetch_one(connection, locked, (row["user_id"],)) if row else None
    if row is None or user is None:
        raise AuthError(403, "otp_expired", EXPIRED_LINK)
    refuse_banned(user)
    if not _is_current(auth, user, row["token_type"], token_hash):
        raise AuthError(403, "otp_expired", EXPIRED_LINK)
    return user, _meaning(kind, row["token_type"])


async def find_by_code(
    connection: Connection, auth: AuthSettings, kind: str, email: str, code: str
) -> tuple[dict[str, Any], str]:
    """(user, what the code is for); raises AuthError."""
    user = await fetch_one(connection, auth_rows.USER_BY_EMAIL, (email,))
    if user is None:
        raise AuthError(403, "otp_expired", EXPIRED_CODE)
    refuse_banned(user)
    for row in await fetch_all(
        connection,
        "select token_type::text, token_hash from auth.one_time_tokens"
        " where user_id = %s and token_hash = any(%s)"
        " and token_type = any(%s::auth.one_time_token_type[]) order by token_type",
        (user["id"], hashes_of(email, code), _token_types(kind)),
    ):
        if _is_current(auth, user, row["token_type"], row["token_hash"]):
            return user, _meaning(kind, row["token_type"])
    raise AuthError(403, "otp_expired", EXPIRED_CODE)


def _token_types(kind: str) -> list[str]:
    names = set(COLUMNS.values()) if kind == "email" else {COLUMNS.get(kind, "")} - {""}
    return [f"{name}_token" for name in sorted(names)]


def _meaning(kind: str, token_type: str) -> str:
    """`email` stands for whichever was sent."""
    if kind != "email":
        return kind
    return "magiclink" if token_type.startswith("recovery") else "signup"


def _is_current(auth: AuthSettings, user: dict[str, Any], token_type: str, token_hash: str) -> bool:
    sent_at = user[token_type.replace("_token", "_sent_at")]
    if sent_at is None or not secrets.compare_digest(user[token_type] or "", token_hash):
        return False
    return bool((datetime.now(UTC) - sent_at).total_seconds() <= auth.otp_expiry_s)


def refuse_banned(user: dict[str, Any]) -> None:
    if auth_rows.is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")


async def spend(connection: Connection, user: dict[str, Any], kind: str) -> dict[str, Any]:
    """The user with his address proven; none of the tokens sent to it opens anything any more."""
    await connection.execute("delete from auth.one_time_tokens where user_id = %s", (user["id"],))
    changes: dict[str, Any] = {"confirmation_token": "", "recovery_token": ""}
    if user["email_confirmed_at"] is None:
        changes["email_confirmed_at"] = datetime.now(UTC)
    if COLUMNS[kind] == "confirmation" and user["invited_at"] and not user["encrypted_password"]:
        changes["encrypted_password"] = await passwords.hash_of_nothing()
    return await auth_rows.write(connection, user["id"], changes)
