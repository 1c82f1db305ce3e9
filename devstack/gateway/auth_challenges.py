"""A challenge is answered once, with a code of the authenticator that was not used before.

Stricter than Supabase, which takes a code as often as it is right, in answer to new challenges.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp

from devstack.gateway.auth_errors import AuthError
from devstack.gateway.database import Connection, fetch_one

CHALLENGE_LIFE = timedelta(minutes=5)
# A code counts in its own half minute and in the ones beside it, for clocks that differ.
STEPS_BESIDE = 1
CODE_LIFE = timedelta(seconds=30 * (1 + 2 * STEPS_BESIDE))
CODE = re.compile("[0-9]{6}")


async def redeem(
    connection: Connection, factor: dict[str, Any], challenge_id: Any, code: str
) -> None:
    """Marks the challenge, and with it the code, as used; raises AuthError."""
    row = await fetch_one(
        connection,
        "select * from auth.mfa_challenges where id = %s and factor_id = %s",
        (as_uuid(challenge_id, "challenge_id"), factor["id"]),
    )
    if row is None:
        message = "MFA factor with the provided challenge ID not found"
        raise AuthError(422, "mfa_factor_not_found", message)
    if row["verified_at"] is not None:
        message = "Challenge and verify IP addresses mismatch."
        raise AuthError(422, "mfa_ip_address_mismatch", message)
    if datetime.now(UTC) > row["created_at"] + CHALLENGE_LIFE:
        message = (
            f"MFA challenge {row['id']} has expired, verify against another challenge"
            " or create a new challenge."
        )
        raise AuthError(422, "mfa_challenge_expired", message)
    if not await _is_fresh_code(connection, factor, code):
        raise AuthError(422, "mfa_verification_failed", "Invalid TOTP code entered")
    await connection.execute(
        "update auth.mfa_challenges set verified_at = now(), otp_code = %s where id = %s",
        (code, row["id"]),
    )
    await connection.execute(
        "update auth.mfa_factors set status = 'verified', updated_at = now() where id = %s",
        (factor["id"],),
    )


async def _is_fresh_code(connection: Connection, factor: dict[str, Any], code: str) -> bool:
    """Right, and not seen before: who looks over a shoulder must not be able to use it too."""
    # pyotp reads digits of any script; one spelling only, or a used code could be spelt anew.
    if not CODE.fullmatch(code):
        return False
    if not pyotp.TOTP(factor["secret"]).verify(code, valid_window=STEPS_BESIDE):
        return False
    used = await fetch_one(
        connection,
        "select id from auth.mfa_challenges"
        " where factor_id = %s and otp_code = %s and verified_at > now() - %s",
        (factor["id"], code, CODE_LIFE),
    )
    return used is None


def as_uuid(value: Any, name: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise AuthError(404, "validation_failed", f"{name} must be an UUID") from error
