"""What tokens are signed and checked with. Each key has one algorithm, whatever a header says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt

from devstack import signing_keys
from devstack.signing_keys import ALGORITHM, IN_USE, SigningKey

OPTIONS: Any = {"verify_aud": False, "verify_iat": False}


class BadToken(Exception):
    """The bearer token cannot be believed; the message says why."""


class JwtKeys:
    """The shared secret, and where the stack has them, ES256 keys: read again when they change."""

    def __init__(self, secret: str, path: Path | None = None) -> None:
        self._secret = secret
        self._path = path
        self._keys: list[SigningKey] = []
        self._seen: tuple[int, int] | None = None

    def believed(self) -> list[SigningKey]:
        if self._path is None:
            return []
        stat = self._path.stat()
        if self._seen != (stat.st_mtime_ns, stat.st_ino):
            self._keys = signing_keys.believed(signing_keys.read(self._path))
            self._seen = (stat.st_mtime_ns, stat.st_ino)
        return self._keys

    def sign(self, claims: dict[str, Any]) -> str:
        """A person's access token."""
        for key in self.believed():
            if key.state == IN_USE:
                return jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid})
        return self.sign_inside(claims)

    def sign_inside(self, claims: dict[str, Any]) -> str:
        """What only we read again, such as a signed download address."""
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token that is signed by us and has not expired; raises BadToken."""
        try:
            header = jwt.get_unverified_header(token)
            key, algorithm = self._key_for(header)
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], leeway=0, options=OPTIONS
            )
        except jwt.ExpiredSignatureError as error:
            raise BadToken("token is expired") from error
        except jwt.PyJWTError as error:
            raise BadToken(str(error)) from error
        return claims

    def _key_for(self, header: dict[str, Any]) -> tuple[Any, str]:
        kid, algorithm = header.get("kid"), header.get("alg")
        if kid is None and algorithm == "HS256":
            return self._secret, "HS256"
        for key in self.believed():
            if key.kid == kid:
                return key.private.public_key(), ALGORITHM
        raise BadToken(f"unrecognized JWT kid {kid or '<nil>'} for algorithm {algorithm}")

    def names_no_key(self, token: str) -> bool:
        """True for a well-formed token whose `kid` is none of ours."""
        try:
            self._key_for(jwt.get_unverified_header(token))
        except jwt.PyJWTError:
            return False
        except BadToken:
            return True
        return False
