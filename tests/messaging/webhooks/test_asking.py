"""What the vendor did not say by itself it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from devstack.stack import Stack
from edge_jobs.webhooks import ask_for_webhooks
from tests.messaging.webhooks.inbox import Inbox
from tests.sandbox_driver import Sandbox
from tests.worker import as_worker


@pytest.fixture(scope="module")
def sandbox(stack: Stack, worker: None) -> Iterator[Sandbox]:
    """Whom this process asks."""
    with (
        Sandbox.start() as found,
        as_worker(stack.env, OPENPHONE_API_URL=found.url, OPENPHONE_API_KEY=found.key),
    ):
        found.at_once()
        yield found


def age(inbox: Inbox, minutes: int) -> None:
    inbox.rows_changed(
        "update private.webhook_events set received_at = received_at - make_interval(mins => %s)"
        " where strpos(event_id, %s) > 0", minutes, inbox.office.mark,
    )  # fmt: skip


def test_a_call_that_never_came_is_fetched_and_joined(sandbox: Sandbox, inbox: Inbox) -> None:
    sandbox.add_number(inbox.office.number, inbox.office.number_id)
    phone = inbox.phone()
    call = sandbox.customer_calls(phone, number=inbox.office.number, events=[])
    told = inbox.tell.after(
        "summary.completed", callId=call["id"], processingStatus="completed", summary=["Wet."]
    )
    inbox.take_in(told)
    age(inbox, 11)
    assert ask_for_webhooks() >= 1
    inbox.take_in()
    found = inbox.one("calls")
    assert (found["phone"], found["status"]) == (phone, "completed")
    assert found["summary"] == ["Wet."]


def test_a_report_without_its_text_is_completed(sandbox: Sandbox, inbox: Inbox) -> None:
    sandbox.add_number(inbox.office.number, inbox.office.number_id)
    text = sandbox.app_texts(inbox.phone(), "On our way", sender=inbox.office.number, tell=False)
    bare = inbox.tell.sent(inbox.phone(), "", id=text["id"])
    bare.thing.clear()
    bare.thing.update(id=text["id"], status="delivered")
    bare.around.clear()
    inbox.take_in(bare)
    age(inbox, 1)
    assert ask_for_webhooks() >= 1
    inbox.take_in()
    message = inbox.one("messages")
    assert (message["body"], message["status"]) == ("On our way", "delivered")


def test_what_the_vendor_does_not_know_goes_on_waiting(sandbox: Sandbox, inbox: Inbox) -> None:
    told = inbox.tell.after("summary.completed", callId=f"AC{inbox.office.mark}", summary=["?"])
    inbox.take_in(told)
    age(inbox, 11)
    ask_for_webhooks()
    inbox.later()
    inbox.take_in()
    assert inbox.event(told)["status"] == "parked"


@pytest.mark.parametrize(
    "answer", [{"json": {"data": {"id": " "}}}, {"status": 403}, {"json": {"data": {}}}]
)
def test_one_who_cannot_be_asked_for_costs_the_next_nothing(
    sandbox: Sandbox, inbox: Inbox, answer: dict[str, Any]
) -> None:
    sandbox.add_number(inbox.office.number, inbox.office.number_id)
    good = sandbox.customer_calls(inbox.phone(), number=inbox.office.number, events=[])
    odd, bad = f"AC/../{inbox.office.mark}", f"AC{inbox.office.mark}"
    for call_id in (odd, bad, good["id"]):
        inbox.take_in(inbox.tell.after("summary.completed", callId=call_id, summary=["Wet."]))
    age(inbox, 11)
    with responses.RequestsMock() as api:
        api.add_passthru(f"{sandbox.url}/v1/calls/{good['id']}")
        api.get(f"{sandbox.url}/v1/calls/{bad}", **answer)
        ask_for_webhooks()
    inbox.take_in()
    assert inbox.one("calls")["external_id"] == good["id"]
