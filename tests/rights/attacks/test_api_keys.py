"""What the holder of a key would gain beyond its scopes, its location and its time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests import people
from tests.rights.attacks.conftest import Ask, Household
from tests.rights.statement import Line
from tests.rights.world import Actor, Maker, World, make_key

SCOPES = ["lists:read"]
# PostgREST says 401 where the token was anon's, as it is beside a key; Flask goes by the body.
REFUSED = (401, 403)


@pytest.fixture
def reader(world: World) -> Actor:
    """A key that opens lists, for reading."""
    return world.keys["lists:read"]


def holder(maker: Maker, key: str, **headers: str) -> Actor:
    return Actor("holder", maker.anon | {"X-Api-Key": key} | headers)


@pytest.mark.parametrize(
    "path",
    [
        "/%72pc/create_api_key",
        "/%72%70%63/create_api_key",
        "/rpc/%63reate_api_key",
        "/rpc/create_api_key/",
        "/rpc//create_api_key",
        "//rpc/create_api_key",
        "/./rpc/create_api_key",
        "/lists/../rpc/create_api_key",
        "/lists/%2e%2e/rpc/create_api_key",
        "/lists%2f..%2frpc%2fcreate_api_key",
        "/rpc/create_api_key?rpc/use_api_key",
        "/rpc/create_api_key%00",
        "/rpc/create_api_key%0a",
        "/RPC/create_api_key",
        "/rpc/CREATE_API_KEY",
        "/rpc/use_api_key/../create_api_key",
    ],
)
def test_calling_what_no_scope_opens_by_writing_its_address_otherwise(
    ask: Ask, maker: Maker, world: World, reader: Actor, path: str
) -> None:
    """It would give a key with every scope: PostgREST routes by the decoded path."""
    before = maker.db.execute("select count(*) from api_keys").fetchone()
    asked = {"p_location": world.here.id, "p_name": "More", "p_scopes": ["contacts:write"]}
    for headers in ({}, {"Content-Profile": "public"}, {"X-Original-URL": "/rpc/use_api_key"}):
        answer = ask(reader, path, "POST", headers=headers, json=asked)
        assert answer.status_code in (400, 401, 403, 404, 405), answer.text
    assert maker.db.execute("select count(*) from api_keys").fetchone() == before


@pytest.mark.parametrize(
    "path",
    [
        "/lists?select=*,list_members(*,contacts(*))",
        "/lists?select=*,properties(*)",
        "/lists?select=*,imports(*,import_rows(*),import_people(*))",
        "/lists?select=*,profiles(*),locations(*,api_keys(id),invites(id))",
        "/list_members?select=*,contacts(contact_phones(*),notes(*),contact_emails(*)),properties(*)",
        "/list_summaries?select=*,locations(*)",
    ],
)
def test_escaping_a_scope_through_an_embed(
    ask: Ask, reader: Actor, here: Household, path: str
) -> None:
    answer = ask(reader, path)
    assert answer.status_code in (200, 400)
    assert not any(secret in answer.text for secret in here.hidden)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/lists"),
        ("PATCH", "/lists?id=eq.{list}"),
        ("DELETE", "/lists?id=eq.{list}"),
        ("PUT", "/lists?id=eq.{list}"),
        ("PATCH", "/list_members?list_id=eq.{list}"),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-HTTP-Method-Override": "GET"},
        {"X-HTTP-Method": "GET", "X-Method-Override": "GET"},
        {"Prefer": "return=representation,resolution=merge-duplicates"},
    ],
)
def test_writing_with_a_key_for_reading(
    ask: Ask, maker: Maker, reader: Actor, here: Household, method: str, path: str, headers: Any
) -> None:
    def state() -> Any:
        return maker.db.execute(
            "select l.xmin, l.name, m.xmin, (select count(*) from lists where location_id = %s)"
            " from lists l join list_members m on m.list_id = l.id where l.id = %s",
            (here.location, here.list),
        ).fetchone()

    before = state()
    body = {"location_id": here.location, "name": "Mine", "status": "archived"}
    ask(reader, path.format_map(vars(here)), method, headers=headers, json=body)
    assert state() == before


def test_using_a_key_and_a_sign_in_together(
    ask: Ask, maker: Maker, world: World, reader: Actor, here: Household
) -> None:
    """Which of the two a request is by would be the attacker's choice."""
    for person in (world.here.marketer, world.there.owner):
        both = reader.headers | person.bearer
        answer = ask(Actor("both", both), f"/contacts?id=eq.{here.contact}")
        assert (answer.status_code, answer.json()["message"]) == (400, "two_credentials")
    service = reader.headers | world.members["service_role"].headers
    assert ask(Actor("both", service), "/lists").status_code == 400


