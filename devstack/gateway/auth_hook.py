"""The custom access token hook: a SQL function in the sign-in's own transaction."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.database import Connection, fetch_one, is_down

LIMIT_MS = 2000
REQUIRED_CLAIMS = (
    "aud",
    "exp",
    "iat",
    "sub",
    "email",
    "phone",
    "role",
    "aal",
    "session_id",
    "is_anonymous",
)


async def ask_hook(
    connection: Connection, function: str, claims: dict[str, Any], method: str
) -> dict[str, Any]:
    """The claims to sign; raises AuthError as GoTrue when the hook refuses, fails or is slow."""
    event = {"user_id": claims["sub"], "claims": claims, "authentication_method": method}
    call = sql.SQL("select {}(%s::jsonb) as answer").format(sql.Identifier(*function.split(".")))
    try:
        async with connection.transaction():
            await connection.execute(
                "select set_config('role', 'supabase_auth_admin', true),"
                " set_config('search_path', 'auth', true),"
                " set_config('statement_timeout', %s, true)",
                (str(LIMIT_MS),),
            )
            row = await fetch_one(connection, call, (Jsonb(event),))  # type: ignore[arg-type]
            await connection.execute("reset role; set local statement_timeout = 0")
    except psycopg.errors.QueryCanceled as error:
        raise AuthError(
            422,
            "hook_timeout",
            f"Failed to reach hook within {LIMIT_MS} ms",
        ) from error
    except psycopg.Error as error:
        if is_down(error):
            raise
        message = f"Error running hook URI: pg-functions://postgres/{function.replace('.', '/')}"
        raise AuthError(500, "unexpected_failure", message) from error
    return _claims_of(row["answer"] if row else None)


def _claims_of(answer: Any) -> dict[str, Any]:
    answer = answer if isinstance(answer, dict) else {}
    refusal = answer.get("error")
    if isinstance(refusal, dict) and refusal.get("message"):
        status = int(refusal.get("http_code") or 500)
        raise AuthError(
            status, "unexpected_failure" if status == 500 else "unknown", str(refusal["message"])
        )
    claims = answer.get("claims")
    if not isinstance(claims, dict):
        raise AuthError(500, "unexpected_failure", "output claims field is missing")
    missing = [name for name in REQUIRED_CLAIMS if name not in claims]
    if missing:
        lines = "".join(f"\n- (root): {name} is required" for name in missing)
        raise AuthError(
            500,
            "unexpected_failure",
            f"output claims do not conform to the expected schema: {lines}",
        )
    return claims
