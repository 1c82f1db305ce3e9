"""Second factors: enrolled, asked for, and what else they change for an account."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pyotp
import pytest

from supabase import Client
from tests.devstack.conftest import Person, SignIn
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import token_of


class Account:
    """A signed-in person who speaks to Auth by plain HTTP."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self.gateway, self.token = gateway, token

    def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"apikey": self.gateway.anon_key, "Authorization": f"Bearer {self.token}"}
        url = f"{self.gateway.url}/auth/v1{path}"
        return httpx.request(method, url, json=body if body else None, headers=headers)

    def enroll(self, name: str = "phone") -> tuple[str, pyotp.TOTP]:
        made = self.ask("POST", "/factors", factor_type="totp", friendly_name=name)
        shown = made.raise_for_status().json()
        return shown["id"], pyotp.TOTP(shown["totp"]["secret"])

    def challenge(self, factor: str) -> dict[str, Any]:
        asked = self.ask("POST", f"/factors/{factor}/challenge")
        return dict(asked.raise_for_status().json())

    def answer(self, factor: str, code: str) -> httpx.Response:
        given = {"challenge_id": self.challenge(factor)["id"], "code": code}
        return self.ask("POST", f"/factors/{factor}/verify", **given)

    def raised(self, factor: str, code: str) -> Account:
        answer = self.answer(factor, code).raise_for_status().json()
        return Account(self.gateway, answer["access_token"])

    @property
    def claims(self) -> dict[str, Any]:
        return dict(jwt.decode(self.token, options={"verify_signature": False}))


def earlier(totp: pyotp.TOTP) -> str:
    """The code of the half minute before, which counts as well and leaves the present one over."""
    return totp.at(time.time() - 30)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


@pytest.fixture
def account(gateway: Gateway, sign_in: SignIn, person: Person) -> Account:
    return Account(gateway, token_of(sign_in(person)))


def test_code_raises_the_session_and_ends_the_others(
    gateway: Gateway, sign_in: SignIn, person: Person, account: Account
) -> None:
    elsewhere = Account(gateway, token_of(sign_in(person)))
    factor, totp = account.enroll()
    account.enroll("never used")
    raised = account.raised(factor, totp.now())
    assert raised.claims["aal"] == "aal2" and account.claims["aal"] == "aal1"
    assert raised.claims["session_id"] == account.claims["session_id"]
    assert {proof["method"] for proof in raised.claims["amr"]} == {"totp", "password"}
    assert refusal(elsewhere.ask("GET", "/user")) == (403, "session_not_found")
    factors = raised.ask("GET", "/user").json()["factors"]
    assert [(one["id"], one["status"], one["factor_type"]) for one in factors] == [
        (factor, "verified", "totp")
    ]
    assert "secret" not in factors[0]


def test_code_is_used_once(sign_in: SignIn, person: Person, account: Account) -> None:
    factor, totp = account.enroll()
    code = earlier(totp)
    raised = account.raised(factor, code)
    again = Account(account.gateway, token_of(sign_in(person)))
    assert refusal(again.answer(factor, code)) == (422, "mfa_verification_failed")
    assert refusal(raised.answer(factor, code)) == (422, "mfa_verification_failed")
    assert again.raised(factor, totp.now()).claims["aal"] == "aal2"


def test_one_of_two_who_send_the_same_code_at_once_gets_in(
    sign_in: SignIn, person: Person, account: Account
) -> None:
    factor, totp = account.enroll()
    account.raised(factor, earlier(totp))
    sessions = [Account(account.gateway, token_of(sign_in(person))) for _ in range(4)]
    given = [
        (one, {"challenge_id": one.challenge(factor)["id"], "code": totp.now()}) for one in sessions
    ]
    with ThreadPoolExecutor(len(given)) as pool:
        said = pool.map(
            lambda pair: pair[0].ask("POST", f"/factors/{factor}/verify", **pair[1]), given
        )
    codes = sorted(answer.status_code for answer in said)
    assert codes[0] == 200 and set(codes[1:]) <= {403, 422}


