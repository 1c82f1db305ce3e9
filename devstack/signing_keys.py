"""The keys of a stack that signs tokens with ES256, in the states a Supabase project's keys have.

standby (published, signs nothing yet) → in use → previously used (tokens still count) → revoked.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from devstack.layout import StackError

ALGORITHM = "ES256"
STANDBY, IN_USE, PREVIOUS, REVOKED = "standby", "in use", "previously used", "revoked"
PUBLIC_PARTS = ("kty", "crv", "x", "y")


@dataclass(frozen=True)
class SigningKey:
    kid: str
    state: str
    since: int
    jwk: dict[str, Any]

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        return cast(ec.EllipticCurvePrivateKey, ECAlgorithm.from_jwk(self.jwk))

    @property
    def public_jwk(self) -> dict[str, Any]:
        parts = {name: self.jwk[name] for name in PUBLIC_PARTS}
        use = {"use": "sig", "key_ops": ["verify"], "ext": True}
        return {"alg": ALGORITHM, "kid": self.kid} | parts | use

    def become(self, state: str) -> SigningKey:
        return SigningKey(self.kid, state, int(time.time()), self.jwk)


def new_key(state: str) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(
        str(uuid.uuid4()), state, int(time.time()), ECAlgorithm.to_jwk(private, as_dict=True)
    )


def read(path: Path) -> list[SigningKey]:
    return [SigningKey(**item) for item in json.loads(path.read_text())]


def make(path: Path) -> None:
    """Once per stack: one key that signs, one that waits."""
    if not path.exists():
        _write(path, [asdict(new_key(IN_USE)), asdict(new_key(STANDBY))])


def rotate(path: Path) -> SigningKey:
    """The standby key signs from now on, and a new one waits. Returns the key in use."""
    following = {STANDBY: IN_USE, IN_USE: PREVIOUS}
    keys = [
        key.become(following[key.state]) if key.state in following else key for key in read(path)
    ]
    keys.append(new_key(STANDBY))
    _write(path, [asdict(key) for key in keys])
    return next(key for key in keys if key.state == IN_USE)


def revoke(path: Path, kid: str) -> SigningKey:
    """As on Supabase, only a key that was rotated away can be revoked."""
    keys = {key.kid: key for key in read(path)}
    if kid not in keys:
        raise StackError(f"no signing key {kid}: `python -m devstack keys list` names them")
    if keys[kid].state != PREVIOUS:
        raise StackError(
            f"the key {kid} is {keys[kid].state}: only a previously used one is revoked"
        )
    keys[kid] = keys[kid].become(REVOKED)
    _write(path, [asdict(key) for key in keys.values()])
    return keys[kid]


def believed(keys: list[SigningKey]) -> list[SigningKey]:
    return [key for key in keys if key.state != REVOKED]


def publish(path: Path, target: Path, secret: str) -> None:
    """Writes what PostgREST checks signatures with: the legacy secret beside the public keys."""
    encoded = base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
    legacy = {"kty": "oct", "k": encoded, "alg": "HS256", "use": "sig"}
    _write(target, {"keys": [legacy, *(key.public_jwk for key in believed(read(path)))]})


def _write(path: Path, content: Any) -> None:
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=1))
    draft.replace(path)
