from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from app.integrations.http import VendorBusy, VendorRefused, VendorUnknown
from app.integrations.openphone import OpenPhone, Sent
from app.integrations.openphone_surface import READ_TRIES, Page, Pages
from tests.integrations.conftest import Clock, Counted, Turns
from tests.integrations.openphone_payloads import MORE, OURS, THEIRS

HOST = "https://api.example.com"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
ACCEPTED = {
    "data": {
        "id": "AC1",
        "to": [THEIRS],
        "from": OURS,
        "text": "Hi",
        "status": "queued",
        "conversationId": "CN1",
        "createdAt": "2026-11-20T17:00:00.000Z",
    }
}


def asked(api: responses.RequestsMock, number: int = 0) -> dict[str, list[str]]:
    return parse_qs(urlsplit(str(api.calls[number].request.url)).query)


def body_of(api: responses.RequestsMock) -> Any:
    return json.loads(b"".join(api.calls[0].request.body))


def headers_of(api: responses.RequestsMock) -> Any:
    return api.calls[0].request.headers


def send(phone: OpenPhone, **more: Any) -> Sent:
    return phone.send_message(from_=OURS, to=[THEIRS], content="Hi", **more)


def test_a_text_is_sent_by_v1_in_the_vendors_words(
    phone: OpenPhone, api: responses.RequestsMock, turns: Turns, counted: Counted
) -> None:
    api.post(f"{HOST}/v1/messages", status=202, json=ACCEPTED)
    sent = send(phone)
    assert sent == Sent("AC1", "queued", "CN1", "2026-11-20T17:00:00.000Z")
    assert body_of(api) == {"from": OURS, "to": [THEIRS], "content": "Hi"}
    assert headers_of(api)["Authorization"] == "key-for-tests"
    assert turns.taken == [("send", "send_message")]
    assert counted.calls == [("openphone", "send_message", "ok")]


def test_an_older_account_answers_without_a_conversation(
    phone: OpenPhone, api: responses.RequestsMock
) -> None:
    api.post(f"{HOST}/v1/messages", status=202, json={"data": {"id": "AC1", "status": 5}})
    assert send(phone) == Sent("AC1", None, None, None)
    assert body_of(api) == {"from": OURS, "to": [THEIRS], "content": "Hi"}


@pytest.mark.parametrize("status", [400, 402, 408, 429, 500, 503])
def test_a_send_is_never_tried_twice(
    phone: OpenPhone, api: responses.RequestsMock, turns: Turns, clock: Clock, status: int
) -> None:
    api.post(f"{HOST}/v1/messages", status=status, json={}, headers={"Retry-After": "3"})
    with pytest.raises((VendorRefused, VendorBusy, VendorUnknown)):
        send(phone)
    assert len(api.calls) == 1
    assert clock.waited == []
    assert turns.held == ([3.0] if status == 429 else [])


@pytest.mark.parametrize("answer", [None, {}, [], {"data": []}, {"data": {}}, {"data": {"id": ""}}])
def test_an_acceptance_without_an_id_is_unknown(
    phone: OpenPhone, api: responses.RequestsMock, answer: Any
) -> None:
    api.post(f"{HOST}/v1/messages", status=202, json=answer)
    with pytest.raises(VendorUnknown):
        send(phone)


def test_no_turn_means_nothing_was_sent(phone: OpenPhone, turns: Turns) -> None:
    def no_turn(lane: str, operation: str) -> None:
        raise VendorBusy("openphone", operation, 4.0, "no_turn")

    turns.turn = no_turn  # type: ignore[method-assign]
    with pytest.raises(VendorBusy) as caught:
        send(phone)
    assert caught.value.retry_after_s == 4.0
    assert turns.held == []


def test_a_turn_that_comes_too_late_is_not_taken(
    phone: OpenPhone, turns: Turns, clock: Clock
) -> None:
    turns.turn = lambda lane, operation: clock.wait(20)  # type: ignore[method-assign]
    with pytest.raises(VendorBusy, match="too_late"):
        send(phone, timeout_s=20)


def test_the_last_moment_is_the_callers(
    phone: OpenPhone, api: responses.RequestsMock, clock: Clock
) -> None:
    # A body is asked for its right only when a connection writes it: see test_http.
    api.add_callback(responses.POST, f"{HOST}/v1/messages", lambda r: (202, {}, b"".join(r.body)))
    with pytest.raises(VendorBusy, match="too_late"):
        send(phone, still_valid=lambda: False)


def listing(api: responses.RequestsMock, *texts: dict[str, Any], next_: str | None = None) -> None:
    api.get(f"{HOST}/messages", json={"data": list(texts), "nextCursor": next_})


