"""Whether Flask or a SQL function refused: a program cannot tell, and need not."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from app.auth import open_to_all
from app.config import Config, Quotas
from app.errors import AppError
from tests.app.keys import make_key
from tests.people import Location, Person

Db = psycopg.Connection[Any]
Refused = Callable[["Doors"], TestResponse]
INVITES = "/api/v1/invites"


class Doors:
    def __init__(self, client: FlaskClient, db: Db, team: Location) -> None:
        self.client, self.db, self.team = client, db, team

    def invite(self, who: Person | None = None, **changes: Any) -> TestResponse:
        form = {"location_id": self.team.id, "email": "ana@example.com", "role": "admin"}
        headers = (who or self.team.owner).bearer
        return self.client.post(INVITES, json=form | changes, headers=headers)

    def get(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.client.get(path, headers=self.team.owner.bearer if headers is None else headers)

    def post(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.client.post(path, headers=headers or self.team.owner.bearer)


@pytest.fixture
def doors(
    live_config: Config,
    open_client: Callable[[Config], FlaskClient],
    db: Db,
    team: Location,
    redis_conn: Redis,
) -> Doors:
    client = open_client(replace(live_config, quotas=Quotas(0, 0, 0, open=1, failed=0)))

    @open_to_all
    def taken() -> None:
        raise AppError(409, "already_exists", "This file exists already.")

    if "taken" not in client.application.view_functions:
        client.application.add_url_rule("/taken", view_func=taken)
    return Doors(client, db, team)


def ended_session(doors: Doors) -> TestResponse:
    doors.db.execute("delete from auth.sessions where user_id = %s", (doors.team.admin.id,))
    return doors.get("/api/v1/me", doors.team.admin.bearer)


def key_that_uploads(doors: Doors) -> TestResponse:
    header = make_key(doors.db, doors.team.id, doors.team.owner.id, "imports:write")
    form = {"list_name": "Oak", "file": (__file__, "list.csv")}
    return doors.client.post("/api/v1/imports", headers=header, data=form)


def invited_twice(doors: Doors) -> TestResponse:
    assert doors.invite().status_code == 201
    return doors.invite()


def sent_twice(doors: Doors) -> TestResponse:
    invite_id = doors.invite().json["id"]
    doors.db.execute("select issue_invite(%s)", (invite_id,))
    doors.db.execute("select record_invite_sent(%s)", (invite_id,))
    return doors.post(f"{INVITES}/{invite_id}/resend")


def asked_too_often(doors: Doors) -> TestResponse:
    while (answer := doors.client.get("/docs", buffered=True)).status_code == 200:
        pass
    return answer


def nothing() -> str:
    return f"/api/v1/imports/{uuid.uuid4()}"


PAIRS: dict[int, tuple[Refused, Refused]] = {
    401: (lambda doors: doors.get("/api/v1/me", {}), ended_session),
    403: (key_that_uploads, lambda doors: doors.invite(doors.team.technician)),
    404: (lambda doors: doors.get(nothing()), lambda doors: doors.post(f"{nothing()}/cancel")),
    409: (lambda doors: doors.get("/taken"), invited_twice),
    422: (lambda doors: doors.invite(email=None), lambda doors: doors.invite(email="nobody")),
    429: (asked_too_often, sent_twice),
}
ALSO = {401: "WWW-Authenticate", 429: "Retry-After"}


@pytest.mark.parametrize("status", PAIRS)
def test_both_refuse_with_the_same_body(doors: Doors, status: int) -> None:
    by_flask, by_sql = (refuse(doors) for refuse in PAIRS[status])
    for answer in (by_flask, by_sql):
        assert answer.status_code == answer.json["status"] == status
        assert answer.content_type == "application/problem+json"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
        assert answer.json["detail"].endswith(".") and "p_" not in answer.json["detail"]
        assert status not in ALSO or ALSO[status] in answer.headers
    assert list(by_flask.json) == list(by_sql.json)
    for key in ("type", "title", "status"):
        assert by_flask.json[key] == by_sql.json[key]


def test_both_name_the_field(doors: Doors) -> None:
    for refuse in PAIRS[422]:
        assert [error["field"] for error in refuse(doors).json["errors"]] == ["email"]
