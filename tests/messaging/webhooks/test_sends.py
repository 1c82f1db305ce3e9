"""Reports of our own sends, which may come before the vendor's answer does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.told import Told, iso

SAID = "You are unsubscribed."


@dataclass
class Sending:
    """A text of ours whose call to the vendor has begun."""

    inbox: Inbox
    id: str
    lease: str
    vendors_id: str

    def outbound(self) -> dict[str, Any]:
        return self.inbox.row("select * from outbound where id = %s", self.id)

    def finish(self, outcome: str, vendors_id: str | None = None) -> None:
        self.inbox.rows(
            "select finish_send(%s, %s, %s, %s)", self.id, self.lease, outcome, vendors_id
        )

    def report(self, text: str = SAID, status: str = "delivered") -> Told:
        at = iso(self.outbound()["call_started_at"])
        phone = self.inbox.phone()
        return self.inbox.tell.sent(phone, text, status=status, id=self.vendors_id, createdAt=at)


@pytest.fixture
def sending(inbox: Inbox) -> Sending:
    number = inbox.one("phone_numbers")["id"]
    placed = inbox.row(
        "select id from private.place_text(%s, %s, 'confirmation', array[%s], %s)",
        inbox.place.id, number, inbox.phone(), SAID,
    )["id"]  # fmt: skip
    lease = None
    while lease is None:
        found = inbox.row("select claim_outbound() as c")["c"]["claimed"]
        lease = next((one["lease"] for one in found if one["id"] == str(placed)), None)
    assert inbox.row("select start_send(%s, %s) as s", placed, lease)["s"]
    return Sending(inbox, str(placed), lease, f"AC{inbox.office.mark}s")


def test_a_report_before_the_answer_waits_for_it(sending: Sending, inbox: Inbox) -> None:
    told = sending.report()
    inbox.take_in(told)
    event = inbox.event(told)
    assert (event["status"], event["waits_for"]) == ("parked", f"outbound:{sending.id}")
    sending.finish("accepted", sending.vendors_id)
    inbox.take_in()
    assert inbox.event(told)["status"] == "processed"
    message = inbox.one("messages")
    assert (message["external_id"], message["status"]) == (sending.vendors_id, "delivered")
    assert (message["source"], message["delivered_at"]) == ("app", told.at)
    assert sending.outbound()["state"] == "delivered"


def test_a_report_after_the_answer_is_matched_by_its_id(sending: Sending, inbox: Inbox) -> None:
    sending.finish("accepted", sending.vendors_id)
    inbox.take_in(sending.report(status="sent"), sending.report())
    assert inbox.one("messages")["status"] == sending.outbound()["state"] == "delivered"


def test_a_send_in_doubt_is_recognised_by_its_very_words(sending: Sending, inbox: Inbox) -> None:
    told = sending.report()
    inbox.take_in(told)
    sending.finish("unknown")
    inbox.take_in()
    assert inbox.event(told)["status"] == "processed"
    outbound = sending.outbound()
    assert (outbound["state"], outbound["external_id"]) == ("delivered", sending.vendors_id)
    assert inbox.one("messages")["status"] == "delivered"


def test_other_words_to_the_same_person_are_another_text(sending: Sending, inbox: Inbox) -> None:
    told = sending.report(text="I write this by hand")
    inbox.take_in(told)
    assert inbox.event(told)["status"] == "parked", "while the call is under way nobody knows"
    sending.finish("unknown")
    inbox.take_in()
    texts = {row["body"]: row["source"] for row in inbox.all("messages")}
    assert texts == {SAID: "app", "I write this by hand": "vendor"}
    assert sending.outbound()["state"] == "unconfirmed"


def test_a_text_to_somebody_else_waits_for_nothing(sending: Sending, inbox: Inbox) -> None:
    told = inbox.tell.sent(inbox.phone(2), SAID)
    inbox.take_in(told)
    assert inbox.event(told)["status"] == "processed"


def test_a_report_of_failure_reaches_the_ledger(sending: Sending, inbox: Inbox) -> None:
    sending.finish("accepted", sending.vendors_id)
    told = sending.report(status="undelivered")
    told.thing["errorCode"] = "30007"
    inbox.take_in(told)
    message, outbound = inbox.one("messages"), sending.outbound()
    assert (message["status"], message["error_code"]) == ("undelivered", "30007")
    assert (outbound["state"], outbound["error_code"]) == ("undelivered", "30007")


def test_a_report_of_what_a_person_settled_is_no_second_text(
    sending: Sending, inbox: Inbox
) -> None:
    told = sending.report()
    sending.finish("unknown")
    inbox.rows_changed(
        "update outbound set state = 'accepted', lease = null, next_poll_at = null where id = %s",
        sending.id,
    )
    inbox.take_in(told)
    assert inbox.one("messages")["status"] == sending.outbound()["state"] == "delivered"
    assert sending.outbound()["external_id"] == sending.vendors_id


def test_what_a_person_settled_as_not_sent_and_went_out_is_told(
    sending: Sending, inbox: Inbox
) -> None:
    told = sending.report()
    sending.finish("unknown")
    inbox.rows_changed(
        "update outbound set state = 'cancelled', rule = 'not_sent', lease = null,"
        " next_poll_at = null where id = %s",
        sending.id,
    )
    inbox.take_in(told)
    assert inbox.one("messages")["status"] == sending.outbound()["state"] == "delivered"
    assert f"send_alarm:{sending.id}" in [row["dedupe_key"] for row in inbox.all("todos")]