def text(id_: str = "AC1", **changes: Any) -> dict[str, Any]:
    same = {"id": id_, "direction": "outgoing", "from": OURS, "to": [THEIRS], "text": "Hi there"}
    return same | changes


def find(phone: OpenPhone, to: list[str] | None = None) -> list[str]:
    found = phone.find_sent(from_=OURS, to=to or [THEIRS], text="Hi there ", after=AT)
    return [sent.id for sent in found]


def test_a_lost_answer_is_found_by_asking(phone: OpenPhone, api: responses.RequestsMock) -> None:
    listing(api, text("AC2"), text("AC1", to=THEIRS), next_="c2")
    listing(api, text("AC0", text=None, content="Hi there"))
    assert find(phone) == ["AC2", "AC1", "AC0"]
    assert asked(api) == {
        "direction": ["outgoing"],
        "from": [OURS],
        "to": [THEIRS],
        "createdAt[gt]": ["2026-11-20T16:58:00.000Z"],
        "limit": ["50"],
    }
    assert "%2B" in str(api.calls[0].request.url)
    assert asked(api, 1)["after"] == ["c2"]
    assert headers_of(api)["Quo-Api-Version"] == "2026-03-30"


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Hi"},
        {"text": None},
        {"direction": "incoming"},
        {"from": "+16175550101"},
        {"to": [THEIRS, MORE]},
        {"to": []},
        {"to": None},
    ],
)
def test_what_differs_in_anything_is_another_text(
    phone: OpenPhone, api: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    listing(api, text(**changes))
    assert find(phone) == []


def test_a_group_text_is_found_by_all_its_people(
    phone: OpenPhone, api: responses.RequestsMock
) -> None:
    listing(api, text("AC1"), text("AC2", to=[MORE, THEIRS]))
    assert find(phone, [THEIRS, MORE]) == ["AC2"]
    assert asked(api)["to[all]"] == [f"{THEIRS},{MORE}"]


def test_more_texts_than_can_be_looked_at_prove_nothing(
    phone: OpenPhone, api: responses.RequestsMock
) -> None:
    def page(request: Any) -> tuple[int, dict[str, str], str]:
        number = int(parse_qs(urlsplit(request.url).query).get("after", ["0"])[0])
        return 200, {}, json.dumps({"data": [], "nextCursor": str(number + 1)})

    api.add_callback(responses.GET, f"{HOST}/messages", page)
    with pytest.raises(VendorUnknown, match="too many"):
        find(phone)


@pytest.mark.parametrize("status", [429, 500])
def test_a_read_is_tried_again(
    phone: OpenPhone, api: responses.RequestsMock, clock: Clock, turns: Turns, status: int
) -> None:
    api.get(f"{HOST}/organization", status=status, headers={"Retry-After": "2"}, json={})
    api.get(f"{HOST}/organization", json={"data": {"id": "OR1"}})
    assert phone.organization() == {"id": "OR1"}
    assert len(turns.taken) == 2
    least_s = 2.5 if status == 429 else 0.5
    assert least_s <= clock.waited[0] <= least_s + 0.5
    assert turns.held == ([2.0] if status == 429 else [])


def test_a_read_is_given_up_in_the_end(
    phone: OpenPhone, api: responses.RequestsMock, clock: Clock
) -> None:
    api.get(f"{HOST}/organization", status=503)
    with pytest.raises(VendorUnknown):
        phone.organization()
    assert len(api.calls) == READ_TRIES
    assert clock.waited == sorted(clock.waited)


def test_a_read_that_is_refused_is_not_tried_again(
    phone: OpenPhone, api: responses.RequestsMock
) -> None:
    api.get(f"{HOST}/organization", status=401, json={"message": "Unauthorized"})
    with pytest.raises(VendorRefused) as caught:
        phone.organization()
    assert caught.value.is_about_account
    assert len(api.calls) == 1


# What each method asks, and what it makes of the answer.
PAGE = {"data": [{"id": "x"}, "odd"], "nextCursor": "c2"}
LISTS: list[tuple[str, Callable[[OpenPhone], Page], dict[str, list[str]]]] = [
    (
        "/messages",
        lambda phone: phone.list_messages(created_before=AT, filters={"phoneNumberId": "PN1"}),
        {"createdAt[lt]": ["2026-11-20T17:00:00.000Z"], "limit": ["50"], "phoneNumberId": ["PN1"]},
    ),
    (
        "/conversations",
        lambda phone: phone.list_conversations(phone_number_id="PN1", updated_from=AT),
        {
            "phoneNumberId": ["PN1"],
            "updatedAt[gte]": ["2026-11-20T17:00:00.000Z"],
            "sort": ["updatedAt:asc"],
            "limit": ["50"],
        },
    ),
    (
        "/calls",
        lambda phone: phone.list_calls(created_from=AT, after="c1", filters={"status": "missed"}),
        {
            "createdAt[gte]": ["2026-11-20T17:00:00.000Z"],
            "limit": ["50"],
            "after": ["c1"],
            "status": ["missed"],
        },
    ),
]


@pytest.mark.parametrize(("path", "call", "query"), LISTS, ids=lambda v: str(v)[:20])
def test_each_list_asks_in_the_vendors_words(
    phone: OpenPhone,
    api: responses.RequestsMock,
    path: str,
    call: Callable[[OpenPhone], Page],
    query: dict[str, list[str]],
) -> None:
    api.get(HOST + path, json=PAGE)
    assert call(phone) == Page([{"id": "x"}], "c2")
    assert asked(api) == query
    assert "Quo-Api-Version" in headers_of(api)


@pytest.mark.parametrize("answer", [{}, [], {"data": {}}, {"data": None}, 5])
def test_a_list_that_is_none_is_unknown(
    phone: OpenPhone, api: responses.RequestsMock, answer: Any
) -> None:
    api.get(f"{HOST}/v1/phone-numbers", json=answer)
    with pytest.raises(VendorUnknown):
        phone.list_phone_numbers()


def test_numbers_come_in_one_answer(phone: OpenPhone, api: responses.RequestsMock) -> None:
    api.get(f"{HOST}/v1/phone-numbers", json={"data": [{"id": "PN1", "number": OURS}]})
    assert phone.list_phone_numbers() == [{"id": "PN1", "number": OURS}]


ONE: list[tuple[str, Callable[[OpenPhone], Any]]] = [
    ("/messages/AC1", lambda phone: phone.get_message("AC1")),
    ("/v1/calls/AC1", lambda phone: phone.get_call("AC1")),
    ("/v1/call-summaries/AC1", lambda phone: phone.call_summary("AC1")),
    ("/v1/call-transcripts/AC1", lambda phone: phone.call_transcript("AC1")),
]


@pytest.mark.parametrize(("path", "call"), ONE, ids=lambda v: str(v)[:20])
def test_one_thing_is_there_or_not(
    phone: OpenPhone, api: responses.RequestsMock, path: str, call: Callable[[OpenPhone], Any]
) -> None:
    api.get(HOST + path, json={"data": {"id": "x"}})
    api.get(HOST + path, status=404, json={})
    api.get(HOST + path, status=403, json={})
    assert call(phone) == {"id": "x"}
    assert call(phone) is None
    with pytest.raises(VendorRefused):
        call(phone)


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/v1/call-recordings/AC1", lambda phone: phone.call_recordings("AC1")),
        ("/v1/call-voicemails/AC1", lambda phone: phone.call_voicemails("AC1")),
    ],
)
def test_the_files_of_a_call_are_a_list(
    phone: OpenPhone, api: responses.RequestsMock, path: str, call: Callable[[OpenPhone], Any]
) -> None:
    api.get(HOST + path, json={"data": [{"id": "x"}]})
    api.get(HOST + path, json={"data": {"id": "y"}})
    api.get(HOST + path, status=404, json={})
    assert [call(phone), call(phone), call(phone)] == [[{"id": "x"}], [{"id": "y"}], []]


def test_pages_go_on_to_the_end_or_say_that_they_were_cut() -> None:
    book = {None: Page([{"n": 1}], "b"), "b": Page([{"n": 2}], "c"), "c": Page([{"n": 3}], None)}
    whole = Pages(book.__getitem__, 3)
    assert [item["n"] for item in whole.items()] == [1, 2, 3]
    assert (whole.was_cut, whole.cursor) == (False, None)
    part = Pages(book.__getitem__, 2)
    assert [item["n"] for item in part.items()] == [1, 2]
    assert (part.was_cut, part.cursor) == (True, "c")
    rest = Pages(book.__getitem__, 2, part.cursor)
    assert [item["n"] for item in rest.items()] == [3]


def test_a_page_that_leads_to_itself_is_noticed() -> None:
    pages = Pages(lambda cursor: Page([], "same"), 10)
    with pytest.raises(VendorUnknown, match="same page"):
        list(pages)


def test_times_are_told_in_utc(phone: OpenPhone, api: responses.RequestsMock) -> None:
    api.get(f"{HOST}/messages", json={"data": []})
    phone.list_messages(created_after=AT.astimezone(UTC))
    assert asked(api)["createdAt[gt]"] == ["2026-11-20T17:00:00.000Z"]
