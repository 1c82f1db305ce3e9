"""POST /webhooks/openphone: what is signed is kept before 200 is said; all else is refused."""

from __future__ import annotations

import base64
import gzip
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config, Quotas
from app.integrations.openphone_signature import Keys
from devstack.stack import Stack
from edge_jobs import runtime
from edge_jobs.webhooks import watch_webhooks
from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.told import DATED, LEGACY, Told
from tests.messaging.webhooks.vendor import KEY as NEW
from tests.messaging.webhooks.vendor import signed

OLD = b"the key that was before it......"
NOWHERE = "http://127.0.0.1:9"
JSON = "application/json"


def settings(stack: Stack) -> Config:
    config = Config.from_env(stack.env)
    keys = Keys(legacy=(OLD, NEW), dated=(OLD, NEW))
    return replace(config, webhook_keys=keys, quotas=Quotas(ip=3, open=2, failed=2))


@pytest.fixture(scope="module")
def web(stack: Stack, worker: None) -> Iterator[FlaskClient]:
    runtime.open_inbox()
    app = create_app(settings(stack))
    yield app.test_client()
    app.extensions["clients"].close()


def post(web: FlaskClient, told: Told, scheme: str = DATED, **more: object) -> TestResponse:
    raw = told.body(scheme).encode()
    headers = signed(raw, scheme, told.delivery_id(scheme), **more)  # type: ignore[arg-type]
    return web.post("/webhooks/openphone", data=raw, headers=headers, content_type=JSON)


@pytest.mark.parametrize("scheme", [DATED, LEGACY])
@pytest.mark.parametrize("key", [OLD, NEW])
def test_it_is_kept_as_it_came(web: FlaskClient, inbox: Inbox, scheme: str, key: bytes) -> None:
    told = inbox.tell.text(inbox.phone(), "Größe 💧 \u2028 \\u0000 \\ud800")
    assert post(web, told, scheme, key=key).status_code == 200
    event = inbox.event(told, scheme)
    assert (event["body"], event["status"]) == (told.body(scheme), "received")
    assert (event["scheme"], event["type"]) == (scheme, "message.received")


def test_a_delivery_that_comes_again_is_kept_once(web: FlaskClient, inbox: Inbox) -> None:
    told = inbox.tell.text(inbox.phone(), "Hello")
    assert [post(web, told).status_code for _ in range(3)] == [200] * 3
    assert inbox.event(told)["body"] == told.body(DATED)


def test_no_limit_by_address_loses_any(web: FlaskClient, inbox: Inbox) -> None:
    told = [inbox.tell.text(inbox.phone(), f"Text {nth}") for nth in range(12)]
    assert {post(web, each).status_code for each in told} == {200}


def test_a_ring_waits_once_for_many(
    web: FlaskClient, inbox: Inbox, redis_conn: redis.Redis
) -> None:
    redis_conn.delete("rq:queue:webhooks")
    for nth in range(5):
        post(web, inbox.tell.text(inbox.phone(), f"Text {nth}"))
    assert redis_conn.llen("rq:queue:webhooks") == 1
    redis_conn.delete("rq:queue:webhooks")


GOOD = b'{"id": "EV1", "type": "x"}'
BY_OTHERS = {"delivery_id": "m1", "key": b"k" * 32}
FORBIDDEN, UNREADABLE = (403, "invalid_signature"), (400, "bad_request")
NOT_ALLOWED, NOT_TAKEN = (405, "method_not_allowed"), (415, "unsupported_media_type")
# Signed when it is sent: what is signed now would be stale by then.
REFUSED = [
    ("GET", GOOD, JSON, dict, NOT_ALLOWED, "method"),
    ("PUT", GOOD, JSON, dict, NOT_ALLOWED, "method"),
    ("POST", GOOD, "text/plain", dict, NOT_TAKEN, "media_type"),
    ("POST", GOOD, "", dict, NOT_TAKEN, "media_type"),
    ("POST", GOOD, JSON, dict, FORBIDDEN, "unsigned"),
    ("POST", GOOD, JSON, partial(signed, GOOD, DATED, **BY_OTHERS), FORBIDDEN, "wrong"),
    ("POST", GOOD, JSON, partial(signed, GOOD, LEGACY, **BY_OTHERS), FORBIDDEN, "wrong"),
    ("POST", GOOD + b" ", JSON, partial(signed, GOOD, DATED), FORBIDDEN, "wrong"),
    ("POST", GOOD, JSON, partial(signed, GOOD, DATED, age_s=310), FORBIDDEN, "stale"),
    ("POST", GOOD, JSON, partial(signed, GOOD, LEGACY, age_s=-310), FORBIDDEN, "stale"),
    ("POST", GOOD, JSON, partial(dict, {"webhook-signature": "v2,x"}), FORBIDDEN, "malformed"),
    ("POST", GOOD, JSON, partial(dict, {"openphone-signature": "x;"}), FORBIDDEN, "malformed"),
]
UNREAD = [b"", b"[]", b"7", b"{", b'{"a": "\xff"}', b"\xff\xfe", b"[" * 100_000,
          b'{"a": ' + b"9" * 5000 + b"}", gzip.compress(GOOD)]  # fmt: skip
