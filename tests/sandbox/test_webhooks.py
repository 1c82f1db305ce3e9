"""Both webhook systems: who is told what, signed how, how often and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.receiver import Receiver, listening
from tests.sandbox_driver import Sandbox

PERSON = "+16175550123"
TEXT = {"content": "Yes, at nine.", "from": "PNdemo01", "to": [PERSON]}


@pytest.fixture(scope="module")
def running() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def receiver(running: Receiver) -> Receiver:
    running.got, running.statuses = [], []
    return running


@pytest.fixture
def hooks(sandbox: Sandbox, receiver: Receiver) -> dict[str, dict[str, Any]]:
    return {system: sandbox.hook(system, receiver.url) for system in ("legacy", "dated")}


def test_both_systems_tell_of_a_text_each_in_its_form_and_signed(
    sandbox: Sandbox, receiver: Receiver, hooks: dict[str, dict[str, Any]]
) -> None:
    sandbox.customer_texts(PERSON, "Hello", media=[{"kind": "jpeg"}])
    sandbox.idle()
    (legacy,) = [got for got in receiver.got if not got.is_dated]
    (dated,) = [got for got in receiver.got if got.is_dated]
    assert legacy.is_signed_with(hooks["legacy"]["key"])
    assert dated.is_signed_with(hooks["dated"]["key"])
    told = legacy.body["data"]["object"]
    assert legacy.body["apiVersion"] == "v4"
    assert (told["from"], told["to"], told["text"]) == (PERSON, "+16175550100", "Hello")
    data = dated.body["data"]
    assert (data["context"]["senderIdentifier"], data["resource"]["text"]) == (PERSON, "Hello")
    assert data["resource"]["media"][0]["type"] == "image/jpeg"


def test_hooks_named_at_the_start_work_at_once(receiver: Receiver) -> None:
    with Sandbox.start(receiver.url) as sandbox:
        sandbox.customer_texts(PERSON, "Hello")
        sandbox.idle()
        legacy, dated = sorted(receiver.got, key=lambda got: got.is_dated)
        assert legacy.is_signed_with(sandbox.signing_key)
        assert dated.is_signed_with(sandbox.webhook_secret)


@pytest.mark.parametrize(("version", "field"), [("v2", "body"), ("v3", "body"), ("v4", "text")])
def test_older_hooks_say_body_and_name_the_conversation(
    sandbox: Sandbox, receiver: Receiver, version: str, field: str
) -> None:
    sandbox.hook("legacy", receiver.url, version=version)
    heard = sandbox.customer_texts(PERSON, "Hello", media=[{"kind": "png"}])
    sandbox.idle()
    (got,) = receiver.got
    told = got.body["data"]["object"]
    assert (got.body["apiVersion"], told[field]) == (version, "Hello")
    assert told["media"][0]["type"] == "image/png"
    assert ("conversationId" in told) == (version != "v4")
    assert heard["conversation_id"] in str(got.body)


def test_sent_text_is_told_once_it_is_delivered(
    sandbox: Sandbox, receiver: Receiver, hooks: dict[str, dict[str, Any]]
) -> None:
    sandbox.v1("POST", "/messages", json=TEXT)
    sandbox.idle()
    assert receiver.types() == ["message.delivered"] * 2


def test_failed_text_is_told_by_the_dated_system_only(
    sandbox: Sandbox, receiver: Receiver, hooks: dict[str, dict[str, Any]]
) -> None:
    sandbox.fault("undelivered", code="30007")
    sandbox.v1("POST", "/messages", json=TEXT)
    sandbox.idle()
    (got,) = receiver.got
    assert got.body["type"] == "message.undelivered"
    assert got.body["data"]["resource"]["errorCode"] == "30007"


def test_delivery_is_tried_again_under_the_same_id_until_it_is_accepted(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    hook = sandbox.hook("dated", receiver.url)
    receiver.statuses = [500, 302, 404]
    sandbox.behave(retry_scale=0.0001)
    sandbox.customer_texts(PERSON, "Hello")
    sandbox.idle()
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 4
    (delivery,) = sandbox.dated("GET", f"/webhooks/{hook['id']}/events").json()["data"]
    assert (delivery["status"], delivery["attempts"]) == ("success", 4)


def test_eighth_attempt_is_the_last(sandbox: Sandbox) -> None:
    sandbox.hook("legacy", "http://127.0.0.1:9/nobody")
    sandbox.behave(retry_scale=0.000001)
    sandbox.customer_texts(PERSON, "Hello")
    sandbox.idle()
    (delivery,) = sandbox.deliveries()
    assert (delivery["status"], len(delivery["attempts"])) == ("failed", 8)


def test_held_webhooks_are_released_in_any_order(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("dated", receiver.url)
    sandbox.behave(webhooks="held")
    for at in range(5):
        sandbox.customer_texts(PERSON, str(at))
    sandbox.idle()
    assert receiver.got == []
    assert sandbox.release("reverse") == 5
    sandbox.idle()
    texts = [got.body["data"]["resource"]["text"] for got in receiver.got]
    assert texts == ["4", "3", "2", "1", "0"]


def test_lost_doubled_and_swapped_webhooks(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("dated", receiver.url)
    for kind, text in (("lost_webhook", "a"), ("duplicate_webhook", "b"), ("swapped_webhook", "c")):
        sandbox.fault(kind)
        sandbox.customer_texts(PERSON, text)
        sandbox.idle()
    sandbox.customer_texts(PERSON, "d")
    sandbox.idle()
    texts = [got.body["data"]["resource"]["text"] for got in receiver.got]
    assert texts == ["b", "b", "d", "c"]


def test_webhook_may_come_before_the_answer(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("legacy", receiver.url)
    sandbox.behave(sent_after_s=60, delivered_after_s=60)
    sandbox.fault("webhook_first")
    assert sandbox.v1("POST", "/messages", json=TEXT).json()["data"]["status"] == "queued"
    assert receiver.types() == ["message.delivered"]


def test_anything_at_all_can_be_sent(sandbox: Sandbox, receiver: Receiver) -> None:
    hook = sandbox.hook("legacy", receiver.url)
    sandbox.send_webhook("legacy", '{"half":')
    sandbox.send_webhook("legacy", {"type": "never.heard"}, signed=False)
    sandbox.idle()
    torn, unsigned = sorted(receiver.got, key=lambda got: len(got.raw))
    assert torn.is_signed_with(hook["key"]) and torn.raw == b'{"half":'
    assert "openphone-signature" not in unsigned.headers


def test_call_is_told_in_any_order(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("dated", receiver.url)
    order = ["call.summary.completed", "call.transcript.completed", "call.completed"]
    sandbox.behave(webhooks="held")
    placed = sandbox.customer_calls(PERSON, events=order)
    sandbox.release()
    sandbox.idle()
    assert receiver.types() == order
    summary, transcript, completed = (got.body["data"]["resource"] for got in receiver.got)
    assert summary["callId"] == transcript["callId"] == completed["id"] == placed["id"]
    assert "id" not in summary
    assert (completed["status"], completed["hasVoicemail"]) == ("answered", False)


def test_nameless_call_has_no_people(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("legacy", receiver.url)
    placed = sandbox.customer_calls(PERSON, nameless=True, events=["call.completed"])
    sandbox.idle()
    assert receiver.got[0].body["data"]["object"]["participants"] == []
    shown = sandbox.v1("GET", f"/calls/{placed['id']}").json()["data"]
    assert shown["participants"] == [PERSON, "+16175550100"]


def test_webhook_of_the_dated_surface_from_making_to_deleting(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    content = {"url": receiver.url, "events": ["message.received", "call.missed"]}
    made = sandbox.dated("POST", "/webhooks", json=content)
    assert made.status_code == 201
    hook = made.json()["data"]
    path = f"/webhooks/{hook['id']}"
    assert hook["key"].startswith("whsec_")
    assert "key" not in sandbox.dated("GET", path).json()["data"]
    changed = sandbox.dated("PATCH", path, json={"events": ["contact.updated"]}).json()["data"]
    assert changed["events"] == ["contact.updated"]
    key = sandbox.dated("POST", f"{path}/rotate").json()["data"]["key"]
    test = sandbox.dated("POST", f"{path}/events/test", json={"eventType": "message.received"})
    sandbox.idle()
    (got,) = receiver.got
    assert got.is_signed_with(key) and not got.is_signed_with(hook["key"])
    assert got.body == test.json()
    assert sandbox.dated("DELETE", path).status_code == 204
    assert sandbox.dated("GET", path).status_code == 404


def test_webhook_of_v1_knows_one_family(sandbox: Sandbox, receiver: Receiver) -> None:
    content = {"url": receiver.url, "events": ["message.received"]}
    made = sandbox.v1("POST", "/webhooks/messages", json=content)
    assert (made.status_code, made.json()["data"]["id"][:2]) == (201, "WH")
    assert sandbox.v1("POST", "/webhooks/calls", json=content).status_code == 400
    (listed,) = sandbox.v1("GET", "/webhooks").json()["data"]
    sandbox.customer_texts(PERSON, "Hello")
    sandbox.idle()
    assert receiver.got[0].is_signed_with(listed["key"])
    assert sandbox.v1("DELETE", f"/webhooks/{listed['id']}").status_code == 204
    assert sandbox.v1("GET", "/webhooks").json()["data"] == []


def test_hook_of_one_number_hears_nothing_of_another(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("dated", receiver.url, resource_ids=["PNdemo02"])
    sandbox.customer_texts(PERSON, "Hello")
    sandbox.customer_texts(PERSON, "Health", to="+16175550101")
    sandbox.idle()
    assert [got.body["data"]["resource"]["text"] for got in receiver.got] == ["Health"]


def test_files_of_webhooks_expire(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("dated", receiver.url)
    heard = sandbox.customer_texts(PERSON, media=[{"kind": "jpeg"}])
    sandbox.idle()
    url = receiver.got[0].body["data"]["resource"]["media"][0]["url"]
    assert httpx.get(url).headers["content-type"] == "image/jpeg"
    sandbox.expire_files()
    assert httpx.get(url).status_code == 403
    fresh = sandbox.dated("GET", f"/messages/{heard['id']}").json()["data"]["media"][0]["url"]
    assert httpx.get(fresh).status_code == 200


def test_lost_webhook_keeps_no_answer_waiting(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.hook("legacy", receiver.url)
    sandbox.fault("webhook_first")
    sandbox.fault("lost_webhook")
    assert sandbox.v1("POST", "/messages", json=TEXT, timeout=5).status_code == 202
    assert receiver.got == []
