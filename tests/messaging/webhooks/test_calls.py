"""Calls and what follows them, whichever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.told import LEGACY, Told, iso

SOUND = "https://files.example.com/call.mp3"
LINES = [{"identifier": "+15550000001", "content": "Hello", "start": 0, "end": 1.5}]


def answered_call(inbox: Inbox, phone: str) -> list[Told]:
    tell, call = inbox.tell, f"AC{inbox.office.mark}c"
    at = iso(tell.at)
    thing: dict[str, Any] = {"id": call, "direction": "incoming", "createdAt": at}
    file = {"id": f"CR{call}", "url": SOUND, "type": "audio/mpeg", "duration": 61}
    return [
        tell.call(phone, "ringing", **thing),
        tell.call(phone, "answered", answeredAt=at, answeredByUserId="USdemo01", **thing),
        tell.call(
            phone, "completed", status="answered", answeredAt=at, answeredByUserId="USdemo01",
            completedAt=iso(tell.at), duration=61, **thing,
        ),
        tell.after("recording.completed", recordings=[file], **thing),
        tell.after(
            "transcript.completed", callId=call, processingStatus="completed", dialogue=LINES
        ),
        tell.after(
            "summary.completed", callId=call, processingStatus="completed",
            summary=["They have a wet wall."], nextSteps=["Visit on Monday."],
        ),
    ]  # fmt: skip


def missed_call(inbox: Inbox, phone: str) -> list[Told]:
    tell, call = inbox.tell, f"AC{inbox.office.mark}m"
    at = iso(tell.at)
    thing: dict[str, Any] = {"id": call, "direction": "incoming", "createdAt": at}
    return [
        tell.call(phone, "ringing", **thing),
        tell.call(
            phone, "completed", status="unanswered", completedAt=iso(tell.at), duration=20, **thing
        ),
        tell.after(
            "voicemail.completed", id=f"AC{call}", voicemailId=f"VM{call}", callId=call,
            duration=12, to=inbox.office.number, transcript="Call me back.", recordingUrl=SOUND,
            createdAt=at, **{"from": phone},
        ),
    ]  # fmt: skip


def some_orders(things: int) -> list[Sequence[int]]:
    every = list(permutations(range(things)))
    return every[:: max(1, len(every) // 12)]


@pytest.mark.parametrize("order", some_orders(6), ids=str)
def test_an_answered_call_is_told_in_any_order(inbox: Inbox, order: Sequence[int]) -> None:
    told = answered_call(inbox, inbox.phone())
    for nth in order:
        inbox.take_in(told[nth])
    call, file = inbox.one("calls"), inbox.one("media")
    assert (call["status"], call["duration_s"], call["answered_by"]) == (
        "completed",
        61,
        "USdemo01",
    )
    assert (call["summary"], call["next_steps"]) == (
        ["They have a wet wall."],
        ["Visit on Monday."],
    )
    assert call["dialogue"][0]["content"] == "Hello"
    recording = inbox.one("call_recordings")
    assert (recording["call_id"], file["recording_id"]) == (call["id"], recording["id"])
    assert {inbox.event(each)["status"] for each in told} == {"processed"}
    assert not inbox.one("conversations")["needs_reply"]
    assert not inbox.all("todos")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_missed_call_with_a_voicemail_is_one_todo(inbox: Inbox, order: Sequence[int]) -> None:
    told = missed_call(inbox, inbox.phone())
    for nth in order:
        inbox.take_in(told[nth])
    call, voicemail, todo = inbox.one("calls"), inbox.one("voicemails"), inbox.one("todos")
    assert (call["status"], voicemail["call_id"]) == ("missed", call["id"])
    assert (voicemail["transcript"], inbox.one("media")["source_url"]) == ("Call me back.", SOUND)
    assert todo["title"] == f"Voicemail from {inbox.phone()}"
    talk = inbox.one("conversations")
    assert (talk["needs_reply"], talk["last_kind"]) == (True, "voicemail")


def test_what_came_before_its_call_is_parked_until_then(inbox: Inbox) -> None:
    told = answered_call(inbox, inbox.phone())
    inbox.take_in(told[4])
    parked = inbox.event(told[4])
    assert (parked["status"], parked["waits_for"]) == ("parked", f"call:AC{inbox.office.mark}c")
    inbox.take_in(told[2])
    assert inbox.event(told[4])["status"] == "processed"


def test_what_waits_for_ten_minutes_is_asked_for_and_after_a_day_is_dead(inbox: Inbox) -> None:
    told = answered_call(inbox, inbox.phone())
    wanted = f"call:AC{inbox.office.mark}c"
    inbox.take_in(told[4])

    def age(minutes: int) -> list[str]:
        inbox.rows_changed(
            "update private.webhook_events set received_at = now() - make_interval(mins => %s)"
            " where event_id = %s", minutes, told[4].delivery_id("dated"),
        )  # fmt: skip
        return [row["name"] for row in inbox.rows("select webhooks_to_ask(1000) as name")]

    assert wanted not in age(9)
    assert wanted in age(11)
    assert wanted not in age(12), "it was asked for a moment ago"
    age(24 * 60 + 1)
    inbox.later()
    inbox.take_in()
    event = inbox.event(told[4])
    assert (event["status"], event["error_code"]) == ("dead", "never_came")


def test_a_legacy_call_without_people_is_asked_for_at_once(inbox: Inbox) -> None:
    (_, missed, _) = missed_call(inbox, inbox.phone())
    missed.legacy["participants"] = []
    inbox.take_in(missed, scheme=LEGACY)
    event = inbox.event(missed, LEGACY)
    assert (event["status"], event["waits_for"]) == ("parked", f"call:AC{inbox.office.mark}m")


def test_a_call_in_that_ended_untaken_was_missed_whatever_it_is_called(inbox: Inbox) -> None:
    (_, missed, _) = missed_call(inbox, inbox.phone())
    missed.thing["status"] = "completed"
    inbox.take_in(missed, scheme=LEGACY)
    assert inbox.one("calls")["status"] == "missed"
    assert inbox.one("todos")["title"] == f"Missed call from {inbox.phone()}"


def test_a_call_that_was_dealt_with_is_no_todo_again(inbox: Inbox) -> None:
    told = missed_call(inbox, inbox.phone())
    inbox.take_in(told[1])
    inbox.rows_changed("update todos set status = 'done' where location_id = %s", inbox.place.id)
    inbox.take_in(told[2])
    inbox.take_in(told[1], scheme=LEGACY)
    assert [row["status"] for row in inbox.all("todos")] == ["done"]
