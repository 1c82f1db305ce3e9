from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from app.integrations.openphone_calls import call
from app.integrations.openphone_events import Malformed, delivery_id, normalise
from app.integrations.openphone_objects import message, rest
from tests.integrations.openphone_payloads import (
    DATED_TEXT,
    EVERYTHING,
    HAPPENED_AT,
    LEGACY_CALL,
    LEGACY_TEXT,
    LINES,
    MORE,
    NUMBERS,
    OURS,
    THEIRS,
    dated,
    flat,
    legacy,
)


def one(payload: dict[str, Any], numbers: dict[str, str] | None = None) -> dict[str, Any]:
    facts = normalise(payload, numbers=numbers)
    assert len(facts) == 1
    return facts[0]


def test_a_legacy_text_tells_everything() -> None:
    assert one(legacy("message.received", LEGACY_TEXT)) == {
        "kind": "message",
        "event_id": "EVdemo9",
        "type": "message.received",
        "occurred_at": "2026-11-20T16:59:59.445000+00:00",
        "reported_at": "2026-11-20T17:00:00.342000+00:00",
        "number": OURS,
        "number_id": "PNdemo01",
        "conversation_id": "CNdemo01",
        "user_id": "USdemo01",
        "id": "ACdemo2",
        "direction": "incoming",
        "from": THEIRS,
        "to": [OURS],
        "participants": [THEIRS],
        "text": "Hi",
        "status": "received",
        "error_code": None,
        "error_text": None,
        "media": [],
    }


def test_a_dated_text_tells_the_same() -> None:
    found = one(
        dated("message.received", DATED_TEXT, senderIdentifier=THEIRS, recipientIdentifiers=[OURS])
    )
    same = one(legacy("message.received", {**LEGACY_TEXT, "text": "Can you quote my roof?"}))
    assert found == {
        **same,
        "event_id": "EVdemo1",
        "media": [{"url": "https://files.example.com/r.jpg", "type": "image/jpeg"}],
    }


def test_older_texts_have_a_body_and_pictures_as_addresses_or_objects() -> None:
    told = {**LEGACY_TEXT, "text": None, "body": "See", "conversationId": "CNolder"}
    told["media"] = ["https://a.example/1", {"url": "https://a.example/2", "type": "image/png"}, {}]
    found = one(legacy("message.received", told, "v2"))
    assert (found["text"], found["conversation_id"]) == ("See", "CNolder")
    assert found["media"] == [
        {"url": "https://a.example/1", "type": None},
        {"url": "https://a.example/2", "type": "image/png"},
    ]


def test_a_picture_without_words_that_went_out_is_a_whole_text() -> None:
    told = {**LEGACY_TEXT, "direction": "outgoing", "from": OURS, "to": THEIRS, "text": None}
    told["media"] = ["https://a.example/1"]
    assert one(legacy("message.delivered", told))["text"] == ""


def test_of_an_outgoing_text_the_sender_is_ours() -> None:
    told = {**LEGACY_TEXT, "direction": "outgoing", "from": OURS, "to": THEIRS, "status": "sent"}
    found = one(legacy("message.delivered", told))
    assert (found["number"], found["participants"]) == (OURS, [THEIRS])
    assert found["status"] == "delivered"


def test_a_flat_event_has_no_id_and_is_read_all_the_same() -> None:
    told = {"messageId": "m1", "from": THEIRS, "to": [OURS], "body": "Hi", "createdAt": HAPPENED_AT}
    found = one(flat("message.received", told))
    assert (found["id"], found["event_id"], found["direction"]) == ("m1", None, "incoming")
    assert (found["number"], found["text"], found["status"]) == (OURS, "Hi", "received")
    assert found["occurred_at"] == "2026-11-20T16:59:59.445000+00:00"


