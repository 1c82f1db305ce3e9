"""However the vendor behaves, a text goes out once, and what nobody knows is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from devstack.processes import wait_until
from edge_jobs import runtime, sends
from edge_jobs.sends import send_texts
from tests.messaging.send.office import Office
from tests.sandbox_driver import Sandbox

SENDING = {"path": "/v1/messages", "method": "POST"}


def test_a_text_goes_out_once(office: Office) -> None:
    phone = office.phone()
    text = office.text(phone)
    assert send_texts() == {"accepted": 1}
    assert office.both(text) == ("accepted", "sent")
    assert send_texts() == {}
    assert office.taken() == {phone: 1}


@pytest.mark.parametrize("kind", ["done_then_error", "done_then_drop", "malformed"])
def test_what_the_vendor_took_without_saying_so_is_found(
    office: Office, sandbox: Sandbox, kind: str
) -> None:
    phone = office.phone()
    sandbox.fault(kind, **SENDING)
    text = office.text(phone)
    assert send_texts() == {"unconfirmed": 1}
    assert office.both(text) == ("unconfirmed", "unconfirmed")
    assert send_texts() == {}
    office.ask()
    assert office.both(text) == ("accepted", "sent")
    assert office.taken() == {phone: 1}
    assert office.used() == 1


def test_an_answer_that_does_not_come_is_no_answer(
    office: Office, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sends, "CALL_TIMEOUT_S", 0.5)
    phone = office.phone()
    sandbox.fault("done_then_hang", **SENDING)
    text = office.text(phone)
    assert send_texts() == {"unconfirmed": 1}
    office.ask()
    assert office.state(text) == "accepted"
    assert office.taken() == {phone: 1}


def test_a_refusal_in_words_no_table_holds_is_a_refusal(office: Office, sandbox: Sandbox) -> None:
    sandbox.fault("refuse", status=400, code="\x00", title="Not \x00 so", **SENDING)
    text = office.text()
    assert send_texts() == {"rejected": 1}
    assert office.both(text) == ("rejected", "failed")
    assert office.used() == 0


@pytest.mark.parametrize("kind", ["error", "drop", "html"])
def test_what_the_vendor_never_took_is_left_to_a_person(
    office: Office, sandbox: Sandbox, kind: str
) -> None:
    sandbox.fault(kind, **SENDING)
    text = office.text()
    assert send_texts() == {"unconfirmed": 1}
    office.ask(3)
    assert office.state(text) == "unconfirmed"
    assert office.taken() == {}
    todo = office.value("select status from todos where dedupe_key = %s", f"send_in_doubt:{text}")
    assert todo == "open"


def test_who_is_listed_late_is_found_late(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("unlisted", to=phone, seconds=1)
    sandbox.fault("done_then_drop", **SENDING)
    text = office.text(phone)
    send_texts()
    office.ask()
    assert office.state(text) == "unconfirmed"
    listed = {"params": {"to": phone}}
    assert wait_until(lambda: sandbox.dated("GET", "/messages", **listed).json()["data"], 10)
    office.ask()
    assert office.state(text) == "accepted"
    assert office.taken() == {phone: 1}


def test_a_busy_vendor_is_asked_again_later(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("busy", **SENDING)
    text = office.text(phone)
    assert send_texts() == {"queued": 1}
    assert office.used() == 0
    runtime.redis().delete(*runtime.redis().keys("crm:pace:*"))
    office.value("update outbound set not_before = null where id = %s returning 1", text)
    assert send_texts() == {"accepted": 1}
    assert office.taken() == {phone: 1}
    assert office.used() == 1


def test_a_refused_text_is_over_and_costs_nothing(office: Office, sandbox: Sandbox) -> None:
    sandbox.fault("refuse", status=400, **SENDING)
    text = office.text()
    assert send_texts() == {"rejected": 1}
    assert office.both(text) == ("rejected", "failed")
    assert office.used() == 0


def test_without_credit_the_number_stops(office: Office, sandbox: Sandbox) -> None:
    sandbox.fault("refuse", status=402, **SENDING)
    first, second = office.text(), office.text()
    assert send_texts() == {"rejected": 1}
    assert office.state(first) == "rejected"
    assert office.state(second) == "queued"
    assert office.value("select paused_at from phone_numbers where id = %s", office.number_id)
    assert office.taken() == {}


def test_two_people_get_their_own_texts(office: Office, sandbox: Sandbox) -> None:
    """The same words to two, one of them in doubt: neither is taken for the other."""
    ann, bob = office.phone(), office.phone()
    sandbox.fault("done_then_drop", **SENDING)
    texts = [office.text(who, body="We come at nine.") for who in (ann, bob)]
    assert send_texts() == {"unconfirmed": 1, "accepted": 1}
    office.ask()
    ids: Any = {office.value("select external_id from outbound where id = %s", t) for t in texts}
    assert len(ids) == 2
    assert office.taken() == {ann: 1, bob: 1}


def test_the_same_words_again_are_another_text(office: Office, sandbox: Sandbox) -> None:
    ann = office.phone()
    first = office.text(ann, body="Are you there?")
    send_texts()
    sandbox.fault("done_then_drop", **SENDING)
    again = office.text(ann, body="Are you there?")
    send_texts()
    office.ask()
    assert office.state(first) == office.state(again) == "accepted"
    assert office.taken() == {ann: 2}
