"""POST /api/v1/messages: recorded, rung for, refused with the rule that forbids it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from devstack.stack import Stack
from edge_jobs.sends import send_texts
from tests.imports.desk import open_client
from tests.messaging.send.office import Office

Post = Callable[..., TestResponse]


@pytest.fixture(scope="module")
def flask_client(stack: Stack) -> Iterator[FlaskClient]:
    with open_client(stack.env) as client:
        yield client


@pytest.fixture
def post(office: Office, flask_client: FlaskClient) -> Post:
    def send(path: str = "", key: str = "", **form: Any) -> TestResponse:
        headers = office.place.owner.bearer | ({"Idempotency-Key": key} if key else {})
        return flask_client.post(f"/api/v1/messages{path}", json=form, headers=headers)

    return send


def test_a_text_is_recorded_rung_for_and_sent(
    office: Office, post: Post, redis_conn: redis.Redis
) -> None:
    redis_conn.delete("rq:queue:sends")
    phone = office.phone()
    answer = post(phone=phone, body="Hi {first_name}, 9 it is.")
    assert answer.status_code == 202, answer.text
    told = answer.json
    assert (told["status"], told["segments"], told["text"]) == ("queued", 1, "Hi there, 9 it is.")
    assert (told["from"], told["to"]) == (office.number, [phone])
    assert redis_conn.llen("rq:queue:sends") == 1
    assert send_texts() == {"accepted": 1}
    query = "select status || ' ' || sent_by from messages where id = %s"
    assert office.value(query, told["id"]) == f"sent {office.place.owner.id}"


def test_the_same_key_sends_once(office: Office, post: Post) -> None:
    key, phone = secrets.token_hex(8), office.phone()
    first, again = (post(key=key, phone=phone, body="Hello") for _ in range(2))
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    send_texts()
    assert office.taken() == {phone: 1}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("insert into opt_outs (location_id, phone) values (%s, %s)", 422, "opted_out"),
        (
            "insert into send_holds (location_id, phone, reason, opened_at)"
            " values (%s, %s, 'Doubt', now())",
            409,
            "held",
        ),
        (
            "insert into phone_validations (location_id, phone, status, is_valid, line_type,"
            " checked_at, valid_until) values (%s, %s, 'checked', true, 'landline', now(),"
            " now() + interval '1 day')",
            422,
            "landline",
        ),
    ],
)
def test_who_may_not_be_texted_is_not(
    office: Office, post: Post, query: str, status: int, code: str
) -> None:
    phone = office.phone()
    office.db.execute(query.encode(), (office.place.id, phone))
    answer = post(phone=phone, body="Hello")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert post("/preview", phone=phone, body="Hello").json["refusal"]["rule"] == code
    assert office.value("select 1 from outbound where location_id = %s", office.place.id) is None


def test_a_number_nobody_has_checked_is_put_in_line(
    office: Office, post: Post, redis_conn: redis.Redis
) -> None:
    redis_conn.delete("rq:queue:vendor", *redis_conn.keys("rq:job:check_numbers-*"))
    office.db.execute("delete from settings where location_id = %s", (office.place.id,))
    phone = office.phone()
    answer = post(phone=phone, body="Hello")
    assert (answer.status_code, answer.json["code"]) == (409, "number_unchecked")
    query = "select status from phone_validations where phone = %s"
    assert office.value(query, phone) == "waiting"
    assert redis_conn.llen("rq:queue:vendor") == 1


def test_a_preview_has_an_unchecked_number_checked_too(
    office: Office, post: Post, redis_conn: redis.Redis
) -> None:
    redis_conn.delete("rq:queue:vendor", *redis_conn.keys("rq:job:check_numbers-*"))
    office.db.execute("delete from settings where location_id = %s", (office.place.id,))
    told = post("/preview", phone=office.phone(), body="Hello").json
    assert told["refusal"]["rule"] == "number_unchecked"
    assert redis_conn.llen("rq:queue:vendor") == 1


def test_a_preview_says_how_long_it_is(office: Office, post: Post) -> None:
    told = post("/preview", phone=office.phone(), body="😀" * 36).json
    assert (told["encoding"], told["units"], told["segments"]) == ("UCS-2", 72, 2)
    assert "refusal" not in told


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"body": "Hello"}, "invalid_value"),
        ({"phone": "+16175550123"}, "invalid_value"),
        ({"phone": "+16175550123", "body": "x" * 1601}, "text_too_long"),
        ({"phone": "+16175550123", "body": "Hi {nickname}"}, "invalid_template"),
        ({"phone": "617", "body": "Hello"}, "invalid_phone"),
        ({"contact_id": "none", "body": "Hello"}, "invalid_request"),
    ],
)
def test_what_cannot_be_sent_is_said(post: Post, form: dict[str, str], code: str) -> None:
    answer = post(**form)
    assert (answer.status_code, answer.json["code"]) == (422, code)