def test_a_bare_delivery_report_says_no_more_than_it_knows() -> None:
    found = one(flat("message.delivered", {"id": "AC1", "deliveredAt": HAPPENED_AT}))
    assert (found["status"], found["direction"]) == ("delivered", "outgoing")
    assert (found["from"], found["to"], found["number"], found["text"]) == (None, [], None, None)


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"errorCode": "30007"}, "30007", None),
        ({"errorCode": 30007, "errorMessage": "Carrier"}, "30007", "Carrier"),
        ({"error": {"code": "x1", "message": "No"}}, "x1", "No"),
        ({"error": "broken", "errorCode": True}, None, None),
    ],
)
def test_errors_come_in_several_forms(told: dict[str, Any], code: str, words: str) -> None:
    found = one(flat("message.failed", {"id": "AC1", **told}))
    assert (found["status"], found["error_code"], found["error_text"]) == ("failed", code, words)


@pytest.mark.parametrize("to", [[MORE, OURS], f"{MORE},{OURS}", f"{MORE}, {OURS}"])
def test_who_is_ours_in_a_group_is_known_or_not_told(to: list[str] | str) -> None:
    told = {**LEGACY_TEXT, "to": to}
    unknown = one(legacy("message.received", told))
    assert (unknown["number"], unknown["participants"]) == (None, sorted([OURS, THEIRS, MORE]))
    for numbers in (NUMBERS, {"PNother": OURS}):
        known = one(legacy("message.received", told), numbers)
        assert (known["number"], known["participants"]) == (OURS, [THEIRS, MORE])


def test_an_outgoing_group_text_names_everybody() -> None:
    told = {"id": "AC1", "direction": "outbound", "from": OURS, "to": [MORE, THEIRS]}
    found = one(flat("message.updated", {**told, "status": "SENT"}))
    assert (found["participants"], found["status"]) == ([THEIRS, MORE], "sent")


def test_a_text_of_an_unknown_direction_and_status_says_so() -> None:
    found = one(flat("message.updated", {"id": "AC1", "direction": "sideways", "status": "read"}))
    assert (found["direction"], found["status"], found["number"]) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "normal"),
    [
        ("queued", "ringing"),
        ("initiated", "ringing"),
        ("ringing", "ringing"),
        ("in-progress", "completed"),
        ("completed", "completed"),
        ("busy", "missed"),
        ("failed", "failed"),
        ("no-answer", "missed"),
        ("canceled", "missed"),
        ("missed", "missed"),
        ("answered", "completed"),
        ("forwarded", "forwarded"),
        ("abandoned", "abandoned"),
        ("unanswered", "missed"),
        ("ai-handled", "completed"),
        ("unknown", "completed"),
        ("never heard", "completed"),
    ],
)
def test_every_status_of_a_call_has_its_meaning(status: str, normal: str) -> None:
    for made in (legacy, dated):
        found = one(made("call.completed", {**LEGACY_CALL, "status": status}))
        assert found["status"] == normal
    assert found["ai_handled"] is (True if status == "ai-handled" else None)


@pytest.mark.parametrize(
    ("kind", "normal"),
    [
        ("call.ringing", "ringing"),
        ("call.started", "ringing"),
        ("call.answered", "answered"),
        ("call.missed", "missed"),
        ("call.forwarded", "forwarded"),
    ],
)
def test_an_event_that_names_the_status_needs_no_other(kind: str, normal: str) -> None:
    assert one(dated(kind, {"id": "AC1", "direction": "incoming"}))["status"] == normal


def test_a_legacy_call_does_not_say_which_number_is_ours() -> None:
    found = one(legacy("call.completed", LEGACY_CALL))
    assert (found["number"], found["participants"]) == (None, [OURS, THEIRS])
    known = one(legacy("call.completed", LEGACY_CALL), NUMBERS)
    assert (known["number"], known["participants"]) == (OURS, [THEIRS])
    assert (known["duration_s"], known["answered_at"]) == (16, None)
    assert known["completed_at"] == "2026-11-20T17:00:00+00:00"


