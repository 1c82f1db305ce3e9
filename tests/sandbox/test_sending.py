"""A text to the vendor: what is refused, what is accepted, and what becomes of it."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox_driver import Sandbox

TEXT = {"content": "Crew arrives at nine.", "from": "PNdemo01", "to": ["+16175550123"]}


def send(sandbox: Sandbox, **changes: object) -> httpx.Response:
    return sandbox.v1("POST", "/messages", json=TEXT | changes)


def status_of(sandbox: Sandbox, answer: httpx.Response) -> str:
    message_id = answer.json()["data"]["id"]
    return str(sandbox.dated("GET", f"/messages/{message_id}").json()["data"]["status"])


def test_text_is_queued_and_delivered_afterwards(sandbox: Sandbox) -> None:
    answer = send(sandbox)
    assert answer.status_code == 202
    told = answer.json()["data"]
    assert (told["status"], told["direction"], told["from"]) == (
        "queued",
        "outgoing",
        "+16175550100",
    )
    assert told["text"] == TEXT["content"]
    sandbox.idle()
    assert sandbox.v1("GET", f"/messages/{told['id']}").json()["data"]["status"] == "delivered"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"content": ""}, "/body/content"),
        ({"content": "  \n"}, "/body/content"),
        ({"content": "x" * 1601}, "/body/content"),
        ({"to": []}, "/body/to"),
        ({"to": [f"+161755502{at:02d}" for at in range(11)]}, "/body/to"),
        ({"to": "+16175550123"}, "/body/to"),
        ({"to": ["6175550123"]}, "/body/to/0"),
        ({"setInboxStatus": "open"}, "/body/setInboxStatus"),
        ({"media": []}, "/body/media"),
    ],
)
def test_wrong_text_is_refused_and_not_in_the_ledger(
    sandbox: Sandbox, changes: dict[str, object], path: str
) -> None:
    answer = send(sandbox, **changes)
    assert answer.status_code == 400
    assert answer.json()["code"] == "0200400"
    assert answer.json()["errors"][0]["path"] == path
    assert sandbox.ledger() == []


def test_same_text_twice_is_accepted_twice(sandbox: Sandbox) -> None:
    ids = {send(sandbox).json()["data"]["id"] for _ in range(2)}
    assert len(ids) == len(sandbox.ledger()) == 2


def test_several_people_are_one_group(sandbox: Sandbox) -> None:
    people = ["+16175550124", "+16175550123"]
    sent = send(sandbox, to=people).json()["data"]
    alone = send(sandbox).json()["data"]
    assert sent["conversationId"] != alone["conversationId"]
    assert sandbox.conversation(sent["conversationId"])["people"] == sorted(people)


def test_user_must_be_of_the_number_and_the_number_ours(sandbox: Sandbox) -> None:
    assert send(sandbox, userId="USstranger").json()["code"] == "0202403"
    assert send(sandbox, **{"from": "+16175550199"}).status_code == 404


def test_expired_account_sends_nothing(sandbox: Sandbox) -> None:
    sandbox.behave(subscription="expired")
    answer = send(sandbox)
    assert (answer.status_code, answer.json()["code"]) == (402, "0201402")
    assert sandbox.ledger() == []


def test_manual_progress_waits_to_be_told(sandbox: Sandbox) -> None:
    sandbox.behave(progress="manual")
    answer = send(sandbox)
    sandbox.idle()
    assert status_of(sandbox, answer) == "queued"
    sandbox.move(answer.json()["data"]["id"], "undelivered", "30007")
    assert status_of(sandbox, answer) == "undelivered"


@pytest.mark.parametrize(
    ("kind", "status"), [("stuck", "queued"), ("fails", "failed"), ("undelivered", "undelivered")]
)
def test_end_of_a_text_can_be_chosen(sandbox: Sandbox, kind: str, status: str) -> None:
    sandbox.fault(kind, to="+16175550123")
    other, chosen = send(sandbox, to=["+16175550124"]), send(sandbox)
    sandbox.idle()
    assert status_of(sandbox, chosen) == status
    assert status_of(sandbox, other) == "delivered"


def test_late_listing_hides_a_text_that_was_accepted(sandbox: Sandbox) -> None:
    sandbox.fault("unlisted", seconds=0.3)
    message_id = send(sandbox).json()["data"]["id"]
    query = {"phoneNumberId": "PNdemo01", "participants": "+16175550123", "maxResults": 5}
    assert sandbox.v1("GET", "/messages", params=query).json()["data"] == []
    assert sandbox.dated("GET", "/messages").json()["data"] == []
    assert sandbox.v1("GET", f"/messages/{message_id}").status_code == 404
    assert [line["id"] for line in sandbox.ledger()] == [message_id]


def test_text_between_our_own_numbers_arrives(sandbox: Sandbox) -> None:
    send(sandbox, **{"from": "+16175550101"}, to=["+16175550100"])
    sandbox.idle()
    query = {"direction": "incoming", "from": "+16175550101"}
    (arrived,) = sandbox.dated("GET", "/messages", params=query).json()["data"]
    assert (arrived["to"], arrived["phoneNumberId"]) == (["+16175550100"], "PNdemo01")


def test_stop_blocks_the_person_and_is_confirmed_by_the_vendor_itself(sandbox: Sandbox) -> None:
    heard = sandbox.customer_texts("+16175550123", "stop")
    sandbox.idle()
    confirmation = sandbox.conversation(heard["conversation_id"])["messages"][0]
    assert confirmation["user"] == "SYUdemo01"
    assert sandbox.ledger() == [], "the vendor's own text is none of ours"
    refused = send(sandbox)
    sandbox.idle()
    assert (refused.status_code, status_of(sandbox, refused)) == (202, "failed")
    sandbox.customer_texts("+16175550123", "START")
    again = send(sandbox)
    sandbox.idle()
    assert status_of(sandbox, again) == "delivered"


@pytest.mark.parametrize("text", ["Please stop by on Monday", "The end", "stopp"])
def test_stop_in_a_sentence_is_a_sentence(sandbox: Sandbox, text: str) -> None:
    sandbox.customer_texts("+16175550123", text)
    answer = send(sandbox)
    sandbox.idle()
    assert status_of(sandbox, answer) == "delivered"
