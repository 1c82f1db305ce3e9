from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient

from app import create_app
from app.auth import TokenCheck
from app.config import Config
from app.errors import AppError
from app.jwks import KEEP_S, REFETCH_GAP_S, PublicKeys

SOME_IMPORT = "/api/v1/imports/00000000-0000-4000-8000-000000000001"

Sign = Callable[..., str]


@pytest.fixture
def by_secret(config: Config) -> TokenCheck:
    return TokenCheck(config.jwt_issuer, secret=config.jwt_secret)


def test_every_route_but_the_open_ones_asks_for_a_token(client: FlaskClient) -> None:
    open_to_all = {"/health/live", "/health/ready", "/openapi.json", "/docs", "/metrics"}
    for rule in client.application.url_map.iter_rules():
        if rule.rule in open_to_all or rule.endpoint == "docs.part":
            continue
        path = rule.rule.replace("<uuid:import_id>", "00000000-0000-4000-8000-000000000001")
        for method in rule.methods - {"OPTIONS"}:
            answer = client.open(path, method=method)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic b3duZXI6cHc=", "token abc"])
def test_a_request_without_a_bearer_token_is_told_so(client: FlaskClient, header: str) -> None:
    answer = client.get(SOME_IMPORT, headers={"Authorization": header})
    assert (answer.status_code, answer.json["code"]) == (401, "missing_token")


def test_a_signed_in_person_is_known_by_the_token(
    by_secret: TokenCheck, claims: dict[str, Any], sign: Sign
) -> None:
    locations = [{"id": "one", "role": "owner"}]
    token = sign(app_metadata={"locations": locations})
    user = by_secret.user(token)
    assert (user.id, user.email, user.token) == (claims["sub"], claims["email"], token)
    assert user.locations == locations
    assert token not in repr(user)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "somebody-else"},
        {"aud": None},
        {"iss": "http://127.0.0.1:9/auth/v1/"},
        {"iss": None},
        {"exp": None},
        {"sub": None},
        {"sub": "owner"},
        {"role": None},
        {"role": "anon"},
        {"role": "service_role"},
        {"is_anonymous": True},
        {"nbf": int(time.time()) + 600},
        {"secret": "another-secret-that-is-long-enough-for-it"},
        {"algorithm": "HS512"},
    ],
)
def test_a_token_that_is_not_a_persons_is_refused(
    client: FlaskClient, sign: Sign, changes: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {sign(**changes)}"}
    answer = client.get(SOME_IMPORT, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_anon_key_is_no_sign_in(client: FlaskClient, sign: Sign) -> None:
    key = sign(iss="supabase", role="anon", sub=None, aud=None, email=None)
    answer = client.get(SOME_IMPORT, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


def test_an_unsigned_token_is_refused(client: FlaskClient, claims: dict[str, Any]) -> None:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    text = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    for token in (".".join([*text, ""]), ".".join(text), "no.token.this", "x", "…"):
        answer = client.get(SOME_IMPORT, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")


def test_an_expired_token_is_told_apart_after_a_short_leeway(
    client: FlaskClient, by_secret: TokenCheck, claims: dict[str, Any], sign: Sign
) -> None:
    headers = {"Authorization": f"Bearer {sign(exp=int(time.time()) - 60)}"}
    assert client.get(SOME_IMPORT, headers=headers).json["code"] == "expired_token"
    just_now = sign(exp=int(time.time()) - 3)
    assert by_secret.user(just_now).id == claims["sub"]


class Issuer:
    """Stands where Supabase Auth publishes its keys; counts who asks."""

    def __init__(self) -> None:
        self.keys = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.asked = 0
        self.away = False
        self.extra: list[dict[str, Any]] = []
        self.clock_s = 1000.0
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.public_keys = PublicKeys("http://issuer/jwks", self.http, lambda: self.clock_s)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            return httpx.Response(502)
        listed = [self._jwk(key_id) for key_id in self.keys]
        return httpx.Response(200, json={"keys": [*listed, *self.extra]})

    def _jwk(self, key_id: str) -> dict[str, Any]:
        public = self.keys[key_id].public_key()
        jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
        return {**jwk, "kid": key_id, "alg": "ES256", "use": "sig"}

    def pem(self, key_id: str) -> bytes:
        return (
            self.keys[key_id]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def sign(self, claims: dict[str, Any], key_id: str = "first", **header: Any) -> str:
        headers = {"kid": key_id, **header}
        return jwt.encode(claims, self.keys[key_id], algorithm="ES256", headers=headers)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def by_keys(issuer: Issuer, claims: dict[str, Any]) -> TokenCheck:
    return TokenCheck(claims["iss"], public_keys=issuer.public_keys)


def test_a_token_signed_by_a_published_key_is_taken(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    assert by_keys.user(issuer.sign(claims)).id == claims["sub"]
    assert by_keys.user(issuer.sign(claims)).id == claims["sub"]
    assert issuer.asked == 1


def test_keys_are_asked_for_again_after_ten_minutes(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    token = issuer.sign(claims)
    by_keys.user(token)
    issuer.keys.clear()
    issuer.clock_s += KEEP_S + 1
    with pytest.raises(AppError) as refused:
        by_keys.user(token)
    assert refused.value.code == "invalid_token"


def test_a_new_key_is_found_by_one_more_question(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    by_keys.user(issuer.sign(claims))
    issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
    issuer.clock_s += REFETCH_GAP_S + 1
    assert by_keys.user(issuer.sign(claims, "second")).id == claims["sub"]
    assert issuer.asked == 2


def test_made_up_key_ids_do_not_make_us_ask_again_and_again(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    by_keys.user(issuer.sign(claims))
    for made_up in ("a", "b", "c"):
        with pytest.raises(AppError):
            by_keys.user(issuer.sign(claims, kid=made_up))
    assert issuer.asked == 1


def test_the_public_key_as_a_shared_secret_opens_nothing(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = part({"alg": "HS256", "kid": "first"}) + b"." + part(claims)
    mac = hmac.new(issuer.pem("first"), body, hashlib.sha256).digest()
    token = (body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()
    with pytest.raises(AppError) as refused:
        by_keys.user(token)
    assert refused.value.code == "invalid_token"
    assert issuer.asked == 0


def test_a_token_without_a_key_id_and_keys_of_other_kinds_are_passed_over(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    shared = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    issuer.extra = [{"kty": "oct", "k": shared, "kid": "oct", "alg": "HS256"}, {"kty": "?"}]
    issuer.extra.append({**issuer._jwk("first"), "kid": None})
    for token in (
        jwt.encode(claims, issuer.keys["first"], algorithm="ES256"),
        issuer.sign(claims, kid="oct"),
    ):
        with pytest.raises(AppError):
            by_keys.user(token)


def test_an_issuer_that_is_away_is_said_to_be_away(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    issuer.away = True
    with pytest.raises(AppError) as refused:
        by_keys.user(issuer.sign(claims))
    assert (refused.value.status, refused.value.code) == (503, "auth_unavailable")
    assert "Retry-After" in refused.value.headers


def test_without_a_secret_the_app_asks_the_issuer_for_its_keys(
    config: Config, issuer: Issuer, claims: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {issuer.sign(claims)}"}
    answer = (
        create_app(replace(config, jwt_secret="")).test_client().get(SOME_IMPORT, headers=headers)
    )
    assert (answer.status_code, answer.json["code"]) == (503, "auth_unavailable")
