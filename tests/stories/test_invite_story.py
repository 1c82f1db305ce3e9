"""From an invitation to a colleague at work, through the doors people and mails use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
import redis

from devstack.processes import wait_until
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.people import Location, Person

SOON_S = 20.0
PASSWORD = "A password of his 0wn!"
Db = psycopg.Connection[Any]
Headers = dict[str, str]


@dataclass(frozen=True)
class Opened:
    """Where a mail's link led: our page's token, and the session Auth gave."""

    token: str
    headers: Headers


class Town:
    """gunicorn and the maintenance worker by the Procfile's lines, and a mailbox."""

    def __init__(self, stack: Stack, logs: Path, team: Location) -> None:
        self.env = stack.env
        self.team = team
        self.api = f"http://127.0.0.1:{self.env['WEB_PORT']}/api/v1"
        self.web = Worker(stack, logs / "web.log", "web")
        self.worker = Worker(stack, logs / "worker.log", "worker-maintenance")
        self.web.wait_ready()

    def invite(self, email: str, role: str = "marketer") -> dict[str, Any]:
        form = {"location_id": self.team.id, "email": email, "role": role}
        answer = httpx.post(f"{self.api}/invites", json=form, headers=self.team.owner.bearer)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def mails(self, email: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.env['SUPABASE_URL']}/mails", params={"to": email})
        found: list[dict[str, Any]] = answer.json()
        return found

    def mailed(self, email: str, count: int = 1) -> dict[str, Any]:
        assert wait_until(lambda: len(self.mails(email)) >= count, SOON_S)
        return self.mails(email)[0]

    def open(self, mail: dict[str, Any]) -> Opened:
        answer = httpx.get(mail["link"])
        assert answer.status_code == 303, answer.text
        at = urlsplit(answer.headers["Location"])
        assert f"{at.scheme}://{at.netloc}{at.path}" == f"{self.env['SITE_URL']}/invite"
        session = parse_qs(at.fragment)["access_token"][0]
        return Opened(parse_qs(at.query)["token"][0], self.signed_in(session))

    def signed_in(self, token: str) -> Headers:
        return {"apikey": self.env["SUPABASE_ANON_KEY"], "Authorization": f"Bearer {token}"}

    def auth(self, method: str, path: str, headers: Headers, body: Any) -> dict[str, Any]:
        url = f"{self.env['SUPABASE_URL']}/auth/v1/{path}"
        answer = httpx.request(method, url, headers=headers, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def accept(self, opened: Opened, headers: Headers | None = None) -> httpx.Response:
        url = f"{self.env['SUPABASE_URL']}/rest/v1/rpc/accept_invite"
        return httpx.post(url, headers=headers or opened.headers, json={"p_token": opened.token})

    def me(self, headers: Headers) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.api}/me", headers=headers).json()
        return found


@pytest.fixture(scope="module")
def town(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as bell:
        bell.flushall()
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
        team = people.make_location(db, stack.env, name="Westcliff")
    opened = Town(stack, tmp_path_factory.mktemp("town"), team)
    yield opened
    opened.worker.stop()
    opened.web.stop()


@pytest.fixture
def email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def test_an_invited_person_chooses_a_password_and_works(town: Town, email: str) -> None:
    town.invite(email)
    opened = town.open(town.mailed(email))
    assert town.me(opened.headers)["locations"] == [], "an account alone opens nothing"
    town.auth("PUT", "user", opened.headers, {"password": PASSWORD})
    anonymous = {"apikey": town.env["SUPABASE_ANON_KEY"]}
    proof = {"email": email, "password": PASSWORD}
    session = town.auth("POST", "token?grant_type=password", anonymous, proof)["access_token"]
    accepted = town.accept(opened, town.signed_in(session))
    assert accepted.status_code == 200 and accepted.json()["role"] == "marketer"
    (place,) = town.me(town.signed_in(session))["locations"]
    assert (place["location_name"], place["role"]) == ("Westcliff", "marketer")
    again = town.accept(opened, town.signed_in(session))
    assert again.json() == accepted.json(), "a second click changes nothing"


def test_somebody_with_an_account_gets_a_link_to_sign_in(town: Town, stack: Stack, db: Db) -> None:
    other = people.make_location(db, stack.env, name="Silver Cliff").marketer
    town.invite(other.email, role="technician")
    mail = town.mailed(other.email)
    assert mail["type"] == "magiclink"
    opened = town.open(mail)
    assert town.accept(opened).status_code == 200
    places = {
        place["location_name"]: place["role"] for place in town.me(opened.headers)["locations"]
    }
    assert places == {"Silver Cliff": "marketer", "Westcliff": "technician"}


def test_the_link_is_for_one_address_only(town: Town, email: str, stranger: Person) -> None:
    town.invite(email)
    opened = town.open(town.mailed(email))
    thief = town.accept(opened, town.signed_in(stranger.token))
    assert refused(thief) == (403, "invite_for_another")
    assert town.accept(opened).status_code == 200


def test_an_invitation_that_ended_opens_nothing(town: Town, db: Db, email: str) -> None:
    made = town.invite(email)
    opened = town.open(town.mailed(email))
    query = "update invites set expires_at = now() - interval '1 second' where id = %s"
    db.execute(query, (made["id"],))
    assert refused(town.accept(opened)) == (410, "invite_expired")
    path = f"{town.api}/invites/{made['id']}/revoke"
    assert httpx.post(path, headers=town.team.owner.bearer).status_code == 200
    assert refused(town.accept(opened)) == (404, "invite_not_found")
    assert town.me(opened.headers)["locations"] == []


def test_the_link_sent_last_is_the_one_that_opens(town: Town, db: Db, email: str) -> None:
    made = town.invite(email)
    first = town.open(town.mailed(email))
    # Nobody sends twice within a minute: neither we nor Auth.
    db.execute(
        "update invites set sent_at = now() - interval '2 minutes' where id = %s", (made["id"],)
    )
    sent = "invited_at = now() - interval '2 minutes', recovery_sent_at = null"
    db.execute(f"update auth.users set {sent} where email = %s".encode(), (email,))
    # Two rings within one bucket are one; the sweep would ring later.
    with redis.Redis.from_url(town.env["REDIS_URL"]) as bell:
        bell.flushall()
    path = f"{town.api}/invites/{made['id']}/resend"
    assert httpx.post(path, headers=town.team.owner.bearer).status_code == 200
    second = town.open(town.mailed(email, count=2))
    assert refused(town.accept(first)) == (404, "invite_not_found")
    assert town.accept(second).status_code == 200


@pytest.fixture
def stranger(make_person: Callable[..., Person]) -> Person:
    return make_person({})
