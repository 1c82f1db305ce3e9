"""GET /api/v1/opt-outs.csv: all of a location's opt-outs, whole and safe to open, on the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.people import Location, Person

PATH = "/api/v1/opt-outs.csv"


@pytest.fixture
def place(make_location: Callable[..., Location]) -> Location:
    return make_location()


def fill(db: psycopg.Connection[Any], here: Location) -> None:
    """More than a page, a hundred to each instant."""
    db.execute(
        "insert into opt_outs (location_id, phone, method, note, opted_out_at, revoked_at)"
        " select %s, '+1339' || (2000000 + n), 'manual', '=cmd' || n,"
        " '2026-01-01'::timestamptz + n / 100 * interval '1 minute', '2026-06-01'"
        " from generate_series(0, 1049) n",
        (here.id,),
    )


def read(live: FlaskClient, place: Location, person: Person) -> list[list[str]]:
    answer = live.get(f"{PATH}?location_id={place.id}", headers=person.bearer)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="opt-outs.csv"'
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def test_every_row_is_in_it_once_newest_first(
    live: FlaskClient, place: Location, db: psycopg.Connection[Any]
) -> None:
    fill(db, place)
    header, *rows = read(live, place, place.owner)
    assert header[:4] == ["phone", "name", "opted_out_at", "method"]
    assert len({row[0] for row in rows}) == len(rows) == 1050
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    assert all(row[6].startswith("'=cmd") for row in rows)
    query = "select kind, subject_id::text, created_by::text from exports where location_id = %s"
    assert db.execute(query, (place.id,)).fetchall() == [("opt_outs", place.id, place.owner.id)]


@pytest.mark.parametrize("role", ["marketer", "technician"])
def test_who_may_not_see_them_takes_none_and_leaves_no_line(
    live: FlaskClient, place: Location, db: psycopg.Connection[Any], role: str
) -> None:
    answer = live.get(f"{PATH}?location_id={place.id}", headers=place.people[role].bearer)
    assert (answer.status_code, answer.json["code"]) == (403, "not_permitted")
    query = "select 1 from exports where location_id = %s"
    assert db.execute(query, (place.id,)).fetchall() == []


def test_which_location_must_be_said(live: FlaskClient, place: Location) -> None:
    answer = live.get(PATH, headers=place.owner.bearer)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
