"""PKCE, which server-side clients use: the link alone opens nothing."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import httpx
import pytest

from tests.devstack.conftest import Person
from tests.devstack.gateway_process import Gateway
from tests.devstack.test_gateway_mails import SITE, refusal


def challenge(verifier: str) -> dict[str, str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return {"code_challenge": digest.decode().rstrip("="), "code_challenge_method": "s256"}


def code_for(gateway: Gateway, email: str, verifier: str, path: str = "/recover") -> str:
    gateway.auth(path, email=email, **challenge(verifier)).raise_for_status()
    answer = httpx.get(gateway.mails(email)[0]["link"])
    assert answer.status_code == 303
    landed = httpx.URL(answer.headers["Location"])
    assert not landed.fragment
    return str(landed.params["code"])


def exchange(gateway: Gateway, **body: Any) -> httpx.Response:
    return gateway.auth("/token?grant_type=pkce", **body)


@pytest.fixture
def verifier() -> str:
    return secrets.token_hex(28)


def test_supabase_js_signs_in_by_link_and_code(gateway: Gateway, person: Person) -> None:
    seen = gateway.run_js("pkce", email=person.email, site=SITE)
    assert seen == {
        "next": "/me",
        "hash": "",
        "again": "otp_expired",
        "thief": "bad_code_verifier",
        "userId": person.id,
        "method": "magiclink",
    }


def test_code_is_good_once(gateway: Gateway, person: Person, verifier: str) -> None:
    code = code_for(gateway, person.email, verifier)
    wrong = exchange(gateway, auth_code=code, code_verifier=verifier[::-1])
    assert refusal(wrong) == (400, "bad_code_verifier")
    session = exchange(gateway, auth_code=code, code_verifier=verifier).json()
    assert session["user"]["id"] == person.id and session["refresh_token"]
    again = exchange(gateway, auth_code=code, code_verifier=verifier)
    assert refusal(again) == (404, "flow_state_not_found")


def test_code_expires_and_counts_only_after_the_click(
    gateway: Gateway, person: Person, verifier: str
) -> None:
    gateway.auth("/otp", email=person.email, **challenge(verifier)).raise_for_status()
    (flow,) = gateway.sql("select * from auth.flow_state where user_id = %s", (person.id,))
    early = exchange(gateway, auth_code=flow["auth_code"], code_verifier=verifier)
    assert refusal(early) == (404, "flow_state_not_found")
    httpx.get(gateway.mails(person.email)[0]["link"])
    gateway.sql(
        "update auth.flow_state set auth_code_issued_at = now() - interval '6 min' where id = %s",
        (flow["id"],),
    )
    late = exchange(gateway, auth_code=flow["auth_code"], code_verifier=verifier)
    assert refusal(late) == (403, "flow_state_expired")


def test_code_from_the_mail_can_be_typed_as_well(
    gateway: Gateway, person: Person, verifier: str
) -> None:
    gateway.auth("/otp", email=person.email, **challenge(verifier)).raise_for_status()
    code = gateway.mails(person.email)[0]["code"]
    typed = gateway.auth("/verify", type="email", email=person.email, token=code)
    assert typed.json()["user"]["id"] == person.id


@pytest.mark.parametrize(
    "given",
    [
        {"code_challenge": "x" * 43},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short", "code_challenge_method": "s256"},
        {"code_challenge": "x" * 43, "code_challenge_method": "md5"},
        {"code_challenge": "x" * 42 + "\n", "code_challenge_method": "plain"},
    ],
)
def test_half_a_challenge_is_refused(
    gateway: Gateway, person: Person, given: dict[str, str]
) -> None:
    refused = gateway.auth("/otp", email=person.email, **given)
    assert refusal(refused) == (400, "validation_failed") and gateway.mails(person.email) == []
