"""What would be gained at the Flask door: the rows of an import, or a request as somebody."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from devstack.stack import Stack
from tests.imports.desk import open_client
from tests.rights.attacks.conftest import Household
from tests.rights.rows import Place, Rows
from tests.rights.world import Actor, World, new_id


@pytest.fixture(scope="module")
def flask(stack: Stack) -> Iterator[FlaskClient]:
    with open_client(stack.env) as client:
        yield client


@pytest.fixture
def report(rows: Rows, world: World, here: Household) -> str:
    """An import at `here` with one rejected row that names a person; its id."""
    made = rows.one("imports", Place(world.here.id, world.here.owner.id))
    rows.db.execute("""update imports set header = '["Owner", "Phone"]' where id = %s""", (made,))
    rows.db.execute(
        "insert into import_rows (import_id, row_no, batch_no, location_id, outcome, reason, cells)"
        " values (%s, 2, 1, %s, 'rejected', 'no_place', jsonb_build_array(%s::text, %s::text))",
        (made, here.location, here.last_name, here.phone),
    )
    return made


def door_headers(actor: Actor) -> dict[str, str]:
    return {name: value for name, value in actor.headers.items() if name != "apikey"}


def intruders(world: World) -> list[Actor]:
    members = [world.members["marketer"], world.members["technician"]]
    keys = [key for name, key in world.keys.items() if not name.startswith(("imports", "every"))]
    return [*members, *world.outsiders, *keys]


def test_exporting_the_rows_of_somebody_elses_import(
    flask: FlaskClient, rows: Rows, world: World, here: Household, report: str
) -> None:
    """Nobody gets a line of it, and no export is recorded that was not allowed."""
    count = "select count(*) from exports where subject_id = %s"
    for actor in intruders(world):
        for path in ("", "/rows.csv", "/rows.csv?outcome=rejected"):
            answer = flask.get(f"/api/v1/imports/{report}{path}", headers=door_headers(actor))
            assert answer.status_code in (401, 403, 404), (actor, answer.text)
            assert not any(secret in answer.text for secret in here.hidden)
    assert rows.db.execute(count, (report,)).fetchone() == (0,)
    owner = world.members["owner"]
    told = flask.get(f"/api/v1/imports/{report}/rows.csv", headers=door_headers(owner))
    assert told.status_code == 200 and here.phone in told.text
    assert rows.db.execute(count, (report,)).fetchone() == (1,)


def test_learning_whether_an_import_exists(flask: FlaskClient, world: World, report: str) -> None:
    for role in ("marketer", "technician"):
        for method, path in (("GET", ""), ("GET", "/rows.csv"), ("POST", "/cancel")):
            headers = door_headers(world.members[role]) | {"X-Request-Id": "same"}
            theirs, nobodys = (
                flask.open(f"/api/v1/imports/{i}{path}", method=method, headers=headers)
                for i in (report, new_id())
            )
            assert theirs.status_code == nobodys.status_code == 404
            assert _without_ids(theirs.json) == _without_ids(nobodys.json)


def _without_ids(body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("instance", "request_id")}


def test_handing_in_a_file_for_another_location(
    flask: FlaskClient, rows: Rows, world: World, here: Household
) -> None:
    before = rows.db.execute("select count(*) from imports").fetchone()
    for actor in intruders(world):
        form = {
            "list_name": "Mine",
            "location_id": here.location,
            "file": (io.BytesIO(b"a,b\n1,2\n"), "list.csv"),
        }
        answer = flask.post("/api/v1/imports", data=form, headers=door_headers(actor))
        assert answer.status_code in (401, 403), (actor, answer.text)
    assert rows.db.execute("select count(*) from imports").fetchone() == before


def test_bringing_a_key_and_a_sign_in(flask: FlaskClient, world: World) -> None:
    key = world.keys["every scope"].headers["X-Api-Key"]
    both = door_headers(world.members["marketer"]) | {"X-Api-Key": key}
    assert flask.get("/api/v1/me", headers=both).status_code in (400, 401)


@pytest.mark.parametrize(
    "header",
    [
        "X-User-Id",
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Supabase-Auth",
        "Cookie",
        "X-Original-Url",
    ],
)
def test_being_somebody_by_a_header_of_a_proxy(
    flask: FlaskClient, world: World, report: str, header: str
) -> None:
    value = (
        f"sb-access-token={world.here.owner.token}" if header == "Cookie" else world.here.owner.id
    )
    assert flask.get(f"/api/v1/imports/{report}", headers={header: value}).status_code == 401
    stranger = next(actor for actor in world.outsiders if actor.name == "stranger")
    headers = door_headers(stranger) | {header: value}
    assert flask.get(f"/api/v1/imports/{report}", headers=headers).status_code == 404
