"""Codes and challenges: what raises a session to aal2, and what does not."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from supabase_auth.errors import AuthApiError

from tests.devstack.accounts import Account, later, refusal
from tests.devstack.conftest import NewPerson, Person, SignIn
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import token_of

REFUSED = (422, "mfa_verification_failed")


def test_code_is_used_once(sign_in: SignIn, person: Person, account: Account) -> None:
    factor, totp = account.enroll()
    code = totp.now()
    raised = account.raised(factor, code)
    again = Account(account.gateway, token_of(sign_in(person)))
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    for spelling in (code, f" {code} ", wide):
        assert refusal(again.answer(factor, spelling)) == REFUSED
    assert refusal(raised.answer(factor, code)) == REFUSED
    assert again.raised(factor, later(totp)).claims["aal"] == "aal2"


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_clock_may_be_a_step_off(gateway: Gateway, account: Account, steps: int) -> None:
    factor, totp = account.enroll()
    # The secret of the row is what decides; the code of the step before may get old on its way.
    (row,) = gateway.sql("select secret from auth.mfa_factors where id = %s", (factor,))
    assert row["secret"] == totp.secret
    answers = (account.answer(factor, later(totp, steps)) for _ in range(2))
    assert any(answer.status_code == 200 for answer in answers)


@pytest.mark.parametrize("steps", [-3, 3])
def test_clock_far_off_is_refused(account: Account, steps: int) -> None:
    factor, totp = account.enroll()
    assert refusal(account.answer(factor, later(totp, steps))) == REFUSED


@pytest.mark.parametrize("code", ["000000x", "12345", "1234567", "12 345", "abcdef"])
def test_what_is_no_code_is_refused(account: Account, code: str) -> None:
    factor, _ = account.enroll()
    assert refusal(account.answer(factor, code)) == REFUSED


def test_one_of_those_who_answer_at_once_gets_in(
    gateway: Gateway, sign_in: SignIn, person: Person, account: Account
) -> None:
    """… with the same code or each with another: the first one ends the sessions of the rest."""
    factor, totp = account.enroll()
    codes = [totp.now(), later(totp)] * 2
    account.raised(factor, codes[0])
    gateway.sql("update auth.mfa_challenges set otp_code = null where factor_id = %s", (factor,))
    others = [Account(gateway, token_of(sign_in(person))) for _ in codes]
    given = [
        {"challenge_id": other.challenge(factor)["id"], "code": code}
        for other, code in zip(others, codes, strict=True)
    ]
    with ThreadPoolExecutor(len(given)) as pool:
        said = pool.map(
            lambda other, body: other.ask("POST", f"/factors/{factor}/verify", **body),
            others,
            given,
        )
    statuses = sorted(answer.status_code for answer in said)
    assert statuses[0] == 200 and set(statuses[1:]) <= {403, 422}


def test_used_late_and_foreign_challenges_are_refused(
    gateway: Gateway, account: Account, sign_in: SignIn, new_person: NewPerson
) -> None:
    factor, totp = account.enroll()
    challenge = account.challenge(factor)
    assert challenge["type"] == "totp" and 290 < challenge["expires_at"] - time.time() < 301
    given = {"challenge_id": challenge["id"], "code": totp.now()}
    verify = f"/factors/{factor}/verify"
    age = "update auth.mfa_challenges set created_at = created_at %s interval '6 min' where id ="
    gateway.sql(f"{age % '-'} %s", (challenge["id"],))
    assert refusal(account.ask("POST", verify, **given)) == (422, "mfa_challenge_expired")
    stranger = Account(gateway, token_of(sign_in(new_person())))
    for method, path in (
        ("POST", f"/factors/{factor}/challenge"),
        ("POST", verify),
        ("DELETE", f"/factors/{factor}"),
    ):
        assert refusal(stranger.ask(method, path, **given)) == (404, "mfa_factor_not_found")
    other, _ = stranger.enroll()
    foreign = stranger.ask("POST", f"/factors/{other}/verify", **given)
    assert refusal(foreign) == (422, "mfa_factor_not_found")
    assert refusal(account.ask("POST", "/factors/x/challenge")) == (404, "validation_failed")
    gateway.sql(f"{age % '+'} %s", (challenge["id"],))
    assert account.ask("POST", verify, **given).status_code == 200


def test_challenge_is_answered_once(account: Account) -> None:
    factor, totp = account.enroll()
    given = {"challenge_id": account.challenge(factor)["id"], "code": totp.now()}
    verify = f"/factors/{factor}/verify"
    assert account.ask("POST", verify, **given).status_code == 200
    # GoTrue has no word of its own for this.
    again = account.ask("POST", verify, **given | {"code": later(totp)})
    assert refusal(again) == (422, "mfa_ip_address_mismatch")
    assert refusal(account.ask("POST", verify, challenge_id=given["challenge_id"])) == (
        400,
        "validation_failed",
    )


def test_level_stays_when_tokens_are_refreshed(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client = sign_in(person)
    account = Account(gateway, token_of(client))
    before = client.auth.get_session().refresh_token
    factor, totp = account.enroll()
    answer = account.answer(factor, totp.now()).json()
    with pytest.raises(AuthApiError) as stale:
        client.auth.refresh_session(before)
    assert stale.value.code == "refresh_token_not_found", "from before the second factor"
    client.auth.refresh_session(answer["refresh_token"])
    claims = Account(gateway, token_of(client)).claims
    assert claims["aal"] == "aal2"
    assert [proof["method"] for proof in claims["amr"]] == ["totp", "password"]
