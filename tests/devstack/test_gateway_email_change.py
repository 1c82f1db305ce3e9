"""A new address holds when both mailboxes have answered, and not before."""

from __future__ import annotations

import httpx
import pytest

from supabase import Client
from tests.devstack.conftest import NewPerson, Person, SignIn, refusal_of
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import token_of
from tests.devstack.test_gateway_mails import click, new_address, refusal


def ask(gateway: Gateway, client: Client, email: str) -> httpx.Response:
    headers = {"apikey": gateway.anon_key, "Authorization": f"Bearer {token_of(client)}"}
    return httpx.put(f"{gateway.url}/auth/v1/user", json={"email": email}, headers=headers)


def address_of(gateway: Gateway, person: Person) -> str:
    return str(gateway.sql("select email from auth.users where id = %s", (person.id,))[0]["email"])


def link_to(gateway: Gateway, email: str) -> str:
    mail = gateway.mails(email)[0]
    assert mail["type"] == "email_change"
    return str(mail["link"])


@pytest.mark.parametrize("new_first", [True, False])
def test_both_addresses_confirm(
    gateway: Gateway, sign_in: SignIn, person: Person, new_first: bool
) -> None:
    email = new_address()
    asked = ask(gateway, sign_in(person), email.upper()).json()
    assert asked["email"] == person.email and asked["new_email"] == email
    links = [link_to(gateway, email), link_to(gateway, person.email)]
    first, second = links if new_first else reversed(links)
    assert click(first)[1]["message"].startswith("Confirmation link accepted")
    assert address_of(gateway, person) == person.email
    assert click(first)[1]["error_code"] == "otp_expired"
    session = click(second)[1]
    assert session["type"] == "email_change" and session["access_token"]
    assert address_of(gateway, person) == email
    assert refusal_of(sign_in, person)[1] == "invalid_credentials"
    assert sign_in(Person(person.id, email)).auth.get_session()


def test_codes_are_typed(gateway: Gateway, sign_in: SignIn, person: Person) -> None:
    email = new_address()
    ask(gateway, sign_in(person), email)

    def type_in(address: str, code: str) -> httpx.Response:
        return gateway.auth("/verify", type="email_change", email=address, token=code)

    old, new = gateway.mails(person.email)[0]["code"], gateway.mails(email)[0]["code"]
    assert refusal(type_in(email, old if old != new else "0")) == (403, "otp_expired")
    assert type_in(person.email, old).json()["code"] == "200"
    assert type_in(email, new).json()["user"]["email"] == email


def test_somebody_elses_address_is_not_reached(
    gateway: Gateway, sign_in: SignIn, new_person: NewPerson, person: Person
) -> None:
    client, wanted = sign_in(person), new_person().email
    assert refusal(ask(gateway, client, wanted)) == (422, "email_exists")
    free = new_address()
    ask(gateway, client, free)
    click(link_to(gateway, person.email))
    taken = {"email": free, "password": "long enough"}
    made = gateway.auth("/admin/users", gateway.service_key, **taken).json()
    assert click(link_to(gateway, free))[1]["error_code"] == "email_exists"
    assert address_of(gateway, person) == person.email
    headers = {"apikey": gateway.service_key}
    httpx.delete(f"{gateway.url}/auth/v1/admin/users/{made['id']}", headers=headers)


def test_only_the_last_wish_counts_and_not_for_ever(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    client, first, last = sign_in(person), new_address(), new_address()
    ask(gateway, client, first)
    assert refusal(ask(gateway, client, last)) == (429, "over_email_send_rate_limit")
    old = gateway.mails(person.email)[0]["link"]
    gateway.sql("update auth.users set email_change_sent_at = null where id = %s", (person.id,))
    assert ask(gateway, client, last).status_code == 200
    for link in (old, link_to(gateway, first)):
        assert click(link)[1]["error_code"] == "otp_expired"
    gateway.sql(
        "update auth.users set email_change_sent_at = now() - interval '11 minutes' where id = %s",
        (person.id,),
    )
    assert click(link_to(gateway, last))[1]["error_code"] == "otp_expired"


def test_same_address_changes_nothing(gateway: Gateway, sign_in: SignIn, person: Person) -> None:
    answer = ask(gateway, sign_in(person), person.email)
    assert answer.status_code == 200 and "new_email" not in answer.json()
    assert gateway.mails(person.email) == []
