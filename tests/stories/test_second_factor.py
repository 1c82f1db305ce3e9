"""A location that asks its owners and admins for a second factor, seen from everybody's desk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pyotp
import pytest
import redis
from supabase_auth.errors import AuthApiError

from devstack.stack import Stack
from supabase import Client, ClientOptions, create_client
from tests import people
from tests.faults.workers import Worker
from tests.imports.sheets import sheet, street
from tests.people import PASSWORD, Location, Person

STEP_S = 30
REFUSED = (403, "second_factor_required")
Row = dict[str, Any]


class Desk:
    """A browser somewhere: supabase-py signed in as one person, and Flask beside it."""

    def __init__(self, client: Client, api: str, person: Person) -> None:
        self.client, self.api = client, api
        client.auth.sign_in_with_password({"email": person.email, "password": PASSWORD})

    @property
    def bearer(self) -> dict[str, str]:
        session = self.client.auth.get_session()
        assert session is not None
        return {"Authorization": f"Bearer {session.access_token}"}

    def enrol(self) -> Phone:
        made = self.client.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "Phone"})
        assert made.totp is not None and made.totp.qr_code.startswith("data:image/svg+xml")
        return Phone(made.id, made.totp.secret)

    def give_code(self, phone: Phone) -> None:
        answer = {"factor_id": phone.factor, "code": phone.code()}
        self.client.auth.mfa.challenge_and_verify(answer)  # type: ignore[arg-type]

    @property
    def levels(self) -> tuple[str | None, str | None]:
        """What the session has, and what its person could give."""
        told = self.client.auth.mfa.get_authenticator_assurance_level()
        return told.current_level, told.next_level

    def access(self) -> Row:
        (place,) = self.client.rpc("my_access").execute().data
        return dict(place)

    def count(self, table: str) -> int:
        return len(self.client.table(table).select("*").execute().data)

    def ask_for_second_factor(self, location: Location, wanted: bool = True) -> list[Row]:
        change = self.client.table("locations").update({"second_factor_required": wanted})
        return list(change.eq("id", location.id).execute().data)

    def hand_in(self) -> httpx.Response:
        files = {"file": ("a.csv", sheet(*street(2)), "text/csv")}
        form = {"list_name": "Autumn"}
        return httpx.post(f"{self.api}/imports", headers=self.bearer, data=form, files=files)

    def cancel(self, handed_in: httpx.Response) -> None:
        url = f"{self.api}/imports/{handed_in.json()['id']}/cancel"
        assert httpx.post(url, headers=self.bearer).status_code == 200

    def sees_nothing_until_the_code(self) -> None:
        assert self.access()["second_factor_needed"] is True
        assert (self.count("contacts"), self.count("lists")) == (0, 0)
        assert refused(self.hand_in()) == REFUSED

    def sees_everything(self) -> None:
        assert self.access()["second_factor_needed"] is False
        assert self.count("contacts") == 1
        handed_in = self.hand_in()
        assert handed_in.status_code == 202, handed_in.text
        self.cancel(handed_in)


class Phone:
    """An authenticator. A code counts once, so each is that of a step which had no turn yet."""

    def __init__(self, factor: str, secret: str) -> None:
        self.factor, self._totp, self._step = factor, pyotp.TOTP(secret), 0

    def code(self) -> str:
        now = int(time.time()) // STEP_S
        self._step = max(now, self._step + 1)
        assert self._step <= now + 1, "Auth takes no code from further ahead"
        return self._totp.at(self._step * STEP_S)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """gunicorn, by the Procfile's line."""
    program = Worker(stack, tmp_path_factory.mktemp("web") / "web.log", "web")
    program.wait_ready()
    yield f"http://127.0.0.1:{stack.env['WEB_PORT']}/api/v1"
    program.stop()


@pytest.fixture
def team(db: psycopg.Connection[Any], stack: Stack, redis_conn: redis.Redis) -> Location:
    redis_conn.flushall()
    location = people.make_location(db, stack.env, name="Westcliff")
    contact = "insert into contacts (location_id, first_name) values (%s, 'Ann')"
    db.execute(contact, (location.id,))
    return location


@pytest.fixture
def at_desk(stack: Stack, api: str) -> Iterator[Callable[[Person], Desk]]:
    with httpx.Client(timeout=30) as connections:

        def sit_down(person: Person) -> Desk:
            options = ClientOptions(httpx_client=connections, auto_refresh_token=False)
            env = stack.env
            client = create_client(env["SUPABASE_URL"], env["SUPABASE_ANON_KEY"], options)
            return Desk(client, api, person)

        yield sit_down


def test_a_location_asks_for_a_second_factor(
    team: Location, at_desk: Callable[[Person], Desk]
) -> None:
    office, admin, marketer = (at_desk(one) for one in (team.owner, team.admin, team.marketer))
    home = at_desk(team.owner)
    admin.sees_everything()

    phone = office.enrol()
    assert office.levels == ("aal1", "aal1"), "not his until he has shown a code"
    office.give_code(phone)
    with pytest.raises(AuthApiError, match="Session from session_id claim"):
        home.client.auth.get_user()
    (changed,) = office.ask_for_second_factor(team)
    assert changed["second_factor_required"] is True
    office.sees_everything()
    office.client.auth.refresh_session()
    office.sees_everything()

    home = at_desk(team.owner)
    assert home.levels == ("aal1", "aal2")
    home.sees_nothing_until_the_code()
    assert home.ask_for_second_factor(team, wanted=False) == []
    home.give_code(phone)
    home.sees_everything()
    assert home.levels == office.levels == ("aal2", "aal2")

    admin.sees_nothing_until_the_code()
    assert admin.levels == ("aal1", "aal1"), "he has none: the page asks him to enrol one"
    admin.give_code(admin.enrol())
    admin.sees_everything()

    assert marketer.access()["second_factor_needed"] is False
    assert (marketer.count("contact_cards"), marketer.count("contacts")) == (1, 0)
    assert at_desk(team.marketer).count("contact_cards") == 1
