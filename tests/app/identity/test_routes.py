"""Invitations and /me through the Flask door, on the real stack."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from werkzeug.test import TestResponse

from tests.app import keys
from tests.people import Location, Person

INVITES = "/api/v1/invites"
Db = psycopg.Connection[Any]
Send = Callable[..., TestResponse]


@pytest.fixture
def invite(live: FlaskClient, team: Location) -> Send:
    def send(who: Person = team.owner, **changes: Any) -> TestResponse:
        form = {"location_id": team.id, "email": "ana@example.com", "role": "admin", **changes}
        return live.post(INVITES, json=form, headers=who.bearer)

    return send


def make_key(db: Db, team: Location, *scopes: str) -> dict[str, str]:
    return keys.make_key(db, team.id, team.owner.id, *scopes)


def test_an_invitation_is_recorded_and_rung_for(
    invite: Send, team: Location, redis_conn: Redis
) -> None:
    answer = invite(email=" Ana.Ruiz@Example.com ")
    assert answer.status_code == 201
    told = answer.json
    assert (told["email"], told["role"]) == ("ana.ruiz@example.com", "admin")
    assert (told["location_id"], told["created_by"]) == (team.id, team.owner.id)
    assert told["sent_at"] is told["accepted_at"] is told["revoked_at"] is None
    assert not {"token_hash", "token"} & told.keys()
    waiting = Queue("maintenance", connection=redis_conn, serializer=JSONSerializer).job_ids
    assert any(f"send_invite-{told['id']}" in job_id for job_id in waiting)


def test_it_is_sent_again_and_taken_back(live: FlaskClient, invite: Send, team: Location) -> None:
    path = f"{INVITES}/{invite().json['id']}"
    again = live.post(f"{path}/resend", headers=team.owner.bearer)
    assert (again.status_code, again.json["sent_at"]) == (200, None)
    revoked = live.post(f"{path}/revoke", headers=team.owner.bearer)
    assert revoked.status_code == 200 and revoked.json["revoked_at"]
    for way in ("resend", "revoke"):
        ended = live.post(f"{path}/{way}", headers=team.owner.bearer)
        assert (ended.status_code, ended.json["code"]) == (409, "invite_ended")


def test_sending_twice_in_a_minute_waits(
    live: FlaskClient, invite: Send, team: Location, db: Db
) -> None:
    invite_id = invite().json["id"]
    db.execute("select issue_invite(%s)", (invite_id,))
    db.execute("select record_invite_sent(%s)", (invite_id,))
    answer = live.post(f"{INVITES}/{invite_id}/resend", headers=team.owner.bearer)
    assert (answer.status_code, answer.json["code"]) == (429, "sent_just_now")
    assert answer.headers["Retry-After"] == "60"


def test_an_admin_invites_whom_he_may(invite: Send, team: Location) -> None:
    refused = invite(team.admin, role="owner")
    assert (refused.status_code, refused.json["code"]) == (403, "role_not_grantable")
    assert invite(team.admin, role="marketer").status_code == 201
    assert invite(team.marketer, role="technician").json["code"] == "not_permitted"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"email": None}, "email"),
        ({"email": "x" * 255}, "email"),
        ({"email": "nobody at all"}, "email"),
        ({"role": "king"}, "role"),
        ({"location_id": "here"}, "location_id"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_field_is_named_whoever_refused_it(
    invite: Send, form: dict[str, Any], field: str
) -> None:
    answer = invite(**form)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_request"),
        (b"[" * 100_000, "application/json", 400, "bad_request"),
        (b'{"email": "\\ud800@example.com"}', "application/json", 400, "bad_request"),
        (b"[]", "application/json", 422, "invalid_request"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"email=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    live: FlaskClient, team: Location, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = live.post(INVITES, data=body, content_type=kind, headers=team.owner.bearer)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_person_is_told_who_he_is_and_where_he_works(live: FlaskClient, team: Location) -> None:
    told = live.get("/api/v1/me", headers=team.admin.bearer).json
    assert (told["kind"], told["id"], told["email"]) == ("person", team.admin.id, team.admin.email)
    assert told["aal"] == "aal1" and "api_key" not in told
    assert told["locations"] == [
        {
            "location_id": team.id,
            "location_name": "Test location",
            "role": "admin",
            "second_factor_needed": False,
        }
    ]


def test_a_missing_second_factor_is_told(live: FlaskClient, team: Location, db: Db) -> None:
    db.execute("update locations set second_factor_required = true where id = %s", (team.id,))
    (place,) = live.get("/api/v1/me", headers=team.owner.bearer).json["locations"]
    assert place["second_factor_needed"] is True
    form = {"location_id": team.id, "email": "ana@example.com", "role": "admin"}
    refused = live.post(INVITES, json=form, headers=team.owner.bearer)
    assert (refused.status_code, refused.json["code"]) == (403, "second_factor_required")


def test_a_program_is_told_what_its_key_opens(live: FlaskClient, team: Location, db: Db) -> None:
    header = make_key(db, team, "contacts:read", "imports:read")
    told = live.get("/api/v1/me", headers=header).json
    assert (told["kind"], told["id"]) == ("program", team.owner.id)
    assert told["api_key"]["scopes"] == ["contacts:read", "imports:read"]
    assert told["api_key"]["location_id"] == team.id
    assert header["X-Api-Key"].startswith(told["api_key"]["prefix"])
    assert "email" not in told and "locations" not in told
    bearer = {"Authorization": f"Bearer {header['X-Api-Key']}"}
    assert live.get("/api/v1/me", headers=bearer).json == told


def test_a_revoked_key_is_nothing_at_once_though_the_door_remembers_it(
    live: FlaskClient, team: Location, db: Db
) -> None:
    header = make_key(db, team, "imports:read")
    nothing = f"/api/v1/imports/{uuid.uuid4()}"
    assert live.get(nothing, headers=header).status_code == 404
    db.execute("update api_keys set revoked_at = now() where location_id = %s", (team.id,))
    for path in (nothing, "/api/v1/me"):
        answer = live.get(path, headers=header)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_api_key")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_keeps_to_its_scopes_and_uploads_nothing(
    live: FlaskClient, invite: Send, team: Location, db: Db
) -> None:
    header = make_key(db, team, "imports:write")
    upload = live.post("/api/v1/imports", headers=header, data={"list_name": "Oak"})
    assert upload.status_code == 415, "what it is comes before who may"
    form = {"list_name": "Oak", "file": (__file__, "list.csv")}
    upload = live.post("/api/v1/imports", headers=header, data=form)
    assert (upload.status_code, upload.json["code"]) == (403, "keys_cannot_upload")
    form = {"location_id": team.id, "email": "ana@example.com", "role": "admin"}
    for more in ({}, {"Idempotency-Key": "one"}):
        refused = live.post(INVITES, json=form, headers=header | more)
        assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")
    cancel = f"/api/v1/imports/{uuid.uuid4()}/cancel"
    assert live.post(cancel, headers=header).json["code"] == "not_found"
    reading = make_key(db, team, "imports:read")
    assert live.post(cancel, headers=reading).json["code"] == "scope_missing"


def test_a_key_that_may_read_imports_downloads_their_rows(
    live: FlaskClient, team: Location, db: Db
) -> None:
    made = db.execute(
        "insert into imports (location_id, list_name, file_path, filename, size_bytes, sha256)"
        " values (%s, 'Oak', 'x', 'x.csv', 1, repeat('a', 64)) returning id",
        (team.id,),
    ).fetchone()
    assert made is not None
    path = f"/api/v1/imports/{made[0]}"
    header = make_key(db, team, "imports:read")
    assert live.get(path, headers=header).json["list_name"] == "Oak"
    assert live.get(f"{path}/rows.csv", headers=header).status_code == 200
    (key_id,) = db.execute(
        "select a.api_key_id from audit_log a join exports e on e.id::text = a.row_id"
        " where e.subject_id = %s",
        made,
    ).fetchone() or [None]
    assert str(key_id) == live.get("/api/v1/me", headers=header).json["api_key"]["id"]
    other = make_key(db, team, "contacts:read")
    for way in (path, f"{path}/rows.csv"):
        refused = live.get(way, headers=other)
        assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")


def test_who_did_it_is_in_the_audit_log(
    live: FlaskClient, invite: Send, team: Location, db: Db
) -> None:
    form = {"location_id": team.id, "email": "ana@example.com", "role": "admin"}
    headers = {**team.owner.bearer, "X-Request-Id": "by-the-owner"}
    made = live.post(INVITES, json=form, headers=headers).json
    row = db.execute(
        "select actor_id::text, request_id from audit_log where row_id = %s", (made["id"],)
    ).fetchone()
    assert row == (team.owner.id, "by-the-owner")