def test_wrong_used_late_and_foreign_challenges_are_refused(
    gateway: Gateway, account: Account, sign_in: SignIn, new_person: Any
) -> None:
    factor, totp = account.enroll()
    assert refusal(account.answer(factor, "000000" if totp.now() != "000000" else "1")) == (
        422,
        "mfa_verification_failed",
    )
    challenge = account.challenge(factor)
    assert challenge["type"] == "totp" and challenge["expires_at"] > time.time() + 200
    given = {"challenge_id": challenge["id"], "code": totp.now()}
    gateway.sql(
        "update auth.mfa_challenges set created_at = created_at - interval '6 min' where id = %s",
        (challenge["id"],),
    )
    late = account.ask("POST", f"/factors/{factor}/verify", **given)
    assert refusal(late) == (422, "mfa_challenge_expired")
    stranger = Account(gateway, token_of(sign_in(new_person())))
    for path in (f"/factors/{factor}/challenge", f"/factors/{factor}/verify"):
        assert refusal(stranger.ask("POST", path, **given)) == (404, "mfa_factor_not_found")
    assert refusal(stranger.ask("DELETE", f"/factors/{factor}")) == (404, "mfa_factor_not_found")
    other, _ = stranger.enroll()
    foreign = stranger.ask("POST", f"/factors/{other}/verify", **given)
    assert refusal(foreign) == (422, "mfa_factor_not_found")
    assert refusal(account.ask("POST", "/factors/x/challenge")) == (404, "validation_failed")


def test_password_alone_can_neither_change_nor_remove_what_guards_the_account(
    sign_in: SignIn, person: Person, account: Account
) -> None:
    factor, totp = account.enroll()
    raised = account.raised(factor, earlier(totp))
    thief = Account(account.gateway, token_of(sign_in(person)))
    assert refusal(thief.ask("PUT", "/user", password="another horse")) == (401, "insufficient_aal")
    assert refusal(thief.ask("PUT", "/user", email="me@evil.com")) == (401, "insufficient_aal")
    assert refusal(thief.ask("DELETE", f"/factors/{factor}")) == (422, "insufficient_aal")
    enrolled = thief.ask("POST", "/factors", factor_type="totp", friendly_name="mine")
    assert refusal(enrolled) == (403, "insufficient_aal")
    assert thief.ask("PUT", "/user", data={"name": "Ada"}).status_code == 200
    same = raised.ask("POST", "/factors", factor_type="totp", friendly_name="phone")
    assert refusal(same) == (422, "mfa_factor_name_conflict")


def test_removed_factor_lowers_the_session(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)
    account = Account(gateway, token_of(client))
    factor, totp = account.enroll()
    answer = account.answer(factor, totp.now()).json()
    raised = Account(gateway, answer["access_token"])
    assert raised.ask("DELETE", f"/factors/{factor}").json() == {"id": factor}
    client.auth.refresh_session(answer["refresh_token"])
    claims = Account(gateway, token_of(client)).claims
    assert claims["aal"] == "aal1" and [one["method"] for one in claims["amr"]] == ["password"]


def test_level_stays_when_tokens_are_refreshed(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)
    account = Account(gateway, token_of(client))
    factor, totp = account.enroll()
    answer = account.answer(factor, totp.now()).json()
    client.auth.refresh_session(answer["refresh_token"])
    assert Account(gateway, token_of(client)).claims["aal"] == "aal2"


def test_admin_lists_and_removes_factors(service: Client, account: Account) -> None:
    factor, totp = account.enroll()
    account.raised(factor, totp.now())
    user = account.claims["sub"]
    headers = {"apikey": account.gateway.service_key}
    url = f"{account.gateway.url}/auth/v1/admin/users/{user}/factors"
    assert [one["id"] for one in httpx.get(url, headers=headers).json()] == [factor]
    assert httpx.get(url, headers={"apikey": account.gateway.anon_key}).status_code == 403
    assert httpx.delete(f"{url}/{factor}", headers=headers).json()["id"] == factor
    assert refusal(httpx.delete(f"{url}/{factor}", headers=headers)) == (
        404,
        "mfa_factor_not_found",
    )
    assert httpx.get(url, headers=headers).json() == []


def test_supabase_js_enrolls_and_verifies(gateway: Gateway, person: Person) -> None:
    seen = gateway.run_js("factors", email=person.email, password=person.password)
    assert seen["qr"].startswith("data:image/svg+xml;utf-8,<svg") and seen["uri"] == "otpauth:"
    assert seen["before"] == {"currentLevel": "aal1", "nextLevel": "aal1"}
    assert seen["enrolled"] == {"currentLevel": "aal2", "nextLevel": "aal2"}
    assert seen["next"] == {"currentLevel": "aal1", "nextLevel": "aal2"}
    assert seen["totp"] == 1 and seen["removed"]
