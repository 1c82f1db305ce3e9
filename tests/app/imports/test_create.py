"""POST /api/v1/imports on the real stack."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import psycopg
import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from werkzeug.test import TestResponse

from app.config import Config
from app.imports.schemas import Import
from tests.people import Location, Person

HandIn = Callable[..., TestResponse]
CSV = b"APN,Address\r\n1,1 Oak St\r\n"
# Columns that are the worker's own business.
NOT_SHOWN = {"file_path", "lease_id", "lease_expires_at", "attempts"}


def objects(db: psycopg.Connection[Any], team: Location) -> list[str]:
    found = db.execute(
        "select name from storage.objects where bucket_id = 'imports' and name like %s",
        (f"{team.id}/%",),
    )
    return [name for (name,) in found]


def fields(answer: TestResponse) -> list[str]:
    return sorted(error["field"] for error in answer.json["errors"])


def test_a_file_becomes_an_object_a_row_and_a_ring(
    live: FlaskClient,
    team: Location,
    hand_in: HandIn,
    db: psycopg.Connection[Any],
    redis_conn: Redis,
) -> None:
    answer = hand_in(live, filename="lists/Höfe 1.csv", list_name=" Leominster ")
    assert answer.status_code == 202
    row = answer.json
    assert answer.headers["Location"] == f"/api/v1/imports/{row['id']}"
    assert row["status"] == "uploaded"
    assert (row["location_id"], row["created_by"]) == (team.id, team.owner.id)
    assert (row["filename"], row["list_name"]) == ("Höfe 1.csv", "Leominster")
    assert (row["size_bytes"], row["sha256"]) == (len(CSV), hashlib.sha256(CSV).hexdigest())
    assert (row["tier"], row["duplicates"], row["consent"]) == (None, "merge", "unknown")
    assert row["warnings"] == []
    assert objects(db, team) == [f"{team.id}/{row['id']}/H_fe_1.csv"]
    rung = Queue("imports", connection=redis_conn, serializer=JSONSerializer).jobs
    (job,) = [job for job in rung if job.args == [row["id"]]]
    assert job.func_name == "edge_jobs.imports.run_import"
    assert live.get(answer.headers["Location"], headers=team.owner.bearer).json == row


def test_the_answer_has_the_tables_columns_and_no_others(
    live: FlaskClient, hand_in: HandIn, db: psycopg.Connection[Any]
) -> None:
    found = db.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'public' and table_name = 'imports'"
    )
    columns = {name for (name,) in found}
    assert set(hand_in(live).json) == columns - NOT_SHOWN == set(Import().fields)


def test_the_choices_are_kept(live: FlaskClient, hand_in: HandIn) -> None:
    chosen = {"tier": "database", "duplicates": "skip", "consent": "written"}
    row = hand_in(live, **chosen).json
    assert {name: row[name] for name in chosen} == chosen


def test_the_same_file_again_is_taken_with_a_warning(live: FlaskClient, hand_in: HandIn) -> None:
    content = CSV + uuid.uuid4().bytes.hex().encode()
    first = hand_in(live, content)
    second = hand_in(live, content)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json["id"] != second.json["id"]
    (warning,) = second.json["warnings"]
    assert (warning["code"], warning["import_id"]) == ("same_file", first.json["id"])


@pytest.mark.parametrize("role", ["marketer", "technician"])
def test_those_who_may_not_import_are_refused_before_anything_is_stored(
    live: FlaskClient, team: Location, hand_in: HandIn, db: psycopg.Connection[Any], role: str
) -> None:
    answer = hand_in(live, headers=team.people[role].bearer)
    assert (answer.status_code, answer.json["code"]) == (403, "not_permitted")
    assert objects(db, team) == []


def test_a_role_taken_away_counts_at_once(
    live: FlaskClient, team: Location, hand_in: HandIn, db: psycopg.Connection[Any]
) -> None:
    db.execute(
        "update location_members set role = 'technician' where user_id = %s", (team.owner.id,)
    )
    assert hand_in(live).status_code == 403
    db.execute("update profiles set is_active = false where id = %s", (team.owner.id,))
    assert hand_in(live).status_code == 401


def test_another_locations_id_is_refused(
    live: FlaskClient, hand_in: HandIn, make_location: Callable[..., Location]
) -> None:
    answer = hand_in(live, location_id=make_location().id)
    assert (answer.status_code, answer.json["code"]) == (403, "not_permitted")


def test_who_works_at_several_locations_names_one(
    live: FlaskClient,
    team: Location,
    hand_in: HandIn,
    make_location: Callable[..., Location],
    make_person: Callable[..., Person],
) -> None:
    other = make_location().id
    headers = make_person({team.id: "owner", other: "admin"}).bearer
    unnamed = hand_in(live, headers=headers)
    assert (unnamed.status_code, unnamed.json["code"]) == (422, "location_required")
    assert "location_id" in unnamed.json["detail"]
    named = hand_in(live, location_id=other, headers=headers)
    assert (named.status_code, named.json["location_id"]) == (202, other)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"list_name": None}, ["list_name"]),
        ({"list_name": "  "}, ["list_name"]),
        ({"file": None}, ["file"]),
        ({"file": "a,b"}, ["file"]),
        ({"tier": "gold"}, ["tier"]),
        ({"duplicates": "all", "consent": "yes"}, ["consent", "duplicates"]),
        ({"location_id": "here"}, ["location_id"]),
        ({"list": "x"}, ["list"]),
        ({"photo": (io.BytesIO(b"x"), "x.png")}, ["photo"]),
        ({"list_name": ["one", "two"]}, ["list_name"]),
    ],
)
def test_each_wrong_field_is_named(
    live: FlaskClient, hand_in: HandIn, changes: dict[str, Any], names: list[str]
) -> None:
    answer = hand_in(live, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert fields(answer) == names


@pytest.mark.parametrize(("content", "code"), [(b"", "empty_file"), (b"PK\x03\x04..", "not_csv")])
def test_a_file_that_cannot_be_a_list_is_refused_and_not_stored(
    live: FlaskClient,
    team: Location,
    hand_in: HandIn,
    db: psycopg.Connection[Any],
    content: bytes,
    code: str,
) -> None:
    answer = hand_in(live, content)
    assert (answer.status_code, answer.json["code"], fields(answer)) == (422, code, ["file"])
    assert objects(db, team) == []


def test_a_file_over_the_limit_is_refused(
    live_config: Config, open_client: Callable[[Config], FlaskClient], hand_in: HandIn
) -> None:
    client = open_client(replace(live_config, upload_limit_bytes=len(CSV)))
    assert hand_in(client, CSV).status_code == 202
    answer = hand_in(client, CSV + b"x")
    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")


def test_a_body_far_over_the_limit_is_refused_unread(live: FlaskClient, team: Location) -> None:
    answer = live.post(
        "/api/v1/imports",
        data={"list_name": "x"},
        headers=team.owner.bearer,
        content_type="multipart/form-data",
        environ_overrides={"CONTENT_LENGTH": str(10**9)},
    )
    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")
    assert "2 MB" in answer.json["detail"]


def test_a_body_that_is_no_form_is_refused(live: FlaskClient, team: Location) -> None:
    answer = live.post("/api/v1/imports", json={"list_name": "x"}, headers=team.owner.bearer)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert "multipart" in answer.json["detail"]


def test_a_refusal_after_the_upload_leaves_no_object_behind(
    live: FlaskClient, team: Location, hand_in: HandIn, db: psycopg.Connection[Any]
) -> None:
    answer = hand_in(live, list_name="x" * 201)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_value")
    assert "200 characters" in answer.json["detail"]
    assert objects(db, team) == []


def test_without_redis_the_import_is_taken_all_the_same(
    live_config: Config, open_client: Callable[[Config], FlaskClient], hand_in: HandIn
) -> None:
    client = open_client(replace(live_config, redis_url="redis://127.0.0.1:9/0"))
    answer = hand_in(client)
    assert (answer.status_code, answer.json["status"]) == (202, "uploaded")


def test_without_supabase_the_caller_is_told_to_try_again(
    live_config: Config, open_client: Callable[[Config], FlaskClient], hand_in: HandIn
) -> None:
    client = open_client(replace(live_config, supabase_url="http://127.0.0.1:9"))
    answer = hand_in(client)
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"].isdigit()


def test_a_token_postgrest_does_not_take_is_a_401_from_flask_too(
    live_config: Config, open_client: Callable[[Config], FlaskClient], hand_in: HandIn
) -> None:
    secret = "a secret Postgres does not know, long enough"
    claims = {
        "iss": live_config.jwt_issuer,
        "aud": "authenticated",
        "role": "authenticated",
        "sub": str(uuid.uuid4()),
        "exp": int(time.time()) + 60,
    }
    client = open_client(replace(live_config, jwt_secret=secret))
    answer = hand_in(client, headers={"Authorization": f"Bearer {jwt.encode(claims, secret)}"})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")
    assert "WWW-Authenticate" in answer.headers
