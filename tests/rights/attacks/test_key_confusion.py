"""What would be gained where tokens are signed with a private key and checked with its public half.

PostgREST itself, told the public key as a hosted project tells it. Everybody can read that key:
used as a secret for HS256 it must open nothing.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devstack import ports
from devstack.processes import wait_until
from devstack.services import SERVICES, environment
from devstack.stack import Stack
from tests.rights.attacks.conftest import Household
from tests.rights.world import World

KEY_ID = "current"


@dataclass(frozen=True)
class Signing:
    """A PostgREST that believes one ES256 key, and the key."""

    url: str
    private: ec.EllipticCurvePrivateKey
    jwk: dict[str, Any]

    def seen(self, token: str, contact: str) -> int:
        """How the owner's own contact is answered."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{self.url}/contacts?select=id&id=eq.{contact}", headers=headers)
        assert answer.status_code != 200 or answer.json() == [{"id": contact}]
        return answer.status_code


@pytest.fixture(scope="module")
def signing(stack: Stack) -> Iterator[Signing]:
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    jwk |= {"kid": KEY_ID, "alg": "ES256", "use": "sig"}
    port = ports.choose_all(default=False)["postgrest"]
    told = {"PGRST_JWT_SECRET": json.dumps({"keys": [jwk]}), "PGRST_SERVER_PORT": str(port)}
    settings = environment(stack.folder, stack.env, "postgrest") | told
    url = f"http://127.0.0.1:{port}"
    command = SERVICES["postgrest"].command(stack.env)
    with subprocess.Popen(
        command, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert wait_until(lambda: _answers(url), 30)
            yield Signing(url, private, jwk)
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.fixture
def claims(world: World) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(world.here.owner.token, options={"verify_signature": False})
    return found | {"exp": int(time.time()) + 600}


def public_forms(signing: Signing) -> list[bytes]:
    """The public key as bytes, in every way it is handed about."""
    public = signing.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    x, y = (base64.urlsafe_b64decode(signing.jwk[name] + "=") for name in ("x", "y"))
    keys = json.dumps({"keys": [signing.jwk]})
    return [
        pem,
        pem.strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        keys.encode(),
        keys.replace(" ", "").encode(),
        json.dumps(signing.jwk).encode(),
        x,
        y,
        x + y,
        signing.jwk["x"].encode(),
        b"",
    ]


def hmac(header: dict[str, Any], claims: dict[str, Any], secret: bytes, size: int) -> str:
    """As PyJWT would, which refuses to sign with a public key."""
    sizes = {256: jwt.algorithms.HMACAlgorithm.SHA256, 512: jwt.algorithms.HMACAlgorithm.SHA512}

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{body}.{part(jwt.algorithms.HMACAlgorithm(sizes[size]).sign(body.encode(), secret))}"


def test_the_private_key_opens(signing: Signing, claims: dict[str, Any], here: Household) -> None:
    token = jwt.encode(claims, signing.private, "ES256", headers={"kid": KEY_ID})
    assert signing.seen(token, here.contact) == 200


@pytest.mark.parametrize("size", [256, 512])
def test_signing_with_the_public_key_as_a_secret(
    signing: Signing, claims: dict[str, Any], here: Household, size: int
) -> None:
    for secret in public_forms(signing):
        for more in ({}, {"kid": KEY_ID}, {"kid": KEY_ID, "typ": "JWT"}):
            token = hmac({"alg": f"HS{size}"} | more, claims, secret, size)
            assert signing.seen(token, here.contact) == 401


def test_signing_with_the_secret_of_former_times(
    signing: Signing, world: World, here: Household
) -> None:
    """After the change to keys the shared secret opens nothing."""
    assert signing.seen(world.here.owner.token, here.contact) == 401


OWN = ec.generate_private_key(ec.SECP256R1())
OWN_JWK = jwt.algorithms.ECAlgorithm.to_jwk(OWN.public_key(), as_dict=True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"kid": KEY_ID},
        {"kid": "unknown"},
        {"kid": "../current"},
        {"kid": KEY_ID, "jwk": OWN_JWK},
        {"kid": KEY_ID, "jku": "http://127.0.0.1:9/jwks.json"},
        {"kid": KEY_ID, "x5c": ["AAAA"]},
        {"kid": KEY_ID, "crit": ["exp"]},
    ],
    ids=lambda headers: ",".join(headers) or "none",
)
def test_signing_with_a_key_of_ones_own(
    signing: Signing, claims: dict[str, Any], here: Household, headers: dict[str, Any]
) -> None:
    assert signing.seen(jwt.encode(claims, OWN, "ES256", headers=headers), here.contact) == 401


@pytest.mark.parametrize("algorithm", ["none", "NONE", "ES256", "HS256", "RS256", "ES384"])
def test_leaving_the_signature_out(
    signing: Signing, claims: dict[str, Any], here: Household, algorithm: str
) -> None:
    token = hmac({"alg": algorithm, "kid": KEY_ID}, claims, b"", 256)
    for forged in (token.rsplit(".", 1)[0] + ".", token, token[:-2]):
        assert signing.seen(forged, here.contact) == 401


def test_changing_the_claims_of_a_signed_token(
    signing: Signing, claims: dict[str, Any], world: World, here: Household
) -> None:
    """Also with the signature of zeros that old libraries took for good (CVE-2022-21449)."""
    poor = claims | {"sub": world.here.marketer.id}
    signed = jwt.encode(poor, signing.private, "ES256", headers={"kid": KEY_ID})
    head, _, signature = signed.split(".")
    rich = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    zeros = base64.urlsafe_b64encode(bytes(64)).rstrip(b"=").decode()
    for forged in (f"{head}.{rich}.{signature}", f"{head}.{rich}.{zeros}"):
        assert signing.seen(forged, here.contact) == 401
