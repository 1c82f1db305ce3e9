"""The vendor tells of a text before it has answered for it, or instead: it is there once."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest

from devstack.processes import wait_until
from edge_jobs import runtime
from edge_jobs.sends import send_texts
from edge_jobs.webhooks import apply_webhooks
from tests.messaging.send.office import Fork, Office
from tests.messaging.webhooks import told
from tests.messaging.webhooks.told import DATED, Teller
from tests.sandbox_driver import Sandbox

SENDING = {"path": "/v1/messages", "method": "POST"}
BODY = "We come at nine."


def tell(office: Office, phone: str, external_id: str, status: str = "delivered") -> None:
    """A webhook comes in, and is taken in."""
    teller = Teller(told.Office(office.number, f"PN{external_id[2:12]}", secrets.token_hex(4)))
    now = told.iso(datetime.now(UTC))
    event = teller.sent(phone, BODY, status, id=external_id, createdAt=now)
    office.db.execute(
        "insert into private.webhook_events (provider, event_id, scheme, type, body)"
        " values ('openphone', %s, %s, %s, %s)",
        (event.delivery_id(DATED), DATED, event.type, event.body(DATED)),
    )
    apply_webhooks()


def messages(office: Office) -> int:
    return int(
        office.value("select count(*) from messages where location_id = %s", office.place.id)
    )


def parked(office: Office, text: str) -> bool:
    query = "select 1 from private.webhook_events where status = 'parked' and waits_for = %s"
    return bool(office.value(query, f"outbound:{text}"))


def test_a_report_before_the_answer_waits_for_it(office: Office) -> None:
    phone, external_id = office.phone(), f"AC{secrets.token_hex(16)}"
    text = office.text(phone, body=BODY)
    (claimed,) = runtime.rpc("claim_outbound")["claimed"]
    assert runtime.rpc("start_send", p_outbound=text, p_lease=claimed["lease"])["to"] == [phone]
    tell(office, phone, external_id)
    assert parked(office, text)
    lease = {"p_outbound": text, "p_lease": claimed["lease"]}
    runtime.rpc("finish_send", **lease, p_outcome="accepted", p_external_id=external_id)
    apply_webhooks()
    assert office.both(text) == ("delivered", "delivered")
    assert messages(office) == 1


def test_a_report_stands_in_for_an_answer_that_never_came(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("done_then_hang", **SENDING)
    text = office.text(phone, body=BODY)
    worker = Fork()
    assert wait_until(lambda: office.taken() == {phone: 1}, 30)
    (line,) = (x for x in sandbox.ledger() if x["sender"] == office.number)
    tell(office, phone, line["id"])
    assert parked(office, text)
    worker.kill()
    office.worker_dies()
    apply_webhooks()
    assert office.both(text) == ("delivered", "delivered")
    assert messages(office) == 1
    assert send_texts() == {}
    assert office.taken() == {phone: 1}


@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_a_report_of_failure_is_seen(office: Office, status: str) -> None:
    phone = office.phone()
    text = office.text(phone, body=BODY)
    send_texts()
    query = "select external_id from outbound where id = %s"
    tell(office, phone, office.value(query, text), status)
    assert office.both(text) == (status, status)


def test_five_failures_stop_the_number(office: Office) -> None:
    texts = [
        (phone, office.text(phone, body=BODY)) for phone in map(lambda _: office.phone(), range(5))
    ]
    assert send_texts() == {"accepted": 5}
    for phone, text in texts:
        query = "select external_id from outbound where id = %s"
        tell(office, phone, office.value(query, text), "failed")
    query = "select pause_reason from phone_numbers where id = %s"
    assert "Five texts" in office.value(query, office.number_id)
    waiting = office.text()
    assert send_texts() == {}
    office.db.execute(
        "update phone_numbers set paused_at = null where id = %s", (office.number_id,)
    )
    assert send_texts() == {"accepted": 1}
    assert office.state(waiting) == "accepted"
