"""Invitations, forgotten passwords and links: mailed, clicked once, and only to places we know."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import jwt
import pytest

from devstack.gateway.auth_redirects import is_allowed
from devstack.gateway.auth_settings import AuthSettings, read
from supabase import Client
from tests.devstack.conftest import NewPerson, Person, SignIn, refusal_of
from tests.devstack.gateway_process import Gateway

SITE = "https://crm.example.com"


def new_address() -> str:
    return f"{uuid4().hex}@example.com"


def click(link: str) -> tuple[str, dict[str, str]]:
    """(where it leads without the fragment, what the fragment says)."""
    answer = httpx.get(link)
    assert answer.status_code == 303, answer.text
    where, _, fragment = answer.headers["Location"].partition("#")
    return where, {name: values[0] for name, values in parse_qs(fragment).items()}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def age_mails(gateway: Gateway, email: str, seconds: int) -> None:
    gateway.sql(
        "update auth.users set recovery_sent_at = recovery_sent_at - make_interval(secs => %(s)s),"
        " confirmation_sent_at = confirmation_sent_at - make_interval(secs => %(s)s)"
        " where email = %(email)s",
        {"s": seconds, "email": email},
    )


def test_invited_person_clicks_chooses_a_password_and_signs_in(
    gateway: Gateway, service: Client, sign_in: SignIn
) -> None:
    email, target = new_address(), f"{SITE}/invite?token=abc"
    made = service.auth.admin.invite_user_by_email(
        email.upper(), {"data": {"location_name": "Demo"}, "redirect_to": target}
    ).user
    assert made.email == email and made.invited_at and made.email_confirmed_at is None
    assert made.user_metadata == {"location_name": "Demo"}
    assert refusal_of(sign_in, Person(made.id, email, "never chosen"))[1] == "invalid_credentials"
    (mail,) = gateway.mails(email)
    assert mail["type"] == "invite" and mail["subject"] == "You have been invited"
    assert mail["link"] in mail["text"] and mail["at"].endswith("Z")
    where, session = click(mail["link"])
    assert where == target and session["type"] == "invite" and session["token_type"] == "bearer"
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert claims["sub"] == made.id and claims["amr"][0]["method"] == "otp"
    changed = httpx.put(
        f"{gateway.url}/auth/v1/user",
        json={"password": "of my own"},
        headers={"apikey": gateway.anon_key, "Authorization": f"Bearer {session['access_token']}"},
    )
    assert changed.status_code == 200 and changed.json()["email_confirmed_at"]
    assert sign_in(Person(made.id, email, "of my own")).auth.get_session()


def test_links_open_once_and_only_the_newest(gateway: Gateway) -> None:
    email = new_address()
    for _ in range(2):
        assert gateway.auth("/invite", gateway.service_key, email=email).status_code == 200
    newest, older = gateway.mails(email)
    for link in (older["link"], newest["link"].replace("type=invite", "type=recovery")):
        where, said = click(link)
        assert where == SITE and said["error"] == "access_denied"
        assert (
            said["error_code"] == "otp_expired"
            and "invalid or has expired" in said["error_description"]
        )
    assert "access_token" in click(newest["link"])[1]
    assert click(newest["link"])[1]["error_code"] == "otp_expired"
    confirmed = gateway.auth("/invite", gateway.service_key, email=email)
    assert refusal(confirmed) == (422, "email_exists")


def test_only_one_of_many_clicks_at_once_opens(gateway: Gateway, person: Person) -> None:
    gateway.auth("/recover", email=person.email)
    link, said = gateway.mails(person.email)[0]["link"], []
    clicks = [threading.Thread(target=lambda: said.append(click(link)[1])) for _ in range(6)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted("access_token" in one for one in said) == [False] * 5 + [True]


def test_database_keeps_only_the_hash_of_what_is_typed(gateway: Gateway, person: Person) -> None:
    gateway.auth("/recover", email=person.email)
    (mail,) = gateway.mails(person.email)
    rows = gateway.sql("select * from auth.one_time_tokens where user_id = %s", (person.id,))
    assert len(rows) == 1 and rows[0]["token_type"] == "recovery_token"
    assert rows[0]["token_hash"] == mail["token_hash"] != mail["code"] and len(mail["code"]) == 8


@pytest.mark.parametrize("kind", ["recovery", "email", "magiclink"])
def test_code_is_typed_once(gateway: Gateway, person: Person, kind: str) -> None:
    gateway.auth("/otp", email=person.email, create_user=False)
    code = gateway.mails(person.email)[0]["code"]
    given: dict[str, Any] = {"email": person.email, "type": kind}
    wrong = gateway.auth("/verify", **given, token=f"{(int(code) + 1) % 10**8:08}")
    assert refusal(wrong) == (403, "otp_expired")
    stranger = gateway.auth("/verify", email=new_address(), type=kind, token=code)
    assert refusal(stranger) == (403, "otp_expired")
    session = gateway.auth("/verify", **given, token=code).raise_for_status().json()
    assert session["user"]["id"] == person.id and session["refresh_token"]
    assert refusal(gateway.auth("/verify", **given, token=code)) == (403, "otp_expired")


def test_token_hash_is_redeemed_by_post(gateway: Gateway, person: Person) -> None:
    gateway.auth("/recover", email=person.email)
    token_hash = gateway.mails(person.email)[0]["token_hash"]
    both = gateway.auth("/verify", type="recovery", token_hash=token_hash, email=person.email)
    assert refusal(both) == (400, "validation_failed")
    session = gateway.auth("/verify", type="recovery", token_hash=token_hash).json()
    assert session["user"]["id"] == person.id
    again = gateway.auth("/verify", type="recovery", token_hash=token_hash)
    assert refusal(again) == (403, "otp_expired")


def test_links_expire(gateway: Gateway, person: Person) -> None:
    gateway.auth("/recover", email=person.email)
    (mail,) = gateway.mails(person.email)
    age_mails(gateway, person.email, 601)
    assert click(mail["link"])[1]["error_code"] == "otp_expired"
    typed = gateway.auth("/verify", type="email", email=person.email, token=mail["code"])
    assert refusal(typed) == (403, "otp_expired")


def test_banned_person_is_refused_at_the_link(
    gateway: Gateway, service: Client, person: Person
) -> None:
    gateway.auth("/recover", email=person.email)
    service.auth.admin.update_user_by_id(person.id, {"ban_duration": "1h"})
    assert click(gateway.mails(person.email)[0]["link"])[1]["error_code"] == "user_banned"


def test_an_address_gets_one_mail_a_minute(gateway: Gateway, person: Person) -> None:
    assert gateway.auth("/recover", email=person.email).json() == {}
    for path in ("/recover", "/otp"):
        soon = gateway.auth(path, email=person.email)
        assert refusal(soon) == (429, "over_email_send_rate_limit")
        assert soon.json()["msg"].startswith("For security purposes, you can only request this")
    age_mails(gateway, person.email, 61)
    assert gateway.auth("/otp", email=person.email).status_code == 200
    assert [mail["type"] for mail in gateway.mails(person.email)] == ["magiclink", "recovery"]


def test_unknown_addresses_get_no_mail(gateway: Gateway) -> None:
    email = new_address()
    assert gateway.auth("/recover", email=email).json() == {}
    assert gateway.auth("/resend", type="signup", email=email).json() == {}
    assert refusal(gateway.auth("/otp", email=email, create_user=False)) == (422, "otp_disabled")
    assert refusal(gateway.auth("/otp", email=email)) == (422, "signup_disabled")
    assert gateway.mails(email) == []
    assert gateway.sql("select id from auth.users where email = %s", (email,)) == []


def test_only_the_service_key_invites_and_makes_links(gateway: Gateway) -> None:
    email = new_address()
    for path in ("/invite", "/admin/generate_link"):
        refused = gateway.auth(path, email=email, type="invite")
        assert refusal(refused) == (403, "not_admin")
    assert gateway.mails(email) == []


@pytest.mark.parametrize("kind", ["invite", "recovery", "magiclink", "signup"])
def test_admin_gets_a_link_and_no_mail_goes_out(
    gateway: Gateway, new_person: NewPerson, kind: str
) -> None:
    email = new_address()
    if kind in ("recovery", "magiclink"):
        email = new_person().email
    answer = gateway.auth(
        "/admin/generate_link", gateway.service_key, type=kind, email=email, redirect_to=f"{SITE}/x"
    ).json()
    assert answer["email"] == email and answer["verification_type"] == kind
    assert answer["redirect_to"] == f"{SITE}/x" and gateway.mails(email) == []
    assert parse_qs(urlsplit(answer["action_link"]).query)["token"] == [answer["hashed_token"]]
    where, session = click(answer["action_link"])
    assert where == f"{SITE}/x" and session["type"] == kind and session["access_token"]


def test_supabase_js_recovers_by_mail_and_link(gateway: Gateway, person: Person) -> None:
    seen = gateway.run_js("mails", email=person.email, site=SITE)
    assert seen["sent"] is None and seen["soon"] == "over_email_send_rate_limit"
    assert seen["userId"] == person.id and seen["again"] == "otp_expired"
    assert seen["invited"] and seen["exists"] == "email_exists" and seen["linkType"] == "recovery"


def test_mails_are_shown_to_people_and_not_to_other_pages(gateway: Gateway) -> None:
    email = f"a+<b>{uuid4().hex}@example.com"
    assert gateway.auth("/invite", gateway.service_key, email=email).status_code == 200
    for path, accept in (("/mails", "text/html,*/*"), ("/mails/page", "*/*")):
        page = httpx.get(f"{gateway.url}{path}", headers={"Accept": accept, "Origin": "http://x"})
        assert page.headers["Content-Type"].startswith("text/html") and "&lt;b&gt;" in page.text
        assert "<b>" + email not in page.text
        assert "Access-Control-Allow-Origin" not in page.headers
    rebound = httpx.get(f"{gateway.url}/mails", headers={"Host": "evil.example.com"})
    assert rebound.status_code == 403


@pytest.fixture(scope="module")
def rules() -> AuthSettings:
    allowed = ["https://*.preview.example.com/**", "http://localhost:5173/*", "app://login"]
    return read({"site_url": SITE, "additional_redirect_urls": allowed}, {})


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (SITE, True),
        (f"{SITE}/any/path?x=1#y", True),
        ("https://a.preview.example.com/deep/er", True),
        ("http://localhost:5173/one", True),
        ("app://login", True),
        ("", False),
        ("http://crm.example.com/", False),
        ("https://crm.example.com:444/", False),
        ("https://crm.example.com.evil.com/", False),
        ("https://crm.example.com@evil.com/", False),
        ("https://evil.com/https://crm.example.com", False),
        ("//evil.com", False),
        ("\thttps://evil.com", False),
        ("https://a.b.preview.example.com/x", False),
        ("https://evil.com/.preview.example.com/x", False),
        ("http://localhost:5173/one/two", False),
        ("http://localhost:5174/one", False),
        ("https://2130706433/", False),
        ("javascript:alert(1)", False),
        ("https://[::1", False),
    ],
)
def test_links_lead_only_to_places_we_know(rules: AuthSettings, url: str, allowed: bool) -> None:
    assert is_allowed(rules, url) is allowed


def test_unknown_target_becomes_the_site(gateway: Gateway, person: Person) -> None:
    answer = httpx.post(
        f"{gateway.url}/auth/v1/recover",
        params={"redirect_to": "https://evil.example/"},
        json={"email": person.email},
        headers={"apikey": gateway.anon_key, "Referer": "https://evil.example/"},
    )
    assert answer.status_code == 200
    link = gateway.mails(person.email)[0]["link"]
    assert parse_qs(urlsplit(link).query)["redirect_to"] == [SITE]
    forged = link.replace("crm.example.com", "evil.example")
    assert click(forged)[0] == SITE