def test_a_call_without_participants_is_known_by_its_number() -> None:
    found = one(legacy("call.completed", {**LEGACY_CALL, "participants": []}), NUMBERS)
    assert (found["number"], found["participants"]) == (OURS, [])


def test_a_dated_call_says_who_is_who() -> None:
    sides = {"workspace": ["USdemo01", {"phoneNumber": OURS}], "external": [THEIRS]}
    told = {"id": "AC1", "direction": "incoming", "answeredByUserId": "US2", "aiHandled": None}
    found = one(dated("call.completed", told, participants=sides))
    assert (found["number"], found["participants"]) == (OURS, [THEIRS])
    assert (found["answered_by"], found["ai_handled"]) == ("US2", False)


def test_a_call_an_agent_answered_was_handled_by_a_machine() -> None:
    found = one(legacy("call.completed", {**LEGACY_CALL, "answeredBy": "SYdemo1"}))
    assert found["ai_handled"] is True


@pytest.mark.parametrize("direction", ["incoming", "outgoing"])
def test_a_call_with_from_and_to_is_read_by_its_direction(direction: str) -> None:
    sides = (
        {"from": THEIRS, "to": OURS} if direction == "incoming" else {"from": OURS, "to": THEIRS}
    )
    found = one(flat("call.missed", {"callId": "AC1", "direction": direction, **sides}))
    assert (found["number"], found["participants"]) == (OURS, [THEIRS])


def test_a_legacy_recording_brings_its_call() -> None:
    file = {"id": "CR1", "url": "https://a.example/r", "type": "audio/mpeg", "duration": 12.4}
    facts = normalise(legacy("call.recording.completed", {**LEGACY_CALL, "recordings": [file]}))
    assert [fact["kind"] for fact in facts] == ["call", "recording"]
    assert facts[1]["call_id"] == "ACcall1"
    assert (facts[1]["id"], facts[1]["url"], facts[1]["duration_s"]) == ("CR1", file["url"], 12)
    assert (facts[1]["number_id"], facts[1]["type"]) == ("PNdemo01", "audio/mpeg")


def test_each_part_of_a_dated_recording_is_one() -> None:
    files = [{"id": "CR1", "url": "https://a.example/1"}, {"url": "https://a.example/2"}, {}]
    facts = normalise(dated("call.recording.completed", {"id": "AC1", "recordings": files}))
    assert [fact["id"] for fact in facts] == ["CR1", "AC1:recording:1"]
    assert {fact["kind"] for fact in facts} == {"recording"}


def test_a_flat_recording_is_the_object_itself() -> None:
    told = {"id": "CR1", "callId": "AC1", "url": "https://a.example/1", "duration": 3}
    found = one(flat("call.recording.ready", told))
    assert (found["kind"], found["call_id"], found["id"]) == ("recording", "AC1", "CR1")


def test_a_recording_event_without_one_is_ignored() -> None:
    found = one(dated("call.recording.completed", {"id": "AC1", "recordings": []}))
    assert (found["kind"], found["reason"]) == ("ignored", "no_recording")


@pytest.mark.parametrize(
    "given",
    [
        {"voicemailUrl": "https://a.example/v"},
        {"voicemail": {"url": "https://a.example/v", "duration": 5}},
    ],
)
def test_an_older_call_may_bring_its_files(given: dict[str, Any]) -> None:
    told = {**LEGACY_CALL, **given, "recordingUrl": "https://a.example/r"}
    call, recording, voicemail = normalise(legacy("call.completed", told, "v2"), numbers=NUMBERS)
    assert (call["kind"], recording["url"]) == ("call", "https://a.example/r")
    assert (voicemail["kind"], voicemail["url"]) == ("voicemail", "https://a.example/v")
    assert (voicemail["call_id"], voicemail["from"]) == ("ACcall1", THEIRS)
    assert (voicemail["id"], voicemail["number"]) == ("ACcall1:voicemail", OURS)


