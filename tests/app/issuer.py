"""Stands where Supabase Auth publishes its keys; counts who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.jwks import PublicKeys


class Issuer:
    def __init__(self) -> None:
        self.keys = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.asked = 0
        self.away = False
        self.extra: list[Any] = []
        self.clock_s = 1000.0
        # What happens while the issuer is being asked.
        self.meanwhile: Callable[[], Any] = lambda: None
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.public_keys = PublicKeys("http://issuer/jwks", self.http, lambda: self.clock_s)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.meanwhile()
        if self.away:
            return httpx.Response(502)
        listed = [self.jwk(key_id) for key_id in self.keys]
        return httpx.Response(200, json={"keys": [*listed, *self.extra]})

    def jwk(self, key_id: str) -> dict[str, Any]:
        public = self.keys[key_id].public_key()
        jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
        return {**jwk, "kid": key_id, "alg": "ES256", "use": "sig"}

    def add(self, key_id: str) -> None:
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1())

    def add_rsa(self, key_id: str) -> rsa.RSAPrivateKey:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.extra.append({**jwk, "kid": key_id, "alg": "RS256"})
        return key

    def pem(self, key_id: str) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.keys[key_id].public_key().public_bytes(serialization.Encoding.PEM, form)

    def sign(self, claims: dict[str, Any], key_id: str = "first", **header: Any) -> str:
        headers = {"kid": key_id, **header}
        return jwt.encode(claims, self.keys[key_id], algorithm="ES256", headers=headers)
