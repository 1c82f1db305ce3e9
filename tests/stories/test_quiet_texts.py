"""A conversation, good and bad, and every line that our programs wrote of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.processes import wait_until
from devstack.stack import Stack
from tests.stories.texting import SOON_S, Office, a_number, open_office

WORKERS = ("worker-webhooks", "worker-media", "worker-sends")
NAME, STREET, EMAIL = "Quillfeather", "17 Marmalade", "zebedee.q@example.com"
SAID = f"Zebedee {NAME} here, {STREET} Ln, write to {EMAIL}"
# In stack.env, by the end of their names.
SECRET = ("_KEY", "_SECRET")


@pytest.fixture
def office(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Office]:
    # The fault is for our text alone.
    db.execute("update outbound set state = 'cancelled' where state = 'queued'")
    with open_office(stack, db, redis_conn, tmp_path, *WORKERS) as found:
        yield found


def texts_that_come(office: Office, customer: str) -> None:
    office.vendor.customer_texts(customer, SAID, to=office.number, media=[{"kind": "jpeg"}])
    office.wait("media", "status = 'stored'")
    office.vendor.fault("refuse", None, path="/files", status=404)
    office.vendor.customer_texts(customer, SAID, to=office.number, media=[{"kind": "png"}])
    office.wait("media", "attempts > 0 and status <> 'stored'")
    office.vendor.clear_faults()


def webhooks_that_say_nothing(office: Office, customer: str) -> None:
    told = {"id": "EVq", "type": "message.received", "data": {"object": {"from": customer}}}
    before = dead(office)
    office.vendor.send_webhook("dated", told | {"text": SAID})
    office.vendor.send_webhook("legacy", told | {"id": customer, "type": f"message.{NAME}"})
    assert wait_until(lambda: dead(office) > before, SOON_S)
    url = f"http://127.0.0.1:{office.stack.env['WEB_PORT']}/webhooks/openphone?who={EMAIL}"
    for content in (json.dumps(told), SAID):
        headers = {"Content-Type": "application/json", "webhook-id": customer}
        assert httpx.post(url, content=content, headers=headers).status_code == 403


def dead(office: Office) -> int:
    query = "select count(*) from private.webhook_events where status = 'dead'"
    row = office.db.execute(query).fetchone()
    assert row
    return int(row[0])


def texts_that_go(office: Office, customer: str) -> None:
    office.checked(customer)
    said = {"status": 400, "title": f"{customer}: {SAID}"}
    office.vendor.fault("refuse", path="/v1/messages", method="POST", **said)
    url = f"http://127.0.0.1:{office.stack.env['WEB_PORT']}/api/v1/messages"
    for states in ("('rejected')", "('accepted', 'delivered')"):
        headers = office.team.owner.bearer | {"Idempotency-Key": str(uuid.uuid4())}
        body = {"phone": customer, "body": f"{states}: {SAID}"}
        answer = httpx.post(url, json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        office.wait("outbound", f"state in {states}")


def test_nothing_of_anybody_is_in_any_log(office: Office, tmp_path: Path) -> None:
    customer = a_number()
    texts_that_come(office, customer)
    webhooks_that_say_nothing(office, customer)
    texts_that_go(office, customer)
    env = office.stack.env
    secrets = [value for name, value in env.items() if name.endswith(SECRET) and value]
    secrets += [customer, customer[2:], "Zebedee", NAME, STREET, EMAIL, office.team.owner.token]
    for name in ("web", *WORKERS):
        lines = (tmp_path / f"{name}.log").read_text().splitlines()
        assert lines, name
        for line in lines:
            found = [secret for secret in secrets if secret.lower() in line.lower()]
            assert not found, (name, found, line)
            json.loads(line)
