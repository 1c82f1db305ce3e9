"""bcrypt, as GoTrue and pgcrypto's crypt() write it; the work is done off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import bcrypt

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.auth_settings import AuthSettings

COST = 10
MAX_BYTES = 72
NOBODYS_HASH = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(COST, prefix=b"2a"))


def weakness(password: str, auth: AuthSettings) -> dict[str, Any] | None:
    """What GoTrue says against the password; None for one that is strong enough."""
    messages, reasons = [], []
    if len(password) < auth.password_min_length:
        messages.append(f"Password should be at least {auth.password_min_length} characters.")
        reasons.append("length")
    if not all(set(password) & set(kind) for kind in auth.password_characters):
        kinds = ", ".join(auth.password_characters)
        messages.append(f"Password should contain at least one character of each: {kinds}.")
        reasons.append("characters")
    return {"message": " ".join(messages), "reasons": reasons} if reasons else None


async def matches(password: str, stored: str | None) -> bool:
    """Takes as long for a user who does not exist, or has no password, as for one who does."""
    return await asyncio.to_thread(_matches, password, stored or "")


def _matches(password: str, stored: str) -> bool:
    given = password.encode()
    usable = stored.startswith("$2") and len(given) <= MAX_BYTES
    try:
        same = bcrypt.checkpw(given[:MAX_BYTES], stored.encode() if usable else NOBODYS_HASH)
    except ValueError:
        return False
    return same and usable


async def new_hash(password: str, auth: AuthSettings) -> str:
    """Raises AuthError for a password GoTrue would refuse."""
    if len(password.encode()) > MAX_BYTES:
        raise AuthError(
            422, "validation_failed", f"Password cannot be longer than {MAX_BYTES} characters"
        )
    if weak := weakness(password, auth):
        raise AuthError(422, "weak_password", weak["message"], weak_password=weak)
    return await hash_of(password)


async def hash_of_nothing() -> str:
    """For somebody who has yet to choose: nobody knows the password."""
    return await hash_of(secrets.token_urlsafe(32))


async def hash_of(password: str) -> str:
    hashed = await asyncio.to_thread(
        bcrypt.hashpw, password.encode(), bcrypt.gensalt(COST, prefix=b"2a")
    )
    return hashed.decode()
