"""What follows after a file is handed in: its state, its rows as CSV, stopping it."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.errors import AppError
from tests.people import Location

HandIn = Callable[..., TestResponse]


@pytest.fixture
def import_id(live: FlaskClient, hand_in: HandIn) -> str:
    return str(hand_in(live).json["id"])


@pytest.fixture
def with_rows(db: psycopg.Connection[Any], team: Location, import_id: str) -> str:
    """2,500 rows, more than two pages; every tenth rejected, with its cells kept."""
    header = json.dumps(["APN", "Owner, first"])
    db.execute("update imports set header = %s where id = %s", (header, import_id))
    db.execute(
        """insert into import_rows
             (import_id, row_no, batch_no, location_id, outcome, reason, warnings, cells)
           select %(id)s, n, 0, %(location)s,
             case when n %% 10 = 0 then 'rejected' else 'created' end,
             case when n %% 10 = 0 then 'neither address nor APN' end,
             case when n %% 10 = 0 then %(warnings)s::jsonb else '[]' end,
             case when n %% 10 = 0 then jsonb_build_array('=cmd' || n, '-5.00') end
           from generate_series(2, 2501) n""",
        {
            "id": import_id,
            "location": team.id,
            "warnings": json.dumps(
                [
                    {"column": "Zip", "code": "bad_zip", "message": "no ZIP", "value": "x"},
                    {"code": "odd"},
                ]
            ),
        },
    )
    return import_id


def read(answer: TestResponse) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def test_a_report_whose_reader_loses_his_rights_breaks_off(
    live: FlaskClient, db: psycopg.Connection[Any], team: Location, with_rows: str
) -> None:
    path = f"/api/v1/imports/{with_rows}/rows.csv"
    answer = live.get(path, headers=team.owner.bearer, buffered=False)
    pieces = iter(answer.response)
    assert next(pieces).startswith(b"row_no")
    db.execute("delete from auth.sessions where user_id = %s", (team.owner.id,))
    with pytest.raises(AppError):
        list(pieces)


@pytest.mark.parametrize(("outcome", "rows"), [("", 2_000), ("?outcome=rejected", 200)])
def test_a_report_of_whole_pages_ends_in_order(
    live: FlaskClient,
    db: psycopg.Connection[Any],
    team: Location,
    with_rows: str,
    outcome: str,
    rows: int,
) -> None:
    db.execute("delete from import_rows where import_id = %s and row_no > 2001", (with_rows,))
    path = f"/api/v1/imports/{with_rows}/rows.csv{outcome}"
    assert len(read(live.get(path, headers=team.owner.bearer))) == 1 + rows


def test_each_download_is_recorded_before_it_begins(
    live: FlaskClient, db: psycopg.Connection[Any], team: Location, with_rows: str
) -> None:
    path = f"/api/v1/imports/{with_rows}/rows.csv?outcome=rejected"
    assert live.get(path, headers=team.admin.bearer).status_code == 200
    assert live.get(path, headers=team.marketer.bearer).status_code == 404
    found = db.execute(
        "select kind, filters, created_by::text from exports where subject_id = %s", (with_rows,)
    ).fetchall()
    assert found == [("import_rows", {"outcome": "rejected"}, team.admin.id)]


def test_nobody_elses_import_can_be_told_from_none(
    live: FlaskClient, import_id: str, team: Location, make_location: Callable[..., Location]
) -> None:
    stranger = make_location().owner.bearer
    for headers in (stranger, team.marketer.bearer):
        for path in ("", "/rows.csv"):
            foreign = live.get(f"/api/v1/imports/{import_id}{path}", headers=headers)
            unknown = live.get(f"/api/v1/imports/{uuid.uuid4()}{path}", headers=headers)
            assert (foreign.status_code, foreign.json["code"]) == (404, "not_found")
            assert {**foreign.json, "request_id": ""} == {**unknown.json, "request_id": ""}


def test_callers_on_one_pool_never_see_with_each_others_eyes(
    live: FlaskClient, import_id: str, team: Location, make_location: Callable[..., Location]
) -> None:
    stranger = make_location().owner.bearer
    path = f"/api/v1/imports/{import_id}"
    for _ in range(5):
        assert live.get(path, headers=team.admin.bearer).status_code == 200
        assert live.get(path, headers=stranger).status_code == 404


def test_every_row_is_in_the_csv_in_order(
    live: FlaskClient, with_rows: str, team: Location
) -> None:
    answer = live.get(f"/api/v1/imports/{with_rows}/rows.csv", headers=team.owner.bearer)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    header, *rows = read(answer)
    assert header == ["row_no", "outcome", "reason", "warnings", "APN", "Owner, first"]
    assert [int(row[0]) for row in rows] == list(range(2, 2502))
    assert rows[0] == ["2", "created", "", ""]


def test_cells_come_back_safe_for_spreadsheets(
    live: FlaskClient, with_rows: str, team: Location
) -> None:
    path = f"/api/v1/imports/{with_rows}/rows.csv?outcome=rejected"
    _, first, *rest = read(live.get(path, headers=team.owner.bearer))
    assert len(rest) == 249
    said = "Zip: no ZIP; odd"
    assert first == ["10", "rejected", "neither address nor APN", said, "'=cmd10", "-5.00"]


def test_an_import_without_rows_yet_is_a_csv_with_a_header(
    live: FlaskClient, import_id: str, team: Location
) -> None:
    answer = live.get(f"/api/v1/imports/{import_id}/rows.csv", headers=team.owner.bearer)
    assert read(answer) == [["row_no", "outcome", "reason", "warnings"]]


@pytest.mark.parametrize(("query", "field"), [("outcome=lost", "outcome"), ("page=2", "page")])
def test_a_wrong_question_is_named(
    live: FlaskClient, import_id: str, team: Location, query: str, field: str
) -> None:
    answer = live.get(f"/api/v1/imports/{import_id}/rows.csv?{query}", headers=team.owner.bearer)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_import_is_cancelled_once(live: FlaskClient, import_id: str, team: Location) -> None:
    path = f"/api/v1/imports/{import_id}/cancel"
    first = live.post(path, headers=team.owner.bearer)
    assert (first.status_code, first.json["status"]) == (200, "cancelled")
    assert first.json == live.get(f"/api/v1/imports/{import_id}", headers=team.owner.bearer).json
    second = live.post(path, headers=team.owner.bearer)
    assert (second.status_code, second.json["code"]) == (409, "import_ended")


def test_a_strangers_import_cannot_be_cancelled(
    live: FlaskClient, import_id: str, team: Location, make_location: Callable[..., Location]
) -> None:
    for headers in (make_location().owner.bearer, team.technician.bearer):
        answer = live.post(f"/api/v1/imports/{import_id}/cancel", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    row = live.get(f"/api/v1/imports/{import_id}", headers=team.owner.bearer).json
    assert row["status"] == "uploaded"


def test_requests_are_served_though_no_worker_runs_here(live: FlaskClient) -> None:
    answer = live.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    served = ("postgrest", "database", "schema", "storage", "redis")
    assert all(answer.json["checks"][name]["status"] == "ok" for name in served)
