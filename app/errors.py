"""The one error every part of the house raises; app/problems.py turns it into a response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request, in words for the person who filled it in."""

    field: str
    message: str


class AppError(Exception):
    """A refusal the caller is told about.

    status: HTTP status; code: stable snake_case token programs may rely on; detail: what is wrong
    and what to do, for a person; headers: extra response headers, such as Retry-After.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def invalid_field(field: str, code: str, message: str, *, status: int = 422) -> AppError:
    """A refusal because of one field."""
    return AppError(status, code, message, errors=[FieldError(field, message)])


def not_found() -> AppError:
    # The same words whether it does not exist or belongs to somebody else.
    return AppError(404, "not_found", "There is nothing at this address that you may see.")


def unavailable(code: str, what: str, *, retry_after_s: int = 5) -> AppError:
    detail = f"{what} cannot be reached at the moment. Try again in a few seconds."
    return AppError(503, code, detail, headers={"Retry-After": str(retry_after_s)})


def signed_out(code: str, detail: str) -> AppError:
    """A 401 that tells programs which scheme to use (RFC 6750)."""
    challenge = 'Bearer realm="crm"'
    if code != "missing_token":
        challenge += ', error="invalid_token"'
    return AppError(401, code, detail, headers={"WWW-Authenticate": challenge})


def invalid_token() -> AppError:
    return signed_out("invalid_token", "Your sign-in is not valid. Sign in again.")


def expired_token() -> AppError:
    return signed_out("expired_token", "Your sign-in has expired. Sign in again.")


def invalid_api_key() -> AppError:
    detail = "This API key is unknown, expired or revoked. Make a new one."
    return signed_out("invalid_api_key", detail)
