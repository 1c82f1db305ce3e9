"""Something of ours or the vendor's is away or not set up: texts wait, none is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.integrations.openphone import OpenPhone
from edge_jobs import runtime, sends, vendors
from edge_jobs.sends import send_texts, settle_sends
from tests.integrations.conftest import Turns
from tests.messaging.send.office import Office
from tests.sandbox_driver import Sandbox
from tests.worker import hang_up

RINGS = "rq:queue:sends"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """To change this worker's settings with, and `undo()` them."""
    hang_up()
    yield monkeypatch
    monkeypatch.undo()
    hang_up()


def set_right(elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.undo()
    hang_up()


def test_without_a_key_texts_wait(office: Office, elsewhere: pytest.MonkeyPatch) -> None:
    text = office.text()
    elsewhere.setenv("OPENPHONE_API_KEY", "")
    assert (send_texts(), settle_sends()) == ({}, {})
    assert office.state(text) == "queued"
    set_right(elsewhere)
    assert send_texts() == {"accepted": 1}


def test_nobody_is_told_that_texts_wait_where_none_does(
    office: Office, elsewhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere.setenv("OPENPHONE_API_KEY", "")
    send_texts()
    assert "texts_wait" not in capsys.readouterr().out
    office.text()
    send_texts()
    assert "texts_wait" in capsys.readouterr().out


def test_a_database_that_is_away_is_waited_for(
    office: Office, elsewhere: pytest.MonkeyPatch
) -> None:
    text = office.text()
    elsewhere.setenv("SUPABASE_URL", "http://127.0.0.1:9")
    assert send_texts() == {}
    set_right(elsewhere)
    assert send_texts() == {"accepted": 1}
    assert office.state(text) == "accepted"


def test_a_job_that_runs_out_of_time_rings_for_the_next(office: Office) -> None:
    runtime.redis().delete(RINGS)
    text = office.text()
    assert send_texts(0.0) == {}
    assert runtime.redis().llen(RINGS) == 1
    runtime.redis().delete(RINGS)
    assert office.state(text) == "queued"


def test_a_pause_between_claim_and_call_holds_the_text_back(office: Office) -> None:
    text = office.text()
    (claimed,) = runtime.rpc("claim_outbound", p_limit=1)["claimed"]
    office.value(
        "update phone_numbers set paused_at = now() where id = %s returning 1", office.number_id
    )
    assert sends._send(vendors.openphone(), claimed["id"], claimed["lease"]) == "held_back"
    assert office.state(text) == "queued"
    assert office.taken() == {}
    assert office.used() == 0


def test_a_question_that_is_refused_is_not_counted(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("done_then_drop", path="/v1/messages", method="POST")
    text = office.text(phone)
    assert send_texts() == {"unconfirmed": 1}
    sandbox.fault("refuse", status=401, path="/messages", method="GET")
    office.ask()
    asked = "select polls from outbound where id = %s"
    assert (office.state(text), office.value(asked, text)) == ("unconfirmed", 0)
    office.ask()
    assert office.state(text) == "accepted"
    assert office.taken() == {phone: 1}


def test_a_vendor_that_stays_silent_is_not_waited_for_text_by_text(
    office: Office, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sends, "MOST_SILENT", 1)
    sandbox.fault("done_then_drop", count=2, path="/v1/messages", method="POST")
    texts = [office.text() for _ in range(2)]
    assert send_texts() == {"unconfirmed": 2}
    surface = replace(vendors.openphone().surface, turns=Turns(), wait=lambda _: None)
    monkeypatch.setattr(vendors, "openphone", lambda: OpenPhone(surface))
    sandbox.fault("error", count=None, path="/messages", method="GET")
    office.due()
    assert settle_sends() == {"no_answer": 1}
    sandbox.clear_faults()
    office.ask()
    assert {office.state(text) for text in texts} == {"accepted"}
