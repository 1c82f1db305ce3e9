"""Supabase access tokens: is it signed by the project, for a person, and not expired?

Whether the session behind it still stands is asked of Postgres, by every call.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt

from app.auth import User
from app.errors import expired_token, invalid_token
from app.jwks import ALGORITHMS, PublicKeys
from app.kept import Kept

LEEWAY_S = 10
CLAIMS = ["exp", "iss", "aud", "sub", "role"]

Key = jwt.PyJWK | str


class TokenCheck:
    """Checks access tokens in one of two modes, never both, so a token cannot choose its own.

    secret: HS256; else public_keys: ES256 and RS256 by key id. A token that was checked is
    remembered until it expires or the key it was checked with is gone. `now`: seconds since 1970.
    """

    def __init__(
        self,
        issuer: str,
        *,
        secret: str = "",
        public_keys: PublicKeys | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._secret = secret
        self._public_keys = public_keys
        self._checked: Kept[tuple[User, str, Key]] = Kept(now)

    def user(self, token: str) -> User:
        """Raises AppError 401 for every token that is not a signed-in person's."""
        try:
            known = self._checked.get(token)
            if known and self._key(known[1]) is known[2]:
                return known[0]
            return self._check(token)
        except jwt.ExpiredSignatureError as error:
            raise expired_token() from error
        # Brackets nested deeper than Python reads; an infinite number for a time.
        except (jwt.PyJWTError, RecursionError, OverflowError) as error:
            raise invalid_token() from error

    def _check(self, token: str) -> User:
        key_id = self._key_id(token)
        key = self._key(key_id)
        claims = self._claims(token, key)
        user = _user(claims, token)
        self._checked.keep(token, (user, key_id, key), until=int(claims["exp"]) + LEEWAY_S)
        return user

    def _key_id(self, token: str) -> str:
        """A token of the wrong kind is refused here: it must not make us ask the issuer."""
        if self._public_keys is None:
            return ""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS or not header.get("kid"):
            raise jwt.InvalidKeyError
        return str(header["kid"])

    def _key(self, key_id: str) -> Key:
        if self._public_keys is None:
            return self._secret
        key = self._public_keys.get(key_id)
        if key is None:
            raise jwt.InvalidKeyError
        return key

    def _claims(self, token: str, key: Key) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["HS256"] if isinstance(key, str) else [key.algorithm_name],
            issuer=self._issuer,
            audience="authenticated",
            leeway=LEEWAY_S,
            options={"require": CLAIMS},
        )
        return claims


def _user(claims: dict[str, Any], token: str) -> User:
    if claims["role"] != "authenticated" or claims.get("is_anonymous"):
        raise jwt.InvalidTokenError
    try:
        user_id = str(uuid.UUID(claims["sub"]))
    except ValueError as error:
        raise jwt.InvalidTokenError from error
    return User(user_id, str(claims.get("email") or ""), token)