REFUSED += [
    ("POST", raw, JSON, partial(signed, raw, DATED), UNREADABLE, "not_json") for raw in UNREAD
]


@pytest.mark.parametrize(
    ("method", "raw", "kind", "headers", "said", "reason"),
    REFUSED,
    ids=range(len(REFUSED)),
)
def test_what_is_not_the_vendors_is_refused(
    web: FlaskClient, method: str, raw: bytes, kind: str, headers: Callable[[], dict[str, str]],
    said: tuple[int, str], reason: str, redis_conn: redis.Redis,
) -> None:  # fmt: skip
    def counted() -> int:
        found = redis_conn.hgetall("crm:webhook_refusals")
        return sum(int(n) for name, n in found.items() if name.decode().endswith(f"|{reason}"))

    before = counted()
    answer = web.open(
        "/webhooks/openphone", method=method, data=raw, headers=headers(), content_type=kind
    )
    assert (answer.status_code, answer.json["code"]) == said
    assert counted() == before + 1


def test_what_is_too_large_is_refused(web: FlaskClient) -> None:
    raw = b"{" + b" " * (1 << 20) + b"}"
    answer = web.post(
        "/webhooks/openphone", data=raw, headers=signed(raw, DATED), content_type=JSON
    )
    assert answer.status_code == 413


def test_refusals_are_kept_by_day_and_reason(web: FlaskClient, inbox: Inbox) -> None:
    def kept() -> int:
        query = (
            "select coalesce(sum(count), 0) as n from private.webhook_refusals"
            " where day = (now() at time zone 'utc')::date and reason = 'unsigned'"
        )
        return int(inbox.row(query)["n"])

    watch_webhooks()
    before = kept()
    for _ in range(3):
        web.post("/webhooks/openphone", data=GOOD, content_type=JSON)
    watch_webhooks()
    watch_webhooks()
    assert kept() == before + 3


@pytest.mark.parametrize(
    "broken",
    [
        {"webhook_keys": Keys()},
        {"webhook_inbox_key": ""},
        {"webhook_inbox_key": "a key that no worker has registered ever"},
        {"supabase_url": NOWHERE},
    ],
    ids=["no keys", "no inbox key", "unknown inbox key", "database away"],
)
def test_what_is_wrong_with_us_makes_the_vendor_come_again(
    stack: Stack, inbox: Inbox, broken: dict[str, object]
) -> None:
    app = create_app(replace(settings(stack), **broken))  # type: ignore[arg-type]
    told = inbox.tell.text(inbox.phone(), "Hello")
    answer = post(app.test_client(), told)
    app.extensions["clients"].close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_it_is_kept_while_redis_is_away(stack: Stack, inbox: Inbox, worker: None) -> None:
    app = create_app(replace(settings(stack), redis_url="redis://127.0.0.1:9/0"))
    told = inbox.tell.text(inbox.phone(), "Hello")
    assert post(app.test_client(), told).status_code == 200
    app.extensions["clients"].close()
    assert inbox.event(told)["status"] == "received"


def test_nothing_that_was_said_is_logged(
    web: FlaskClient,
    inbox: Inbox,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = inbox.tell.text(inbox.phone(), "My secret wall")
    with caplog.at_level(logging.DEBUG):
        post(web, told)
        post(web, told, age_s=999)
        inbox.take_in()
    out = caplog.text + "".join(capfd.readouterr())
    assert "secret" not in out and inbox.phone() not in out


def test_a_legacy_delivery_without_an_id_is_known_by_what_it_says(
    web: FlaskClient, inbox: Inbox
) -> None:
    body = json.loads(inbox.tell.text(inbox.phone(), "Hello").body(LEGACY))
    for id_ in (None, "x" * 5000):
        body["id"] = id_
        raw = json.dumps(body).encode()
        for _ in range(2):
            answer = web.post(
                "/webhooks/openphone", data=raw, headers=signed(raw, LEGACY), content_type=JSON
            )
            assert answer.status_code == 200
    query = "select event_id from private.webhook_events where body like %s"
    found = [row["event_id"] for row in inbox.rows(query, f"%{inbox.office.mark}%")]
    assert len(found) == 2 and all(each.startswith("sha256:") for each in found)


def test_keys_are_read_from_the_settings_or_refused_at_the_start(stack: Stack) -> None:
    key = base64.b64encode(NEW).decode()
    given = {"OPENPHONE_SIGNING_KEY": f"{key}, {key}", "OPENPHONE_WEBHOOK_SECRET": f"whsec_{key}"}
    config = Config.from_env({**stack.env, **given})
    assert config.webhook_keys == Keys(legacy=(NEW, NEW), dated=(NEW,))
    assert key not in repr(config)
    with pytest.raises(Exception, match="OPENPHONE_SIGNING_KEY is malformed") as caught:
        Config.from_env({**stack.env, "OPENPHONE_SIGNING_KEY": "n0 key!"})
    assert "n0 key" not in str(caught.value)
