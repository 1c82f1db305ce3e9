"""Second factors: enrolled, asked for, and what else they change for an account."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.devstack import gateway_process
from tests.devstack.accounts import Account, refusal
from tests.devstack.conftest import NewPerson, Person, SignIn
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import token_of


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


def test_password_alone_can_neither_change_nor_remove_what_guards_the_account(
    sign_in: SignIn, person: Person, account: Account
) -> None:
    factor, totp = account.enroll()
    raised = account.raised(factor, totp.now())
    thief = Account(account.gateway, token_of(sign_in(person)))
    assert refusal(thief.ask("PUT", "/user", password="another horse")) == (401, "insufficient_aal")
    assert refusal(thief.ask("PUT", "/user", email="me@evil.com")) == (401, "insufficient_aal")
    assert refusal(thief.ask("DELETE", f"/factors/{factor}")) == (422, "insufficient_aal")
    enrolled = thief.ask("POST", "/factors", factor_type="totp", friendly_name="mine")
    assert refusal(enrolled) == (403, "insufficient_aal")
    assert thief.ask("PUT", "/user", data={"name": "Ada"}).status_code == 200
    same = raised.ask("POST", "/factors", factor_type="totp", friendly_name="phone")
    assert refusal(same) == (422, "mfa_factor_name_conflict")


def test_factors_are_named_and_limited(gateway: Gateway, account: Account) -> None:
    """As in GoTrue, two factors without a name have the same one; abandoned ones go in time."""
    first, _ = account.enroll(None)
    assert refusal(account.try_to_enroll(None)) == (422, "mfa_factor_name_conflict")
    gateway.sql(
        "update auth.mfa_factors set created_at = created_at - interval '6 min' where id = %s",
        (first,),
    )
    account.enroll(None)
    for number in range(9):
        account.enroll(f"phone {number}")
    assert refusal(account.try_to_enroll("one more")) == (422, "too_many_enrolled_mfa_factors")
    phone = account.try_to_enroll("mine", factor_type="phone", phone="+12025550123")
    assert refusal(phone) == (400, "validation_failed")


def test_enrolment_shows_what_an_authenticator_reads(account: Account, person: Person) -> None:
    shown = account.try_to_enroll("phone", issuer="Attack-a-Crack").json()["totp"]
    uri = httpx.URL(shown["uri"])
    assert (uri.scheme, uri.host) == ("otpauth", "totp")
    assert uri.path == f"/Attack-a-Crack:{person.email}"
    assert dict(uri.params) == {"secret": shown["secret"], "issuer": "Attack-a-Crack"}
    assert len(shown["secret"]) == 32
    assert shown["qr_code"].startswith("<svg") and shown["qr_code"].endswith("</svg>")
    named = account.try_to_enroll("tablet").json()["totp"]
    assert httpx.URL(named["uri"]).params["issuer"] == "crm.example.com"


def test_what_config_leaves_off_is_refused(
    gateway: Gateway, account: Account, tmp_path: Path
) -> None:
    factor, totp = account.enroll()
    env = gateway_process.environment(gateway.env, tmp_path)
    text = gateway_process.CONFIG.replace("enroll_enabled = true", "enroll_enabled = false")
    text = text.replace("verify_enabled = true", "verify_enabled = false")
    Path(env["SUPABASE_CONFIG"]).write_text(text)
    process = gateway_process.start(env, tmp_path)
    try:
        gateway_process.wait_ready(process, env["SUPABASE_URL"], tmp_path)
        there = Account(Gateway(env, process.pid, tmp_path), account.token)
        assert refusal(there.try_to_enroll("b")) == (422, "mfa_totp_enroll_not_enabled")
        for verb in ("challenge", "verify"):
            asked = there.ask("POST", f"/factors/{factor}/{verb}", code=totp.now())
            assert refusal(asked) == (422, "mfa_totp_verify_not_enabled")
    finally:
        process.terminate()
        process.wait(10)


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


def test_admin_lists_and_removes_factors(account: Account) -> None:
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


def test_deleted_account_keeps_no_factors(
    gateway: Gateway, sign_in: SignIn, new_person: NewPerson
) -> None:
    person = new_person()
    Account(gateway, token_of(sign_in(person))).enroll()
    url = f"{gateway.url}/auth/v1/admin/users/{person.id}"
    headers = {"apikey": gateway.service_key}
    httpx.request("DELETE", url, json={"should_soft_delete": True}, headers=headers)
    assert gateway.sql("select id from auth.mfa_factors where user_id = %s", (person.id,)) == []


def test_supabase_js_enrolls_and_verifies(gateway: Gateway, person: Person) -> None:
    told = {"email": person.email, "password": person.password, "userId": person.id}
    seen = gateway.run_js("factors", **told)
    assert seen["qr"].startswith("data:image/svg+xml;utf-8,<svg") and seen["uri"] == "otpauth:"
    assert seen["before"] == {"currentLevel": "aal1", "nextLevel": "aal1"}
    assert seen["enrolled"] == {"currentLevel": "aal2", "nextLevel": "aal2"}
    assert seen["next"] == {"currentLevel": "aal1", "nextLevel": "aal2"}
    assert seen["totp"] == 1 and seen["removed"] and seen["lost"]
    assert seen["refused"] == "mfa_factor_not_found"
