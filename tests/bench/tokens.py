"""How many tokens a process verifies a second: new ones, and one it has seen before."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from app.jwks import PublicKeys
from app.tokens import TokenCheck

ISSUER, SECRET = "http://issuer.example.com/auth/v1", "a secret of more than 32 bytes, made up"
NEW, AGAIN = 2_000, 100_000


def rates() -> dict[str, dict[str, float]]:
    """{algorithm: {new, again}} in verifications per second."""
    return {"HS256": _hs256(), "ES256": _es256()}


def _hs256() -> dict[str, float]:
    made = [jwt.encode(_claims(), SECRET, algorithm="HS256") for _ in range(NEW)]
    return _both(TokenCheck(ISSUER, secret=SECRET), made)


def _es256() -> dict[str, float]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    listed = {"keys": [public | {"kid": "k1", "alg": "ES256", "use": "sig"}]}
    made = [
        jwt.encode(_claims(), key, algorithm="ES256", headers={"kid": "k1"}) for _ in range(NEW)
    ]
    issuer = httpx.MockTransport(lambda _: httpx.Response(200, json=listed))
    with httpx.Client(transport=issuer) as http:
        return _both(TokenCheck(ISSUER, public_keys=PublicKeys(f"{ISSUER}/jwks", http)), made)


def _both(check: TokenCheck, made: Sequence[str]) -> dict[str, float]:
    check.user(made[0])
    new = _rate(lambda: [check.user(token) for token in made[1:]], len(made) - 1)
    again = _rate(lambda: [check.user(made[-1]) for _ in range(AGAIN)], AGAIN)
    return {"new": new, "again": again}


def _rate(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    work()
    return round(times / (time.perf_counter() - started))


def _claims() -> dict[str, object]:
    """As Supabase Auth fills them, in length too."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": str(uuid.uuid4()),
        "role": "authenticated",
        "email": "owner@example.com",
        "iat": now,
        "exp": now + 3600,
        "session_id": str(uuid.uuid4()),
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"name": "Demo Owner"},
        "is_anonymous": False,
    }
