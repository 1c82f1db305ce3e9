"""bcrypt, as GoTrue and pgcrypto's crypt() write it; the work is done off the event loop."""

from __future__ import annotations

import asyncio
import secrets

import bcrypt

from devstack.gateway.auth_errors import AuthError

COST = 10
MAX_BYTES = 72
NOBODYS_HASH = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(COST, prefix=b"2a"))


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


async def new_hash(password: str, min_length: int) -> str:
    """Raises AuthError for a password GoTrue would refuse."""
    if len(password.encode()) > MAX_BYTES:
        raise AuthError(
            422, "validation_failed", f"Password cannot be longer than {MAX_BYTES} characters"
        )
    if len(password) < min_length:
        message = f"Password should be at least {min_length} characters."
        raise AuthError(
            422, "weak_password", message, weak_password={"message": message, "reasons": ["length"]}
        )
    hashed = await asyncio.to_thread(
        bcrypt.hashpw, password.encode(), bcrypt.gensalt(COST, prefix=b"2a")
    )
    return hashed.decode()
