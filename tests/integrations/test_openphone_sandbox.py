"""The client against a vendor that misbehaves, over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.integrations.http import Vendor, VendorBusy, VendorError, VendorRefused, VendorUnknown
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_office import Contacts, Webhooks
from app.integrations.openphone_surface import Pages, Surface
from tests.integrations.conftest import Clock, Counted, Turns
from tests.sandbox_driver import MAIN_NUMBER, Sandbox

PERSON = "+16175550142"
SENDS = {"path": "/v1/messages", "method": "POST"}


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    started.at_once()
    return started


@pytest.fixture
def phone(sandbox: Sandbox, counted: Counted, clock: Clock) -> OpenPhone:
    vendor = Vendor("openphone", counted)
    return OpenPhone(Surface(sandbox.url, sandbox.key, vendor, Turns(), clock.wait))


def send(phone: OpenPhone, text: str = "Hi", timeout_s: float = 5) -> str:
    sent = phone.send_message(from_=MAIN_NUMBER, to=[PERSON], content=text, timeout_s=timeout_s)
    return sent.id


def found(phone: OpenPhone, text: str = "Hi") -> list[str]:
    after = datetime.now(UTC)
    return [s.id for s in phone.find_sent(from_=MAIN_NUMBER, to=[PERSON], text=text, after=after)]


def test_a_text_is_accepted_and_found_again(phone: OpenPhone, sandbox: Sandbox) -> None:
    sent = send(phone, "At 9 + parking, é 🙂")
    assert [line["id"] for line in sandbox.ledger()] == [sent]
    assert found(phone, "At 9 + parking, é 🙂") == [sent]
    assert found(phone, "At 9") == []


@pytest.mark.parametrize("fault", ["done_then_error", "done_then_drop", "done_then_hang"])
def test_a_lost_answer_is_unknown_and_the_text_is_found(
    phone: OpenPhone, sandbox: Sandbox, fault: str
) -> None:
    sandbox.fault(fault, **SENDS)
    with pytest.raises(VendorUnknown):
        send(phone, timeout_s=1)
    assert found(phone) == [line["id"] for line in sandbox.ledger()]
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("busy", VendorBusy),
        ("refuse", VendorRefused),
        ("error", VendorUnknown),
        ("drop", VendorUnknown),
        ("hang", VendorUnknown),
    ],
)
def test_what_was_not_sent_is_not_found(
    phone: OpenPhone, sandbox: Sandbox, fault: str, kind: type[VendorError]
) -> None:
    sandbox.fault(fault, status=400 if fault == "refuse" else 500, **SENDS)
    with pytest.raises(kind):
        send(phone, timeout_s=1)
    assert (found(phone), sandbox.ledger()) == ([], [])


@pytest.mark.parametrize("fault", ["malformed", "html"])
def test_an_answer_nobody_can_read_proves_nothing(
    phone: OpenPhone, sandbox: Sandbox, fault: str
) -> None:
    sandbox.fault(fault, **SENDS)
    with pytest.raises(VendorUnknown):
        send(phone)
    assert found(phone) == [line["id"] for line in sandbox.ledger()]


def test_a_group_text_is_found_by_all_its_people(phone: OpenPhone, sandbox: Sandbox) -> None:
    people = [PERSON, "+16175550143"]
    sent = phone.send_message(from_=MAIN_NUMBER, to=people, content="Hi all")
    after = datetime.now(UTC)
    same = phone.find_sent(from_=MAIN_NUMBER, to=people[::-1], text="Hi all", after=after)
    assert [each.id for each in same] == [sent.id]


def test_a_read_outlives_a_bad_moment(phone: OpenPhone, sandbox: Sandbox) -> None:
    sandbox.fault("error", path="/organization")
    sandbox.fault("busy", path="/organization")
    assert phone.organization()["id"].startswith("OR")


def test_a_wrong_key_is_about_the_account(sandbox: Sandbox, counted: Counted) -> None:
    surface = Surface(sandbox.url, "wrong", Vendor("openphone", counted), Turns())
    with pytest.raises(VendorRefused) as caught:
        OpenPhone(surface).organization()
    assert caught.value.is_about_account


def test_every_list_is_asked_as_the_vendor_wants_it(phone: OpenPhone, sandbox: Sandbox) -> None:
    sandbox.seed(3, messages=4)
    sandbox.customer_calls(PERSON, events=[])
    since = datetime.now(UTC) - timedelta(days=400)
    fetches: list[Callable[[str | None], Any]] = [
        lambda at: phone.list_messages(after=at, created_after=since),
        lambda at: phone.list_calls(
            after=at, created_from=since, filters={"phoneNumberId": "PNdemo01"}
        ),
        lambda at: phone.list_conversations(phone_number_id="PNdemo01", after=at),
    ]
    for fetch in fetches:
        pages = Pages(fetch, 50)
        list(pages.items())
        assert not pages.was_cut
    assert phone.list_phone_numbers()[0]["number"] == MAIN_NUMBER


def test_what_follows_a_call_is_there_or_is_nothing(phone: OpenPhone, sandbox: Sandbox) -> None:
    full = sandbox.customer_calls(PERSON, events=[], recordings=2)["id"]
    bare = sandbox.customer_calls(
        PERSON, "missed", events=[], recordings=0, transcript="absent", summary="absent"
    )["id"]
    assert (phone.get_call(full) or {})["id"] == full
    assert len(phone.call_recordings(full)) == 2
    summary, transcript = phone.call_summary(full), phone.call_transcript(full)
    assert summary and transcript
    assert (summary["status"], transcript["status"]) == ("completed", "completed")
    assert phone.call_recordings(bare) == phone.call_voicemails(bare) == []
    assert phone.get_call("ACnothing") is None
    assert phone.get_message("ACnothing") is None


def test_a_contact_is_made_found_and_replaced(phone: OpenPhone, sandbox: Sandbox) -> None:
    contacts = Contacts(phone.surface)
    numbers = [{"name": "mobile", "value": PERSON}]
    made = contacts.create(
        {
            "defaultFields": {"firstName": "Ana", "phoneNumbers": numbers},
            "externalId": "crm-1",
            "source": "crm",
        }
    )
    assert [told["id"] for told in contacts.find("crm-1", source="crm")] == [made["id"]]
    contacts.replace(made["id"], {"defaultFields": {"firstName": "Anna", "phoneNumbers": numbers}})
    assert (contacts.get(made["id"]) or {})["defaultFields"]["firstName"] == "Anna"
    assert contacts.get("nobody") is None


def test_webhooks_are_managed(phone: OpenPhone, sandbox: Sandbox) -> None:
    webhooks = Webhooks(phone.surface)
    made = webhooks.create(url="http://127.0.0.1:9/hook", events=["message.received"], label="crm")
    assert made["key"].startswith("whsec_")
    assert webhooks.rotate(made["id"]) != made["key"]
    assert webhooks.update(made["id"], {"status": "disabled"})["status"] == "disabled"
    assert made["id"] in [told["id"] for told in webhooks.list()]