def test_a_voicemail_is_the_same_in_both_forms() -> None:
    told = {"voicemailId": "VM1", "from": THEIRS, "to": OURS, "duration": 8, "callId": None}
    new = one(dated("call.voicemail.completed", {**told, "id": "AC1", "transcript": "Call me"}))
    spoken = {"text": "Call me", "confidence": 0.9}
    old = one(
        flat(
            "voicemail.received", {**told, "transcript": spoken, "recording": {"url": "https://a"}}
        )
    )
    assert (new["id"], new["call_id"], new["number"]) == ("VM1", None, OURS)
    assert new["transcript"] == old["transcript"] == "Call me"
    assert old["url"] == "https://a"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dialogue": LINES}, ["Hello", "Hi"]),
        ({"transcript": {"dialogue": LINES}}, ["Hello", "Hi"]),
        ({"transcript": {"text": "Hello"}}, ["Hello"]),
        ({"transcript": "Hello"}, ["Hello"]),
        ({"transcript": ["Hello", {"text": "Hi", "start": -1}]}, ["Hello", "Hi"]),
    ],
)
def test_a_transcript_comes_as_lines_or_as_a_text(given: dict[str, Any], said: list[str]) -> None:
    found = one(flat("transcript.ready", {"callId": "AC1", **given}))
    assert [line["content"] for line in found["dialogue"]] == said
    assert all(
        set(line) == {"identifier", "user_id", "content", "start", "end"}
        for line in found["dialogue"]
    )


def test_a_transcript_that_never_will_be_is_no_error() -> None:
    told = {"callId": "AC1", "processingStatus": "absent", "dialogue": None, "duration": 4}
    found = one(dated("call.transcript.completed", told))
    assert (found["status"], found["dialogue"], found["duration_s"]) == ("absent", None, 4)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["A leak", "Two windows"], ["A leak", "Two windows"]),
        ("A leak", ["A leak"]),
        ({"text": "A leak", "sentiment": "good"}, ["A leak"]),
        ({"keyPoints": ["A leak"]}, ["A leak"]),
        (None, None),
        ({}, None),
        ([None, 3, " "], []),
    ],
)
def test_a_summary_is_sentences(said: Any, expected: list[str] | None) -> None:
    found = one(legacy("call.summary.completed", {"callId": "AC1", "summary": said}))
    assert (found["call_id"], found["summary"], found["next_steps"]) == ("AC1", expected, None)


