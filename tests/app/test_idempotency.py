"""The same request again: what is answered, what is made, and what is kept of it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.config import Config
from app.idempotency import HEADER, REPLAYED
from tests.people import Location, Person

INVITES = "/api/v1/invites"
CSV = b"APN,Address\r\n1,1 Oak St\r\n"
Db = psycopg.Connection[Any]
Send = Callable[..., TestResponse]


def new_key() -> str:
    return f"order {uuid.uuid4()}".replace(" ", "-")


@pytest.fixture
def invite(live: FlaskClient, team: Location) -> Send:
    """POST /api/v1/invites as the owner, or another."""

    def send(key: str | None, who: Person = team.owner, **changes: Any) -> TestResponse:
        form = {"location_id": team.id, "email": "ana@example.com", "role": "admin", **changes}
        headers = who.bearer if key is None else {**who.bearer, HEADER: key}
        return live.post(INVITES, json=form, headers=headers)

    return send


@pytest.fixture
def hand_in(live: FlaskClient, team: Location) -> Send:
    def send(key: str, content: bytes = CSV, **changes: Any) -> TestResponse:
        form = {"file": (io.BytesIO(content), "list.csv"), "list_name": "Oak", **changes}
        kind = "multipart/form-data"
        headers = {**team.owner.bearer, HEADER: key}
        return live.post("/api/v1/imports", data=form, headers=headers, content_type=kind)

    return send


def count(db: Db, table: str, team: Location) -> int:
    query = f"select count(*) from {table} where location_id = %s"
    row = db.execute(query.encode(), (team.id,)).fetchone()
    assert row is not None
    return int(row[0])


def test_the_same_request_again_is_answered_the_same(invite: Send, db: Db, team: Location) -> None:
    key = new_key()
    first, second = invite(key), invite(key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert (REPLAYED in first.headers, second.headers[REPLAYED]) == (False, "true")
    assert count(db, "invites", team) == 1


def test_an_import_again_has_its_address_too(hand_in: Send, db: Db, team: Location) -> None:
    """The parts of a form are divided by another line each time; what they say is the same."""
    key = new_key()
    first, second = hand_in(key), hand_in(key)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json == second.json and first.headers["Location"] == second.headers["Location"]
    assert second.headers[REPLAYED] == "true"
    assert count(db, "imports", team) == 1
    files = "select count(*) from storage.objects where name like %s"
    assert db.execute(files, (f"{team.id}/%",)).fetchone() == (1,)


def test_without_a_key_each_request_is_its_own(hand_in: Send, invite: Send) -> None:
    assert invite(None).status_code == 201
    assert invite(None).json["code"] == "already_invited"


@pytest.mark.parametrize("changed", [{"content": CSV + b"2,2\r\n"}, {"list_name": "Elm"}])
def test_a_key_goes_for_one_file_and_its_fields(hand_in: Send, changed: dict[str, Any]) -> None:
    key = new_key()
    assert hand_in(key).status_code == 202
    refused = hand_in(key, **changed)
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_goes_for_one_route_and_one_body(invite: Send, hand_in: Send) -> None:
    key = new_key()
    assert invite(key).status_code == 201
    assert invite(key, email="ben@example.com").json["code"] == "idempotency_key_reused"
    assert hand_in(key).json["code"] == "idempotency_key_reused"


def test_a_colleague_with_the_same_key_is_somebody_else(invite: Send, team: Location) -> None:
    key = new_key()
    assert invite(key).status_code == 201
    other = invite(key, who=team.admin, role="marketer", email="ben@example.com")
    assert other.status_code == 201 and REPLAYED not in other.headers


@pytest.mark.parametrize("key", ["", "a b", "é", "a" * 256, "tab\there"])
def test_a_key_nobody_can_read_is_refused_by_its_header(invite: Send, key: str) -> None:
    refused = invite(key)
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_idempotency_key")
    assert refused.json["errors"][0]["field"] == HEADER


def test_a_refusal_is_not_remembered_and_frees_the_key(invite: Send, db: Db) -> None:
    key = new_key()
    assert invite(key, email="nobody").json["code"] == "invalid_value"
    assert invite(key, role="king").json["code"] == "invalid_request"
    assert invite(key, email="cleo@example.com").status_code == 201


def test_an_answer_is_given_only_while_its_receiver_stands(
    invite: Send, db: Db, team: Location
) -> None:
    key = new_key()
    assert invite(key).status_code == 201
    db.execute("update location_members set role = 'marketer' where user_id = %s", (team.owner.id,))
    assert invite(key).json["code"] == "not_permitted"
    db.execute("delete from auth.sessions where user_id = %s", (team.owner.id,))
    assert invite(key).status_code == 401


def test_nothing_readable_is_kept(invite: Send, hand_in: Send, db: Db, team: Location) -> None:
    keys = [new_key(), new_key()]
    assert invite(keys[0], email="dora@example.com").status_code == 201
    assert hand_in(keys[1], list_name="Dora's street").status_code == 202
    rows = db.execute(
        "select k::text from private.idempotency_keys k where user_id = %s", (team.owner.id,)
    ).fetchall()
    assert len(rows) == 2
    for word in ("dora", "Dora", "street", "list.csv", "email", "sha256", *keys):
        assert not any(word in row for (row,) in rows)


def test_a_request_that_died_is_gone_on_with_under_its_id(
    invite: Send, hand_in: Send, db: Db, team: Location
) -> None:
    """As if the web process had been killed before it could write down the answer."""
    for send, table in ((invite, "invites"), (hand_in, "imports")):
        key = new_key()
        first = send(key).json
        db.execute(
            "update private.idempotency_keys set status = null, answer = null,"
            " leased_until = clock_timestamp() - interval '1 second' where user_id = %s",
            (team.owner.id,),
        )
        again = send(key)
        assert again.status_code in (201, 202) and REPLAYED not in again.headers
        assert again.json["id"] == first["id"] and count(db, table, team) == 1


def test_a_request_that_died_before_its_file_was_there_brings_it(
    hand_in: Send, db: Db, team: Location
) -> None:
    key = new_key()
    first = hand_in(key).json["id"]
    db.execute("delete from imports where id = %s", (first,))
    db.execute("delete from storage.objects where name like %s", (f"{team.id}/{first}/%",))
    db.execute(
        "update private.idempotency_keys set status = null, leased_until = null where user_id = %s",
        (team.owner.id,),
    )
    again = hand_in(key)
    assert (again.status_code, again.json["id"]) == (202, first)


class Supabase:
    """Lets everything through to the real one but the calls named in `broken`."""

    def __init__(self) -> None:
        self.broken: dict[str, httpx.Response] = {}
        self.through = httpx.HTTPTransport()

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[1]
        if name in self.broken:
            return self.broken[name]
        return self.through.handle_request(request)


@pytest.fixture
def supabase(live: FlaskClient, live_config: Config) -> Iterator[Supabase]:
    played = Supabase()
    held = live.application.extensions["clients"]
    with httpx.Client(transport=httpx.MockTransport(played.answer)) as http:
        database = type(held.database)(
            live_config.supabase_url, live_config.supabase_anon_key, http
        )
        live.application.extensions["clients"] = replace(held, database=database)
        yield played
        live.application.extensions["clients"] = held
    played.through.close()


AWAY = httpx.Response(503, text="away")


def test_after_a_failure_the_same_key_goes_on_at_once(
    supabase: Supabase, invite: Send, db: Db, team: Location
) -> None:
    key = new_key()
    supabase.broken = {"create_invite": AWAY}
    assert invite(key).status_code == 503
    supabase.broken = {}
    assert invite(key).status_code == 201
    assert count(db, "invites", team) == 1


def test_an_answer_that_cannot_be_written_down_is_given_all_the_same(
    supabase: Supabase, invite: Send, db: Db, team: Location
) -> None:
    key = new_key()
    supabase.broken = {"finish_request": AWAY}
    first = invite(key)
    assert first.status_code == 201
    waiting = invite(key)
    assert (waiting.status_code, waiting.json["code"]) == (409, "request_in_progress")
    assert waiting.headers["Retry-After"].isdigit()
    db.execute(
        "update private.idempotency_keys set leased_until = null where user_id = %s",
        (team.owner.id,),
    )
    supabase.broken = {}
    assert invite(key).json["id"] == first.json["id"]


def test_a_refusal_of_a_second_attempt_is_told(
    supabase: Supabase, hand_in: Send, db: Db, team: Location
) -> None:
    key = new_key()
    supabase.broken = {"create_import": AWAY}
    assert hand_in(key).status_code == 503
    body = {"code": "PT403", "message": "not_permitted", "details": "No."}
    supabase.broken = {"create_import": httpx.Response(403, json=body)}
    assert hand_in(key).status_code == 403
    supabase.broken = {}
    assert hand_in(key).status_code == 202
    assert count(db, "imports", team) == 1
