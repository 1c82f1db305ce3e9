"""Rows of auth.users: how they are found, written, and shown to clients."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_settings import seconds
from devstack.gateway.database import Connection, fetch_all, fetch_one, fetch_row

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
SHOWN_WHEN_SET = (
    "email_confirmed_at",
    "phone_confirmed_at",
    "confirmed_at",
    "last_sign_in_at",
    "invited_at",
    "banned_until",
    "deleted_at",
    "recovery_sent_at",
    "confirmation_sent_at",
    "email_change_sent_at",
)
USER_BY_ID = "select * from auth.users where id = %s and deleted_at is null"
USER_BY_EMAIL = (
    "select * from auth.users where lower(email) = %s and aud = 'authenticated' and not is_sso_user"
    " and deleted_at is null for no key update"
)
FACTOR_MOMENTS = ("created_at", "updated_at", "last_challenged_at")
FACTORS = (
    "select id::text, created_at, updated_at, status::text, friendly_name, factor_type::text,"
    " last_challenged_at from auth.mfa_factors where user_id = %s order by created_at, id"
)
IDENTITIES = (
    "select id::text as identity_id, provider_id as id, user_id::text, identity_data, provider,"
    " last_sign_in_at, created_at, updated_at, email"
    " from auth.identities where user_id = %s order by created_at, id"
)


def as_email(value: Any) -> str:
    email = str(value or "").strip().lower()
    if len(email) > 255 or not EMAIL.fullmatch(email):
        raise AuthError(
            400, "validation_failed", "Unable to validate email address: invalid format"
        )
    return email


def moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def is_banned(user: dict[str, Any]) -> bool:
    return user["banned_until"] is not None and user["banned_until"] > datetime.now(UTC)


async def show(connection: Connection, user: dict[str, Any]) -> dict[str, Any]:
    """The user as clients parse it, with identities and second factors."""
    identities = await fetch_all(connection, IDENTITIES, (user["id"],))
    shown: dict[str, Any] = {
        "id": str(user["id"]),
        "aud": user["aud"],
        "role": user["role"],
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": [_show_identity(i) for i in identities],
        "created_at": moment(user["created_at"]),
        "updated_at": moment(user["updated_at"]),
        "is_anonymous": user["is_anonymous"],
    }
    if user["email_change"]:
        shown["new_email"] = user["email_change"]
    if factors := await show_factors(connection, user["id"]):
        shown["factors"] = factors
    return shown | {name: moment(user[name]) for name in SHOWN_WHEN_SET if user[name] is not None}


async def show_factors(connection: Connection, user_id: Any) -> list[dict[str, Any]]:
    return [_show_factor(row) for row in await fetch_all(connection, FACTORS, (user_id,))]


def _show_factor(row: dict[str, Any]) -> dict[str, Any]:
    shown = row | {name: moment(row[name]) for name in FACTOR_MOMENTS}
    return {name: value for name, value in shown.items() if value is not None}


def _show_identity(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        name: moment(row[name]) for name in ("last_sign_in_at", "created_at", "updated_at")
    }


async def add(connection: Connection, email: str, user_metadata: dict[str, Any]) -> dict[str, Any]:
    """Somebody who has neither confirmed his address nor chosen a password."""
    row = await fetch_row(
        connection,
        "insert into auth.users (email, encrypted_password, raw_app_meta_data, raw_user_meta_data)"
        " values (%s, '', %s, %s) returning *",
        (email, Jsonb({"provider": "email", "providers": ["email"]}), Jsonb(user_metadata)),
    )
    await give_email_identity(connection, row)
    return row


async def write(connection: Connection, user_id: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """Sets the named columns (names come from our code only) and returns the row."""
    values = {
        name: Jsonb(value) if isinstance(value, dict) else value for name, value in changes.items()
    }
    columns = "".join(f", {name} = %({name})s" for name in values)
    query = f"update auth.users set updated_at = now(){columns} where id = %(_id)s returning *"
    row = await fetch_one(connection, query, values | {"_id": user_id})
    if row is None:
        raise AuthError(404, "user_not_found", "User not found")
    if changes.keys() & {"email", "email_confirmed_at"}:
        await give_email_identity(connection, row)
    return row


async def give_email_identity(connection: Connection, user: dict[str, Any]) -> None:
    """One identity of provider `email`, following the user's address."""
    data = {
        "sub": str(user["id"]),
        "email": user["email"],
        "email_verified": user["email_confirmed_at"] is not None,
        "phone_verified": False,
    }
    await connection.execute(
        "insert into auth.identities"
        " (provider_id, user_id, identity_data, provider, last_sign_in_at)"
        " values (%s, %s, %s, 'email', now()) on conflict (provider_id, provider)"
        " do update set identity_data = excluded.identity_data, updated_at = now()",
        (str(user["id"]), user["id"], Jsonb(data)),
    )


async def refuse_taken_email(connection: Connection, email: str, owner: Any = None) -> None:
    taken = await fetch_one(
        connection,
        "select id from auth.users where lower(email) = %s and not is_sso_user",
        (email,),
    )
    if taken is not None and taken["id"] != owner:
        raise AuthError(
            422, "email_exists", "A user with this email address has already been registered"
        )


def merged(stored: dict[str, Any] | None, changes: Any) -> dict[str, Any]:
    """GoTrue's merge of metadata: top level only, null removes a key."""
    if not isinstance(changes, dict):
        raise AuthError(400, "bad_json", "metadata must be an object")
    together = (stored or {}) | changes
    return {name: value for name, value in together.items() if value is not None}


def banned_until(duration: str) -> datetime | None:
    """`none`, or a Go duration such as 24h or 1h30m."""
    if duration == "none":
        return None
    try:
        lasts = timedelta(seconds=seconds(duration))
    except ValueError as error:
        raise AuthError(
            400,
            "validation_failed",
            f"invalid format for ban duration: {duration!r} (use 24h, or none)",
        ) from error
    return datetime.now(UTC) + lasts
