"""Which access tokens are a signed-in person's, in both modes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from app.config import Config
from app.errors import AppError
from app.jwks import KEEP_S
from app.tokens import LEEWAY_S, TokenCheck
from tests.app.issuer import Issuer

Sign = Callable[..., str]


@pytest.fixture
def by_secret(config: Config) -> TokenCheck:
    return TokenCheck(config.jwt_issuer, secret=config.jwt_secret)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def by_keys(issuer: Issuer, claims: dict[str, Any]) -> TokenCheck:
    return TokenCheck(claims["iss"], public_keys=issuer.public_keys)


def refused_by(check: TokenCheck, token: str) -> str:
    with pytest.raises(AppError) as refused:
        check.user(token)
    assert refused.value.status == 401
    return refused.value.code


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_signed_in_person_is_known_by_the_token(
    by_secret: TokenCheck, claims: dict[str, Any], sign: Sign
) -> None:
    token = sign(aud=["authenticated", "more"])
    user = by_secret.user(token)
    assert (user.id, user.email, user.token) == (claims["sub"], claims["email"], token)
    assert (user.key_id, user.key_prefix) == (None, None)
    assert token not in repr(user) and claims["email"] not in repr(user)


BAD_CLAIMS: list[dict[str, Any]] = [
    {"aud": "somebody-else"},
    {"aud": ["authenticated-not"]},
    {"aud": None},
    {"iss": "http://127.0.0.1:9/auth/v1/"},
    {"iss": "http://127.0.0.1:9/auth/v10"},
    {"iss": ["http://127.0.0.1:9/auth/v1"]},
    {"iss": None},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": float("inf")},
    {"sub": None},
    {"sub": "owner"},
    {"sub": 7},
    {"role": None},
    {"role": "anon"},
    {"role": "service_role"},
    {"role": ["authenticated"]},
    {"is_anonymous": True},
    {"nbf": 4_102_444_800},  # in 2100; the cases are the same in every process
]


@pytest.mark.parametrize("changes", BAD_CLAIMS, ids=str)
def test_a_token_that_is_not_a_persons_is_refused_in_both_modes(
    by_secret: TokenCheck,
    by_keys: TokenCheck,
    issuer: Issuer,
    claims: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    # As a project would sign it: PyJWT itself refuses to write some of these.
    head, body = part({"alg": "HS256", "typ": "JWT"}), part(told)
    secret = by_secret._secret.encode()
    mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    token = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refused_by(by_secret, token) == "invalid_token"
    signed = jwt.PyJWS().encode(
        json.dumps(told).encode(), issuer.keys["first"], "ES256", headers={"kid": "first"}
    )
    assert refused_by(by_keys, signed) == "invalid_token"


def test_a_token_of_another_project_is_refused(by_secret: TokenCheck, sign: Sign) -> None:
    assert refused_by(by_secret, sign(secret="x" * 64)) == "invalid_token"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_algorithm_is_ours_to_choose(by_secret: TokenCheck, sign: Sign, algorithm: str) -> None:
    assert refused_by(by_secret, sign(algorithm=algorithm)) == "invalid_token"


def test_a_key_pairs_token_is_nothing_where_a_secret_is_set(
    by_secret: TokenCheck, issuer: Issuer, claims: dict[str, Any]
) -> None:
    assert refused_by(by_secret, issuer.sign(claims)) == "invalid_token"


def test_the_anon_key_and_the_service_key_are_no_sign_in(by_secret: TokenCheck, sign: Sign) -> None:
    for role in ("anon", "service_role"):
        key = sign(iss="supabase", role=role, sub=None, aud=None, email=None)
        assert refused_by(by_secret, key) == "invalid_token"
    for key in ("sb_publishable_x", "sb_secret_x"):
        assert refused_by(by_secret, key) == "invalid_token"


def test_an_unsigned_token_is_refused(
    by_secret: TokenCheck, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    for kind in ("none", "None", "NONE"):
        text = [part({"alg": kind, "typ": "JWT", "kid": "first"}), part(claims)]
        for token in (".".join([*text, ""]), ".".join(text), "no.token.this", "x", "…", ".."):
            assert refused_by(by_secret, token) == "invalid_token"
            assert refused_by(by_keys, token) == "invalid_token"


def test_a_header_nobody_can_read_is_no_defect(by_secret: TokenCheck, by_keys: TokenCheck) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode()
    strange = [part({"alg": "ES256", "kid": kid}) for kid in (7, ["first"], {}, "", None)]
    for head in (deep, part([]), part("ES256"), part({"alg": ["ES256"], "kid": "first"}), *strange):
        for check in (by_secret, by_keys):
            assert refused_by(check, f"{head}.e30.AAAA") == "invalid_token"


def test_an_expired_token_is_told_apart_after_a_short_leeway(
    by_secret: TokenCheck, claims: dict[str, Any], sign: Sign
) -> None:
    assert refused_by(by_secret, sign(exp=int(time.time()) - 60)) == "expired_token"
    assert by_secret.user(sign(exp=int(time.time()) - 3)).id == claims["sub"]
    assert LEEWAY_S <= 30


def test_a_token_is_checked_once_and_remembered_until_it_expires(
    config: Config, claims: dict[str, Any], sign: Sign
) -> None:
    now = time.time()
    check = TokenCheck(config.jwt_issuer, secret=config.jwt_secret, now=lambda: now)
    token = sign(exp=int(now) - LEEWAY_S + 3)
    assert check.user(token) is check.user(token)
    now += 4
    # The library's own clock has not moved: it is asked, and makes a new answer.
    assert check.user(token) is not check._checked.get(token)
    assert check._checked.get(token) is None


def test_a_token_signed_by_a_published_key_is_taken(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    assert by_keys.user(issuer.sign(claims)).id == claims["sub"]
    assert by_keys.user(issuer.sign(claims)).id == claims["sub"]
    rsa = issuer.add_rsa("rsa")
    issuer.clock_s += 60
    token = jwt.encode(claims, rsa, algorithm="RS256", headers={"kid": "rsa"})
    assert by_keys.user(token).id == claims["sub"]
    assert issuer.asked == 2


def test_a_remembered_token_dies_with_its_key(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    token = issuer.sign(claims)
    by_keys.user(token)
    issuer.keys.clear()
    issuer.clock_s += KEEP_S + 1
    assert refused_by(by_keys, token) == "invalid_token"


def test_another_key_under_the_same_id_is_noticed(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    token = issuer.sign(claims)
    by_keys.user(token)
    issuer.add("first")
    issuer.clock_s += KEEP_S + 1
    assert refused_by(by_keys, token) == "invalid_token"


def test_a_key_opens_only_with_its_own_algorithm(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    rsa = issuer.add_rsa("rsa")
    token = jwt.encode(claims, rsa, algorithm="RS256", headers={"kid": "first"})
    assert refused_by(by_keys, token) == "invalid_token"
    token = jwt.encode(claims, rsa, algorithm="RS384", headers={"kid": "rsa"})
    assert refused_by(by_keys, token) == "invalid_token"


def test_the_public_key_as_a_shared_secret_opens_nothing(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    body = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
    mac = hmac.new(issuer.pem("first"), body.encode(), hashlib.sha256).digest()
    token = f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refused_by(by_keys, token) == "invalid_token"
    assert issuer.asked == 0


def test_a_token_must_name_its_key_and_cannot_bring_one(
    issuer: Issuer, by_keys: TokenCheck, claims: dict[str, Any]
) -> None:
    unnamed = jwt.encode(claims, issuer.keys["first"], algorithm="ES256")
    assert refused_by(by_keys, unnamed) == "invalid_token"
    thief = Issuer()
    for header in ({"jwk": thief.jwk("first")}, {"jku": "http://thief/jwks"}, {"x5u": "http://t"}):
        assert refused_by(by_keys, thief.sign(claims, **header)) == "invalid_token"
    for kid in ("../../etc/passwd", "first' or '1'='1", "http://thief/jwks", "first\x00"):
        assert refused_by(by_keys, thief.sign(claims, kid=kid)) == "invalid_token"
