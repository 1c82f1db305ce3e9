"""What would be gained by requests no screen sends: another schema, a broken server."""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx
import pytest

from tests.rights.attacks.conftest import Ask, Household
from tests.rights.records import unique
from tests.rights.rows import Place, Rows
from tests.rights.world import Actor, Maker, World, new_id

TYPED = {"Content-Type": "application/json"}
SQL = [
    "'; drop table notes; --",
    "x' or '1'='1",
    "x') or true --",
    "1; select pg_sleep(60)",
    "$$; delete from notes; $$",
    "\\'; delete from notes --",
    "(select secret_hash from api_keys limit 1)",
    "%27%20or%201=1",
    "*",
    "is.null",
]


@pytest.mark.parametrize("text", SQL)
def test_writing_sql_into_a_value(
    ask: Ask, maker: Maker, world: World, stranger_owner: Actor, here: Household, text: str
) -> None:
    before = maker.db.execute("select count(*) from notes").fetchone()
    value = quote(text, safe="")
    for path in (
        f"/contacts?last_name=eq.{value}",
        f"/contacts?last_name=in.({value})",
        f"/contacts?last_name=like.{value}",
        f"/contacts?or=(last_name.eq.{value},first_name.eq.{value})",
        f"/contacts?select={value}",
        f"/contacts?order={value}",
        f"/contacts?{value}=eq.1",
        f"/{value}",
        f"/contacts?limit={value}",
        f"/contacts?id=eq.{value}",
        f"/contacts?metadata->>{value}=eq.1",
    ):
        answer = ask(stranger_owner, path)
        assert answer.status_code < 500, (path, answer.text)
        assert not any(secret in answer.text for secret in here.hidden)
    asked = {"p_location": world.there.id, "p_query": text[:100]}
    found = ask(stranger_owner, "/rpc/search_contacts", "POST", json=asked)
    assert found.status_code < 500 and here.contact not in found.text
    assert maker.db.execute("select count(*) from notes").fetchone() == before


@pytest.mark.parametrize(
    "schema", ["private", "door", "auth", "storage", "realtime", "pg_catalog", "extensions"]
)
def test_naming_another_schema(ask: Ask, world: World, schema: str) -> None:
    for actor in (world.members["owner"], world.members["service_role"]):
        for table in ("users", "sessions", "idempotency_keys", "objects", "pg_authid"):
            assert ask(actor, f"/{table}", headers={"Accept-Profile": schema}).status_code == 406
            assert ask(actor, f"/{schema}.{table}").status_code == 404
        for name in ("my_locations", "check_request", "claims_of_key", "uid", "refuse"):
            profile = {"Content-Profile": schema}
            assert ask(actor, f"/rpc/{name}", "POST", headers=profile, json={}).status_code == 406
            assert ask(actor, f"/rpc/{name}", "POST", json={}).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-User": "owner"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Host": "localhost"},
        {"X-Supabase-Role": "service_role", "Role": "service_role", "X-Role": "postgres"},
        {"request.jwt.claims": '{"role": "service_role"}', "Cookie": "role=service_role; sub=x"},
        {"Prefer": "role=service_role, tx=commit, params=single-object, handling=lenient"},
        {"X-Client-Info": "supabase-admin", "User-Agent": "pg_net"},
    ],
)
def test_being_somebody_else_by_a_header(
    ask: Ask, marketer: Actor, here: Household, headers: dict[str, str]
) -> None:
    for path in (
        f"/contacts?id=eq.{here.contact}",
        f"/contacts?id=eq.{here.contact}&apikey=x",
        "/contacts?role=eq.service_role",
    ):
        answer = ask(marketer, path, headers=headers)
        assert answer.status_code >= 400 or answer.json() == []


def test_setting_the_claims_through_the_address(ask: Ask, marketer: Actor, here: Household) -> None:
    for name in ("request.jwt.claims", "role", "search_path", "set", "session_authorization"):
        answer = ask(marketer, f"/contacts?{name}=eq.service_role")
        assert answer.status_code >= 400 or answer.json() == []
        assert ask(marketer, f"/rpc/set_config?setting_name={name}").status_code == 404


@pytest.mark.parametrize(
    "range_", ["-1", "5-1", "a-b", "0-0,2-3", "bytes=0-1", "999999999-", "0-18446744073709551616"]
)
def test_breaking_the_server_by_a_range(ask: Ask, owner: Actor, range_: str) -> None:
    assert ask(owner, "/companies?select=id", headers={"Range": range_}).status_code < 500
    assert ask(owner, f"/companies?select=id&offset={range_}").status_code < 500


ODD = [
    "\0",
    "a\0b",
    "\ud800",
    "\uffff",
    "\u202e\u2066",
    "\U0001f4a9" * 50,
    "\ufeff",
    "a" * 100_000,
    "\x1b[2J",
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_breaking_the_server_by_odd_letters(
    ask: Ask, world: World, owner: Actor, here: Household, text: str
) -> None:
    """Refused or kept as they are, and never a 500."""
    words = {"p_location": here.location, "p_query": text}
    for path, body in (
        ("/notes", {"location_id": here.location, "contact_id": here.contact, "body": text}),
        ("/tags", {"location_id": here.location, "name": text + unique()}),
        ("/rpc/search_contacts", words),
        ("/rpc/search_cards", words),
        ("/rpc/save_setting", {"p_location": here.location, "p_key": text, "p_value": text}),
        ("/rpc/accept_invite", {"p_token": text}),
        ("/rpc/create_invite", {"p_location": here.location, "p_email": text, "p_role": text}),
        ("/rpc/revoke_opt_out", {"p_phone": text, "p_reason": text}),
    ):
        answer = ask(owner, path, "POST", headers=TYPED, content=json.dumps(body))
        assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[",
        "null",
        "[]",
        "{}",
        "1",
        '"x"',
        "[[]]",
        "[1]",
        '{"id": {"id": 1}}',
        '[{"id": 1}, {"x": 2}]',
        "[" * 500,
    ],
)
def test_breaking_the_server_by_an_odd_body(ask: Ask, owner: Actor, body: str) -> None:
    for path, method in (
        ("/notes", "POST"),
        ("/rpc/my_settings", "POST"),
        ("/notes?id=is.null", "PATCH"),
    ):
        assert ask(owner, path, method, headers=TYPED, content=body.encode()).status_code < 500


def test_changing_something_by_a_get(ask: Ask, rows: Rows, world: World, owner: Actor) -> None:
    """A link that somebody is made to open does nothing."""
    key = {"id": rows.one("imports", Place(world.here.id, owner.user or ""))}
    before = rows.version("imports", key)
    for method in ("GET", "HEAD"):
        answer = ask(owner, f"/rpc/cancel_import?p_import={key['id']}", method)
        assert answer.status_code == 405
    assert rows.version("imports", key) == before


def test_going_round_the_door_without_a_key_of_the_gateway(rest: httpx.Client) -> None:
    assert rest.get("/contacts", headers={"Authorization": "Bearer x"}).status_code == 401
    assert rest.get("/contacts", headers={"apikey": new_id()}).status_code == 401