def test_sending_a_key_that_is_none(ask: Ask, maker: Maker) -> None:
    for key in ("", "aac_", "null", "aac_00000000_", "'--", "%", "aac_________"):
        answer = ask(holder(maker, key), "/lists")
        assert (answer.status_code, answer.json()["message"]) == (401, "invalid_api_key"), key


def test_sending_two_keys(ask: Ask, maker: Maker, world: World, rest: httpx.Client) -> None:
    """Neither lends the other its location."""
    theirs = make_key(maker.db, world.there.id, world.there.owner.id, SCOPES)
    mine = world.keys["lists:read"].headers["X-Api-Key"]
    for keys in ((mine, theirs), (theirs, mine)):
        headers = [("apikey", maker.anon["apikey"]), *(("X-Api-Key", key) for key in keys)]
        answer = rest.get("/lists?select=location_id", headers=headers)
        places = set() if answer.is_error else {row["location_id"] for row in answer.json()}
        assert len(places) <= 1


def test_going_on_with_a_key_that_has_ended(
    ask: Ask, maker: Maker, world: World, here: Household
) -> None:
    path = f"/lists?id=eq.{here.list}"
    maker_of_keys = people.make_person(maker.db, maker.env, {world.here.id: "admin"})
    for ending in (
        "update api_keys set revoked_at = now() where user_id = %s",
        "update api_keys set expires_at = now() where user_id = %s",
        "update location_members set role = 'technician' where user_id = %s",
        "update location_members set is_active = false, role = 'admin' where user_id = %s",
        "update profiles set is_active = false where id = %s",
    ):
        maker.db.execute(
            "update location_members set is_active = true, role = 'admin' where user_id = %s",
            (maker_of_keys.id,),
        )
        key = holder(maker, make_key(maker.db, world.here.id, maker_of_keys.id, SCOPES))
        assert len(ask(key, path).json()) == 1
        maker.db.execute(ending, (maker_of_keys.id,))
        answer = ask(key, path)
        assert answer.status_code == 401 or answer.json() == [], ending


def test_using_a_key_at_another_location_of_its_maker(
    ask: Ask, maker: Maker, world: World, here: Household, there: Household
) -> None:
    both = people.make_person(
        maker.db, maker.env, {world.here.id: "owner", world.there.id: "owner"}
    )
    key = holder(
        maker, make_key(maker.db, world.here.id, both.id, ["contacts:write", "lists:write"])
    )
    assert len(ask(key, f"/contacts?id=eq.{here.contact}").json()) == 1
    assert ask(key, f"/contacts?id=eq.{there.contact}").json() == []
    new = {"location_id": there.location, "first_name": "Mine"}
    assert ask(key, "/contacts", "POST", json=new).status_code in REFUSED


def test_taking_the_key_to_where_keys_do_not_reach(
    maker: Maker, world: World, here: Household
) -> None:
    """Storage and Auth do not know keys: there the holder is nobody."""
    url, headers = maker.env["SUPABASE_URL"], world.keys["every scope"].headers
    told = httpx.post(f"{url}/storage/v1/object/list/imports", headers=headers, json={"prefix": ""})
    assert told.status_code >= 400 or told.json() == []
    assert httpx.get(f"{url}/auth/v1/user", headers=headers).status_code in (401, 403)


def test_reading_or_changing_keys_and_scopes_by_a_key(
    ask: Ask, world: World, lines: list[Line]
) -> None:
    everything = world.keys["every scope"]
    closed = {ln.object for ln in lines if ln.verb == "select" and not ln.scopes}
    assert {"api_keys", "api_scopes", "invites", "location_members", "audit_log"} <= closed
    for name in closed:
        answer = ask(everything, f"/{name}?select=*&limit=1")
        assert answer.status_code in REFUSED or answer.json() == [], name
    wider = {"scope": "lists:read", "resource": "api_keys", "may_write": True}
    assert ask(everything, "/api_scopes", "POST", json=wider).status_code in REFUSED
