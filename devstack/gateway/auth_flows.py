"""PKCE: a link gives a code, and only who asked for the mail can turn the code into a session."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from devstack.gateway import auth_rows
from devstack.gateway.auth_errors import AuthError
from devstack.gateway.database import Connection, fetch_one

PREFIX = "pkce_"
LIFE = timedelta(minutes=5)
CHALLENGE = re.compile(r"[a-zA-Z0-9._~-]{43,128}")


@dataclass(frozen=True)
class Challenge:
    method: str
    value: str


def challenge_of(body: dict[str, Any]) -> Challenge | None:
    """None for a client that wants its session in the link. Raises AuthError."""
    method = str(body.get("code_challenge_method") or "").lower()
    value = str(body.get("code_challenge") or "")
    if not method and not value:
        return None
    if not method or not value:
        raise _invalid("PKCE flow requires code_challenge_method and code_challenge")
    if method not in ("s256", "plain") or not CHALLENGE.fullmatch(value):
        raise _invalid("code challenge has to be between 43 and 128 characters")
    return Challenge(method, value)


async def begin(
    connection: Connection, user: dict[str, Any], challenge: Challenge | None, kind: str
) -> str:
    """What the token of the mail begins with."""
    if challenge is None:
        return ""
    await connection.execute(
        "insert into auth.flow_state (id, user_id, auth_code, code_challenge_method,"
        " code_challenge, provider_type, authentication_method, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, now(), now())",
        (uuid4(), user["id"], str(uuid4()), challenge.method, challenge.value, kind, kind),
    )
    return PREFIX


async def issue_code(connection: Connection, user: dict[str, Any], kind: str) -> str:
    row = await fetch_one(
        connection,
        "update auth.flow_state set auth_code_issued_at = now(), updated_at = now() where id ="
        " (select id from auth.flow_state where user_id = %s and authentication_method = %s"
        " order by created_at desc limit 1) returning auth_code",
        (user["id"], kind),
    )
    if row is None:
        raise AuthError(400, "flow_state_not_found", "No associated flow state found.")
    return str(row["auth_code"])


async def exchange(connection: Connection, code: str, verifier: str) -> tuple[dict[str, Any], str]:
    """(user, how he proved himself); a code is good once and for five minutes."""
    flow = await fetch_one(
        connection, "select * from auth.flow_state where auth_code = %s for update", (code,)
    )
    if flow is None or flow["auth_code_issued_at"] is None:
        message = "invalid flow state, no valid flow state found"
        raise AuthError(404, "flow_state_not_found", message)
    if datetime.now(UTC) > flow["auth_code_issued_at"] + LIFE:
        message = "invalid flow state, flow state has expired"
        raise AuthError(403, "flow_state_expired", message)
    if not secrets.compare_digest(_challenge(flow, verifier), flow["code_challenge"].encode()):
        message = "code challenge does not match previously saved code verifier"
        raise AuthError(400, "bad_code_verifier", message)
    await connection.execute("delete from auth.flow_state where id = %s", (flow["id"],))
    user = await fetch_one(connection, auth_rows.USER_BY_ID, (flow["user_id"],))
    if user is None or auth_rows.is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")
    return user, flow["authentication_method"]


def _challenge(flow: dict[str, Any], verifier: str) -> bytes:
    if flow["code_challenge_method"] == "plain":
        return verifier.encode()
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _invalid(message: str) -> AuthError:
    return AuthError(400, "validation_failed", message)
