"""Who is calling: the Supabase access token in the Authorization header becomes g.user.

Every route asks for a token unless it is marked with @open_to_all. What the caller may do is
decided by Postgres, which gets the same token.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import jwt
from flask import Flask, current_app, g, request

from app.db import signed_out
from app.errors import AppError
from app.jwks import ALGORITHMS, PublicKeys

LEEWAY_S = 10
CLAIMS = ["exp", "iss", "aud", "sub", "role"]

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class User:
    """The caller. `locations` is what the token said when it was made: a hint, never a right."""

    id: str
    email: str = field(repr=False)
    token: str = field(repr=False)
    locations: Any = None


class TokenCheck:
    """Checks access tokens in one of two modes, never both, so a token cannot choose its own.

    secret: HS256; else public_keys: ES256 and RS256 by key id.
    """

    def __init__(self, issuer: str, *, secret: str = "", public_keys: PublicKeys | None = None):
        self._issuer = issuer
        self._secret = secret
        self._public_keys = public_keys

    def user(self, token: str) -> User:
        """Raises AppError 401 for every token that is not a signed-in person's."""
        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise signed_out("expired_token", "Your sign-in has expired. Sign in again.") from error
        except jwt.PyJWTError as error:
            raise _invalid() from error
        if claims["role"] != "authenticated" or claims.get("is_anonymous"):
            raise _invalid()
        return _user(claims, token)

    def _claims(self, token: str) -> dict[str, Any]:
        key, algorithms = self._key(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=self._issuer,
            audience="authenticated",
            leeway=LEEWAY_S,
            options={"require": CLAIMS},
        )
        return claims

    def _key(self, token: str) -> tuple[jwt.PyJWK | str, list[str]]:
        if self._public_keys is None:
            return self._secret, ["HS256"]
        header = jwt.get_unverified_header(token)
        # Before any look-up: a token of the wrong kind must not make us ask the issuer.
        key_id = header.get("kid") if header.get("alg") in ALGORITHMS else None
        key = self._public_keys.get(key_id) if key_id else None
        if key is None:
            raise jwt.InvalidKeyError
        return key, [key.algorithm_name]


def _user(claims: dict[str, Any], token: str) -> User:
    try:
        user_id = str(uuid.UUID(claims["sub"]))
    except ValueError as error:
        raise _invalid() from error
    app_metadata = claims.get("app_metadata")
    locations = app_metadata.get("locations") if isinstance(app_metadata, dict) else None
    return User(user_id, str(claims.get("email") or ""), token, locations)


def _invalid() -> AppError:
    return signed_out("invalid_token", "Your sign-in is not valid. Sign in again.")


def bearer_token() -> str:
    """The token of this request. Raises AppError 401 when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise signed_out("missing_token", "Sign in first: this address needs a bearer token.")
    return token.strip()


def open_to_all(view: View) -> View:
    """Marks a view that answers without a token."""
    cast(Any, view).open_to_all = True
    return view


def register(app: Flask, check: TokenCheck) -> None:
    def require_user() -> None:
        # A preflight carries no token, and an unknown address is answered by 404.
        if request.endpoint is None or request.method == "OPTIONS":
            return
        if not getattr(current_app.view_functions[request.endpoint], "open_to_all", False):
            g.user = check.user(bearer_token())

    app.before_request(require_user)


def caller() -> User:
    """The signed-in person of this request."""
    return cast(User, g.user)
