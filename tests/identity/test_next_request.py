"""What ends rights ends them with the very next request, by the same token or key."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from flask.testing import FlaskClient

from devstack.stack import Stack
from tests.identity.conftest import Rest
from tests.imports.fixtures import flask_client
from tests.people import PASSWORD, Location, Person

__all__ = ["flask_client"]

Db = psycopg.Connection[Any]
CONTACTS = "contacts?select=id"


@pytest.fixture(autouse=True)
def somebody(db: Db, place: Location) -> None:
    """One person in the files of the location, to be read or not."""
    db.execute("insert into contacts (location_id, display_name) values (%s, 'Ann')", (place.id,))


@pytest.fixture
def auth(stack: Stack) -> Iterator[httpx.Client]:
    env = stack.env
    base = f"{env['SUPABASE_URL']}/auth/v1/"
    with httpx.Client(base_url=base, headers={"apikey": env["SUPABASE_ANON_KEY"]}) as client:
        yield client


def sign_in(auth: httpx.Client, person: Person) -> dict[str, str]:
    """A session of its own; the header of its access token."""
    form = {"email": person.email, "password": PASSWORD}
    answer = auth.post("token", params={"grant_type": "password"}, json=form)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def sign_out(auth: httpx.Client, bearer: dict[str, str], scope: str) -> None:
    answer = auth.post("logout", params={"scope": scope}, headers=bearer)
    assert answer.status_code == 204, answer.text


def me(client: FlaskClient, headers: dict[str, str]) -> Any:
    """What Flask says who it is, or why not."""
    answer = client.get("/api/v1/me", headers=headers)
    return answer.json if answer.status_code == 200 else answer.json["code"]


def invite(client: FlaskClient, place: Location, headers: dict[str, str]) -> str:
    """The code of the refusal, or nothing."""
    form = {"location_id": place.id, "email": f"{uuid.uuid4()}@example.com", "role": "technician"}
    answer = client.post("/api/v1/invites", json=form, headers=headers)
    return "" if answer.status_code == 201 else str(answer.json["code"])


def set_member(rest: Rest, place: Location, person: Person, **change: Any) -> None:
    row = rest.rpc(
        "set_member",
        place.owner.bearer,
        p_location=place.id,
        p_user=person.id,
        **{f"p_{name}": value for name, value in change.items()},
    )
    assert row["user_id"] == person.id


def make_key(rest: Rest, place: Location, person: Person) -> dict[str, str]:
    scopes = ["contacts:read"]
    told = {"p_location": place.id, "p_name": "Sync", "p_scopes": scopes}
    made: dict[str, str] = rest.rpc("create_api_key", person.bearer, **told)
    return made


def by_key(made: dict[str, str]) -> dict[str, str]:
    return {"X-Api-Key": made["key"]}


def test_a_new_role(rest: Rest, flask_client: FlaskClient, place: Location) -> None:
    bearer = place.admin.bearer
    assert len(rest.get(CONTACTS, bearer)) == 1 and not invite(flask_client, place, bearer)
    set_member(rest, place, place.admin, role="marketer")
    assert rest.get(CONTACTS, bearer) == []
    assert len(rest.get("contact_cards?select=contact_id", bearer)) == 1
    assert invite(flask_client, place, bearer) == "not_permitted"
    assert me(flask_client, bearer)["locations"][0]["role"] == "marketer"
    set_member(rest, place, place.admin, role="owner")
    assert len(rest.get(CONTACTS, bearer)) == 1 and not invite(flask_client, place, bearer)


def test_an_ended_membership(rest: Rest, flask_client: FlaskClient, place: Location) -> None:
    bearer = place.admin.bearer
    assert not invite(flask_client, place, bearer)
    set_member(rest, place, place.admin, active=False)
    assert rest.get(CONTACTS, bearer) == []
    assert invite(flask_client, place, bearer) == "not_permitted"
    assert me(flask_client, bearer)["locations"] == []
    set_member(rest, place, place.admin, active=True)
    assert len(rest.get(CONTACTS, bearer)) == 1


def test_an_ended_account(rest: Rest, flask_client: FlaskClient, place: Location, db: Db) -> None:
    bearer = place.admin.bearer
    assert me(flask_client, bearer)["id"] == place.admin.id
    db.execute("update profiles set is_active = false where id = %s", (place.admin.id,))
    assert rest.get(CONTACTS, bearer) == "invalid_token" == rest.get("profiles?select=id", bearer)
    assert me(flask_client, bearer) == "invalid_token"


@pytest.mark.parametrize(
    ("scope", "ends_this", "ends_the_other"),
    [("local", True, False), ("others", False, True), ("global", True, True)],
)
def test_signing_out(
    rest: Rest,
    flask_client: FlaskClient,
    auth: httpx.Client,
    place: Location,
    scope: str,
    ends_this: bool,
    ends_the_other: bool,
) -> None:
    this, other = sign_in(auth, place.owner), sign_in(auth, place.owner)
    assert [len(rest.get(CONTACTS, bearer)) for bearer in (this, other)] == [1, 1]
    sign_out(auth, this, scope)
    for bearer, ended in ((this, ends_this), (other, ends_the_other)):
        assert (rest.get(CONTACTS, bearer) == "invalid_token") == ended
        assert (rest.get("profiles?select=id", bearer) == "invalid_token") == ended
        assert invite(flask_client, place, bearer) == ("invalid_token" if ended else "")
        assert (me(flask_client, bearer) == "invalid_token") == ended


def test_a_second_factor_asked_for(
    rest: Rest, flask_client: FlaskClient, place: Location, db: Db
) -> None:
    bearer = place.owner.bearer
    change = "update locations set second_factor_required = true where id = %s"
    db.execute(change, (place.id,))
    assert rest.get(CONTACTS, bearer) == []
    assert invite(flask_client, place, bearer) == "second_factor_required"
    assert me(flask_client, bearer)["locations"][0]["second_factor_needed"] is True


def test_a_revoked_key(rest: Rest, flask_client: FlaskClient, place: Location) -> None:
    made = make_key(rest, place, place.owner)
    assert len(rest.get(CONTACTS, by_key(made))) == 1
    assert me(flask_client, by_key(made))["api_key"]["id"] == made["id"]
    rest.rpc("revoke_api_key", place.admin.bearer, p_key=made["id"])
    assert rest.get(CONTACTS, by_key(made)) == "invalid_api_key"
    assert me(flask_client, by_key(made)) == "invalid_api_key"


def test_a_renewed_key(rest: Rest, flask_client: FlaskClient, place: Location) -> None:
    first = make_key(rest, place, place.owner)
    assert me(flask_client, by_key(first))["api_key"]["id"] == first["id"]
    renew = {"p_key": first["id"], "p_overlap_hours": 0}
    second = rest.rpc("rotate_api_key", place.owner.bearer, **renew)
    assert rest.get(CONTACTS, by_key(first)) == "invalid_api_key"
    assert me(flask_client, by_key(first)) == "invalid_api_key"
    assert len(rest.get(CONTACTS, by_key(second))) == 1
    third = rest.rpc("rotate_api_key", place.owner.bearer, p_key=second["id"])
    assert [len(rest.get(CONTACTS, by_key(key))) for key in (second, third)] == [1, 1]


def test_a_key_whose_maker_was_sent_away(
    rest: Rest, flask_client: FlaskClient, place: Location
) -> None:
    made = make_key(rest, place, place.admin)
    assert len(rest.get(CONTACTS, by_key(made))) == 1
    set_member(rest, place, place.admin, active=False)
    assert rest.get(CONTACTS, by_key(made)) == []
    assert me(flask_client, by_key(made)) == "invalid_api_key"


def test_a_key_beside_a_sign_in_is_refused(
    rest: Rest, flask_client: FlaskClient, place: Location
) -> None:
    both = by_key(make_key(rest, place, place.owner)) | place.marketer.bearer
    assert rest.get(CONTACTS, both) == "two_credentials"
    assert me(flask_client, both) == "two_credentials"


def test_the_log_names_the_request(rest: Rest, place: Location, db: Db) -> None:
    request_id = f"req-{uuid.uuid4()}"
    headers = place.owner.bearer | {"X-Request-Id": request_id}
    rest.rpc("save_setting", headers, p_location=place.id, p_key="brand_name", p_value="Cracks")
    found = "select actor_id::text from audit_log where request_id = %s"
    assert db.execute(found, (request_id,)).fetchall() == [(place.owner.id,)]


def test_a_person_who_was_invited_comes_in(
    rest: Rest, place: Location, db: Db, make_person: Any
) -> None:
    guest, token = make_person({}), uuid.uuid4().hex
    db.execute(
        "insert into invites (location_id, email, role, token_hash, created_by)"
        " values (%s, %s, 'admin', %s, %s)",
        (place.id, guest.email, hashlib.sha256(token.encode()).hexdigest(), place.owner.id),
    )
    assert rest.get(CONTACTS, guest.bearer) == []
    assert rest.rpc("accept_invite", guest.bearer, p_token=token)["role"] == "admin"
    assert len(rest.get(CONTACTS, guest.bearer)) == 1
