"""A stack that signs with ES256: who believes which token, before and after keys change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app import create_app
from app.config import Config, Quotas
from app.errors import AppError
from app.jwks import KEEP_S, PublicKeys
from app.tokens import TokenCheck
from devstack import key_rotation, signing_keys
from devstack.layout import CHECKOUT
from devstack.stack import Stack
from tests.devstack.doors import ALL, NONE, forge, opened_by
from tests.devstack.gateway_process import Gateway

PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def es_stack() -> Iterator[Stack]:
    stack = Stack(f"{os.environ.get('STACK_NAME', 'test')}-es"[:31])
    stack.down(destroy=True)
    try:
        stack.up(only=["postgres", "postgrest", "gateway"], signing="es256")
        yield stack
    finally:
        stack.down(destroy=True)


@pytest.fixture(scope="module")
def project(es_stack: Stack) -> Gateway:
    return Gateway(es_stack.env, 0, es_stack.folder.path)


@pytest.fixture
def new_token(project: Gateway) -> Callable[[], str]:
    """Signs somebody new in."""

    def sign_in() -> str:
        body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        service = {"apikey": project.service_key}
        made = body | {"email_confirm": True}
        httpx.post(f"{project.url}/auth/v1/admin/users", json=made, headers=service)
        answer = httpx.post(
            f"{project.url}/auth/v1/token?grant_type=password",
            json=body,
            headers={"apikey": project.anon_key},
        )
        return str(answer.raise_for_status().json()["access_token"])

    return sign_in


def jwks(project: Gateway) -> list[dict[str, Any]]:
    answer = httpx.get(f"{project.url}/auth/v1/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    return list(answer.json()["keys"])


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def keys_command(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devstack", "keys", *words, "--name", stack.name]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)


def test_product_gets_no_secret_and_the_keys_stay_private(es_stack: Stack) -> None:
    assert "SUPABASE_JWT_SECRET" not in es_stack.env
    for path in (es_stack.folder.signing_keys, es_stack.folder.jwks):
        assert path.stat().st_mode & 0o777 == 0o600
        ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=CHECKOUT)
        assert ignored.returncode == 0


def test_token_is_checked_by_the_published_key_and_opens_everything(
    project: Gateway, new_token: Callable[[], str]
) -> None:
    token = new_token()
    published = {key["kid"]: key for key in jwks(project)}
    key = published[kid_of(token)]
    assert key["alg"] == "ES256" and key["key_ops"] == ["verify"] and "d" not in key
    claims = jwt.decode(
        token,
        jwt.PyJWK(key),
        ["ES256"],
        audience="authenticated",
        issuer=f"{project.url}/auth/v1",
    )
    assert claims["role"] == "authenticated" and opened_by(project, token) == ALL


def test_legacy_api_keys_go_on_working(project: Gateway) -> None:
    assert jwt.get_unverified_header(project.service_key)["alg"] == "HS256"
    headers = {"apikey": project.service_key}
    answer = httpx.get(f"{project.url}/rest/v1/locations?select=id", headers=headers)
    assert answer.status_code == 200
    assert httpx.get(f"{project.url}/auth/v1/admin/users", headers=headers).status_code == 200


def test_supabase_js_checks_claims_by_the_key_set(
    project: Gateway, new_token: Callable[[], str]
) -> None:
    token = new_token()
    seen = project.run_js("claims", token=token)
    assert (
        seen["alg"] == "ES256" and seen["kid"] == kid_of(token) and seen["asked"] == ["jwks.json"]
    )


def test_forged_tokens_open_nothing(
    project: Gateway, es_stack: Stack, new_token: Callable[[], str]
) -> None:
    token = new_token()
    claims, kid = jwt.decode(token, options={"verify_signature": False}), kid_of(token)
    key = next(key for key in signing_keys.read(es_stack.folder.signing_keys) if key.kid == kid)
    public = key.private.public_key()
    pem, der = (
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    published = json.dumps(key.public_jwk).encode()
    strange = ec.generate_private_key(ec.SECP256R1())
    mine = jwt.algorithms.ECAlgorithm.to_jwk(strange.public_key(), as_dict=True)
    forged = {
        "hs256 by the PEM": forge({"alg": "HS256", "kid": kid}, claims, pem),
        "hs256 by the PEM, no kid": forge({"alg": "HS256"}, claims, pem),
        "hs256 by the DER": forge({"alg": "HS256", "kid": kid}, claims, der),
        "hs256 by the JWK": forge({"alg": "HS256", "kid": kid}, claims, published),
        "hs256 by nothing": forge({"alg": "HS256", "kid": kid}, claims, b""),
        "none": forge({"alg": "none"}, claims, b""),
        "None": forge({"alg": "None", "kid": kid}, claims, b""),
        "unknown kid": jwt.encode(claims, key.private, "ES256", headers={"kid": str(uuid4())}),
        "no kid": jwt.encode(claims, key.private, "ES256"),
        "kid of a path": forge({"alg": "HS256", "kid": "../../../dev/null"}, claims, b""),
        "kid of a file": forge({"alg": "HS256", "kid": "/proc/version"}, claims, b"x"),
        "kid of sql": jwt.encode(claims, strange, "ES256", headers={"kid": f"{kid}' or '1"}),
        "kid of a list": forge({"alg": "ES256", "kid": [kid]}, claims, pem),
        "another's key": jwt.encode(claims, strange, "ES256", headers={"kid": kid}),
        "key brought along": jwt.encode(
            claims, strange, "ES256", headers={"kid": kid, "jwk": mine}
        ),
        "es256 without a signature": forge({"alg": "ES256", "kid": kid}, claims, b""),
        "other claims": f"{token.partition('.')[0]}.{forge({}, claims, b'').split('.')[1][:-4]}.x",
    }
    refused = {name: opened_by(project, bad) for name, bad in forged.items()}
    assert refused == dict.fromkeys(forged, NONE)


def test_rotation_keeps_old_tokens_and_revocation_ends_them(
    project: Gateway, es_stack: Stack, new_token: Callable[[], str]
) -> None:
    old = new_token()
    assert keys_command(es_stack, "rotate").returncode == 0
    new = new_token()
    assert kid_of(new) != kid_of(old) and {kid_of(new), kid_of(old)} < {
        k["kid"] for k in jwks(project)
    }
    assert opened_by(project, old) == opened_by(project, new) == ALL
    in_use = keys_command(es_stack, "revoke", kid_of(new))
    assert in_use.returncode == 1 and "in use" in in_use.stderr
    done = keys_command(es_stack, "revoke", kid_of(old))
    assert done.returncode == 0 and f"{kid_of(old)}  revoked" in done.stdout
    assert kid_of(old) not in {key["kid"] for key in jwks(project)}
    assert opened_by(project, old) == NONE and opened_by(project, new) == ALL
    es_stack.restart("postgrest")
    es_stack.restart("gateway")
    assert opened_by(project, old) == NONE and opened_by(project, new) == ALL


def test_the_flask_door_follows_the_keys(
    es_stack: Stack, project: Gateway, new_token: Callable[[], str]
) -> None:
    """Postgres refuses a revoked key's tokens at once, the door by itself within ten minutes."""
    config = replace(Config.from_env(es_stack.env), quotas=Quotas(0, 0, 0, 0, 0))
    app, now = create_app(config), 1000.0
    url = f"{project.url}/auth/v1/.well-known/jwks.json"
    held = app.extensions["clients"]
    known = PublicKeys(url, held.http, lambda: now)
    check = TokenCheck(config.jwt_issuer, public_keys=known)

    def me(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return int(app.test_client().get("/api/v1/me", headers=headers).status_code)

    old = new_token()
    assert me(old) == 200 and check.user(old).token == old
    key_rotation.rotate(es_stack)
    new = new_token()
    assert kid_of(new) != kid_of(old)
    assert (me(new), me(old)) == (200, 200) and check.user(new)
    key_rotation.revoke(es_stack, kid_of(old))
    assert (me(new), me(old)) == (200, 401) and check.user(old)
    now += KEEP_S + 1
    with pytest.raises(AppError):
        check.user(old)
    assert check.user(new)
    for client in (held.http, held.redis, held.limits):
        client.close()


def test_mode_cannot_change_and_hs256_stacks_have_no_keys(stack: Stack, es_stack: Stack) -> None:
    command = [sys.executable, "-m", "devstack", "up", "--name", es_stack.name]
    done = subprocess.run(
        [*command, "--signing", "hs256"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "es256 since its first start" in done.stderr
    refused = keys_command(stack, "rotate")
    assert refused.returncode == 1 and "shared secret" in refused.stderr
