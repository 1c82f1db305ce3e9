"""A location that asks for a second factor, and an owner with an authenticator of Supabase Auth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pyotp
import pytest

from devstack.stack import Stack
from tests.identity.conftest import Rest
from tests.people import PASSWORD, Location, Person

Headers = dict[str, str]
CONTACTS = "contacts?select=id"


class Phone:
    """What the owner signs in with, and where his authenticator lies."""

    def __init__(self, http: httpx.Client, person: Person) -> None:
        self.http, self.person = http, person
        self.factor, self.totp, self.codes = "", pyotp.TOTP(pyotp.random_base32()), 0

    def sign_in(self) -> Headers:
        form = {"email": self.person.email, "password": PASSWORD}
        return self._ask("POST", "token?grant_type=password", {}, form)

    def enrol(self, bearer: Headers) -> None:
        answer = self.http.post("factors", json={"factor_type": "totp"}, headers=bearer)
        assert answer.status_code == 200, answer.text
        self.factor = answer.json()["id"]
        self.totp = pyotp.TOTP(answer.json()["totp"]["secret"])

    def give_code(self, bearer: Headers) -> Headers:
        """The header of the token that has aal2. A code is good once, the next one's already."""
        code = self.totp.at(datetime.now(UTC), counter_offset=self.codes)
        self.codes += 1
        asked = self.http.post(f"factors/{self.factor}/challenge", json={}, headers=bearer)
        form = {"challenge_id": asked.json()["id"], "code": code}
        return self._ask("POST", f"factors/{self.factor}/verify", bearer, form)

    def throw_away(self, bearer: Headers) -> None:
        answer = self.http.delete(f"factors/{self.factor}", headers=bearer)
        assert answer.status_code == 200, answer.text

    def _ask(self, method: str, path: str, bearer: Headers, form: dict[str, Any]) -> Headers:
        answer = self.http.request(method, path, json=form, headers=bearer)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def phone(stack: Stack, place: Location, db: psycopg.Connection[Any]) -> Iterator[Phone]:
    db.execute("insert into contacts (location_id, display_name) values (%s, 'Ann')", (place.id,))
    env = stack.env
    base = f"{env['SUPABASE_URL']}/auth/v1/"
    with httpx.Client(base_url=base, headers={"apikey": env["SUPABASE_ANON_KEY"]}) as http:
        yield Phone(http, place.owner)


def ask_for_it(rest: Rest, place: Location, bearer: Headers, wanted: bool = True) -> Any:
    """The row as it now is, nothing if it was not to be seen, or the code of the refusal."""
    answer = rest.http.patch(
        f"locations?id=eq.{place.id}",
        json={"second_factor_required": wanted},
        headers=bearer | {"Prefer": "return=representation"},
    )
    return answer.json() if answer.is_success else answer.json()["message"]


def test_the_owner_switches_it_on_and_needs_it_from_then_on(
    rest: Rest, place: Location, phone: Phone
) -> None:
    password = phone.sign_in()
    assert ask_for_it(rest, place, password) == "second_factor_required"
    phone.enrol(password)
    both = phone.give_code(password)
    assert ask_for_it(rest, place, both)[0]["second_factor_required"] is True
    assert len(rest.get(CONTACTS, both)) == 1
    again = phone.sign_in()
    assert rest.get(CONTACTS, again) == [] == rest.get(CONTACTS, place.admin.bearer)
    assert ask_for_it(rest, place, again, wanted=False) == []
    settings = rest.rpc("my_settings", again, p_location=place.id)
    assert settings == "second_factor_required"
    assert len(rest.get(CONTACTS, phone.give_code(again))) == 1


def test_a_password_that_was_stolen_before_is_worth_nothing_after(
    rest: Rest, place: Location, phone: Phone
) -> None:
    stolen, own = phone.sign_in(), phone.sign_in()
    assert len(rest.get(CONTACTS, stolen)) == 1
    phone.enrol(own)
    both = phone.give_code(own)
    assert rest.get(CONTACTS, stolen) == "invalid_token", (
        "sessions without it end with the first code"
    )
    ask_for_it(rest, place, both)
    assert rest.get(CONTACTS, phone.sign_in()) == []


def test_a_key_that_was_made_with_it_goes_on(rest: Rest, place: Location, phone: Phone) -> None:
    password = phone.sign_in()
    phone.enrol(password)
    both = phone.give_code(password)
    ask_for_it(rest, place, both)
    told = {"p_location": place.id, "p_name": "Sync", "p_scopes": ["contacts:read"]}
    made = rest.rpc("create_api_key", both, **told)
    assert rest.rpc("create_api_key", phone.sign_in(), **told) == "second_factor_required"
    assert len(rest.get(CONTACTS, {"X-Api-Key": made["key"]})) == 1


def test_it_is_asked_for_when_the_authenticator_is_gone(
    rest: Rest, place: Location, phone: Phone
) -> None:
    password = phone.sign_in()
    phone.enrol(password)
    both = phone.give_code(password)
    ask_for_it(rest, place, both)
    phone.throw_away(both)
    assert rest.get(CONTACTS, phone.sign_in()) == []
    assert rest.get(CONTACTS, both) == []
