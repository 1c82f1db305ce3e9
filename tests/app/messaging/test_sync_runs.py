"""Starting a run through the vendor's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis
from flask.testing import FlaskClient

from tests.people import Location, Person


@pytest.fixture
def place(make_location: Callable[..., Location], db: psycopg.Connection[Any]) -> Location:
    made = make_location()
    db.commit()
    return made


def start(live: FlaskClient, person: Person, **form: Any) -> Any:
    return live.post("/api/v1/sync-runs", json=form, headers=person.bearer)


def test_a_run_is_started_and_rung_for(
    live: FlaskClient, place: Location, redis_conn: redis.Redis
) -> None:
    answer = start(live, place.owner, location_id=place.id, kind="history")
    assert answer.status_code == 202
    assert (answer.json["kind"], answer.json["status"]) == ("history", "waiting")
    rung = list(redis_conn.scan_iter(f"rq:job:run_sync-{answer.json['id']}-*"))
    assert len(rung) == 1
    redis_conn.delete(*rung)
    again = start(live, place.owner, location_id=place.id, kind="history")
    assert (again.status_code, again.json["code"]) == (409, "already_running")


def test_a_run_may_begin_at_an_instant(
    live: FlaskClient, place: Location, db: psycopg.Connection[Any]
) -> None:
    form = {"location_id": place.id, "kind": "reconciliation", "since": "2026-11-01T00:00:00Z"}
    answer = start(live, place.owner, **form)
    row = db.execute("select cursor from sync_runs where id = %s", (answer.json["id"],)).fetchone()
    assert row == ({"since": "2026-11-01T00:00:00+00:00"},)


@pytest.mark.parametrize(
    "form", [{}, {"kind": "contact_push"}, {"kind": "history", "since": "yesterday"}]
)
def test_what_is_no_run_is_refused(
    live: FlaskClient, place: Location, form: dict[str, Any]
) -> None:
    answer = start(live, place.owner, location_id=place.id, **form)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_the_same_request_again_starts_nothing_more(live: FlaskClient, place: Location) -> None:
    form = {"location_id": place.id, "kind": "history"}
    headers = place.owner.bearer | {"Idempotency-Key": "run-1"}
    answers = [live.post("/api/v1/sync-runs", json=form, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotent-Replayed"] == "true"
