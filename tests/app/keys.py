"""API keys as a program has them, made without the function that makes them."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import psycopg


def make_key(
    db: psycopg.Connection[Any], location_id: str, user_id: str, *scopes: str
) -> dict[str, str]:
    """The header of a program's request."""
    prefix = f"aac_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    db.execute(
        "insert into api_keys (location_id, user_id, name, prefix, secret_hash, scopes, expires_at)"
        " values (%s, %s, 'Books', %s, %s, %s, now() + interval '1 day')",
        (location_id, user_id, prefix, hashlib.sha256(key.encode()).hexdigest(), list(scopes)),
    )
    return {"X-Api-Key": key}