def test_a_contact_is_read_flat_and_nested() -> None:
    told = {
        "id": "6501",
        "firstName": "Ana",
        "lastName": " ",
        "phoneNumbers": [{"value": "(617) 555-0142"}, {"value": THEIRS}],
        "emails": [{"value": "ana@example.com"}, {"value": None}],
        "externalId": "cust_1",
    }
    new = one(dated("contact.updated", told))
    nested = {name: told[name] for name in ("firstName", "lastName", "phoneNumbers", "emails")}
    old = one(
        legacy("contact.updated", {"id": "6501", "externalId": "cust_1", "defaultFields": nested})
    )
    assert (new["first_name"], new["last_name"], new["phones"]) == ("Ana", None, [THEIRS])
    assert (new["emails"], new["deleted"]) == (["ana@example.com"], False)
    shared = ("id", "first_name", "phones", "emails", "external_id", "source")
    assert [new[name] for name in shared] == [old[name] for name in shared]
    assert one(dated("contact.deleted", told))["deleted"] is True


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("token.validated", "of_no_use"),
        ("task.duedate.updated", "of_no_use"),
        ("call.menu.selected", "unknown_type"),
        ("made.up", "unknown_type"),
    ],
)
def test_what_is_of_no_use_is_ignored_with_its_reason(kind: str, reason: str) -> None:
    for payload in (dated(kind, {"id": "x"}), flat(kind, {}), {"type": kind}):
        found = one(payload)
        assert (found["kind"], found["reason"], found["type"]) == ("ignored", reason, kind)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "not_an_object"),
        ([], "not_an_object"),
        ({}, "no_type"),
        ({"type": 7}, "no_type"),
        ({"type": " "}, "no_type"),
        ({"type": "message.received"}, "no_id"),
        ({"type": "message.received", "data": []}, "no_id"),
        (flat("call.completed", {"id": ""}), "no_id"),
        (flat("transcript.ready", {"text": "Hi"}), "no_id"),
        (flat("contact.updated", {"firstName": "Ana"}), "no_id"),
    ],
)
def test_what_is_no_event_is_malformed(payload: Any, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        normalise(payload)
    assert caught.value.reason == reason


def test_no_text_holds_what_postgres_cannot() -> None:
    told = {**LEGACY_TEXT, "text": "a\x00b\ud83dc\U0001f600"}
    assert one(legacy("message.received", told))["text"] == "a\ufffdb\ufffdc\U0001f600"


def test_an_event_without_an_id_is_known_by_its_bytes() -> None:
    assert delivery_id({"id": "EV1"}, b"x") == "EV1"
    for payload in ({}, {"id": ""}, {"id": 5}, []):
        assert delivery_id(payload, b"x") == delivery_id(None, b"x") != delivery_id({}, b"y")


KEYS = sorted(
    {key for payload in EVERYTHING for key in json.dumps(payload).split('"')[1::2] if key.isalpha()}
)
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    10**13,
    10**400,
    1e308,
    math.nan,
    -math.inf,
    "",
    "\x00",
    "\udcff",
]
ODD += ["+", "+1617555", "2026-99-99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
ODD += [[], {}, [[]], "Anonymous", "262966", "message.received"]


def random_json(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth > 3 or kind < 0.5:
        return chance.choice(ODD)
    if kind < 0.7:
        return [random_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): random_json(chance, depth + 1) for _ in range(chance.randrange(6))}


def damaged(value: Any, chance: random.Random) -> Any:
    """The same with one part in ten replaced by something that cannot be meant."""
    if chance.random() < 0.1:
        return random_json(chance, 2)
    if isinstance(value, dict):
        return {key: damaged(item, chance) for key, item in value.items()}
    return [damaged(item, chance) for item in value] if isinstance(value, list) else value


def require_storable(value: Any) -> None:
    written = json.dumps(value, allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in written
    written.encode()


@pytest.mark.parametrize("seed", range(20))
def test_no_input_does_anything_but_facts_or_malformed(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        payload = damaged(chance.choice(EVERYTHING), chance)
        if chance.random() < 0.2:
            payload = random_json(chance)
        try:
            facts = normalise(payload, numbers=NUMBERS)
        except Malformed:
            continue
        assert facts
        for fact in facts:
            require_storable(fact)
            assert fact["kind"] != "message" or fact["number"] not in fact["participants"]


@pytest.mark.parametrize("payload", EVERYTHING, ids=lambda payload: payload["type"])
def test_every_kind_of_event_is_read_twice_alike(payload: dict[str, Any]) -> None:
    assert normalise(payload) == normalise(json.loads(json.dumps(payload)))


def test_what_a_list_holds_is_the_same_fact_as_an_event() -> None:
    told = {**LEGACY_TEXT, "to": [OURS], "createdAt": HAPPENED_AT, "conversationId": "CNdemo01"}
    listed = message(rest(told, NUMBERS))
    event = one(legacy("message.received", LEGACY_TEXT))
    assert listed == {**event, "event_id": None, "type": None, "reported_at": None}
    sides = [{"phoneNumber": OURS, "actorId": "US1"}, {"phoneNumber": THEIRS, "actorId": None}]
    listed_call = call(rest({**LEGACY_CALL, "participants": sides, "status": "busy"}, NUMBERS))
    assert (listed_call["number"], listed_call["participants"]) == (OURS, [THEIRS])
    assert listed_call["status"] == "missed"
