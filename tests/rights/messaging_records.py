"""Samples of what is said and sent: rows that hang on one another, each with the ids it needs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.rights.rows import Body, Place, Record, Rows
from tests.rights.world import new_id

AT = "2026-01-02T03:04:05Z"
MESSAGES = {
    "direction": "outgoing",
    "from_phone": "+16175550100",
    "to_phone": "+16175550199",
    "to_phones": ["+16175550199"],
    "status": "queued",
    "source": "app",
    "occurred_at": AT,
}


# One after the other, from anywhere: of thousands drawn at random two would be alike now and then.
NUMBERS = count(secrets.randbelow(8_000_000))


def phone(*_: Any) -> str:
    return f"+1774{next(NUMBERS) % 8_000_000 + 2_000_000}"


def unique(*_: Any) -> str:
    return f"sample {secrets.token_hex(6)}"


def _at(place: Place, **body: Any) -> Body:
    return {"id": new_id(), "location_id": place.id} | body


def _number(rows: Rows, place: Place) -> Body:
    return _at(place, e164=phone())


def _conversation(rows: Rows, place: Place) -> Body:
    number = rows.one("phone_numbers", place)
    return _at(place, phone_number_id=number, participants=[phone()])


def conversation(rows: Rows, place: Place) -> Body:
    """The keys of something said: its conversation, and the number there."""
    made = rows.one("conversations", place)
    row = rows.db.execute("select phone_number_id from conversations where id = %s", (made,))
    return _at(place, conversation_id=made, phone_number_id=str(row.fetchone()[0]))  # type: ignore[index]


def _read(rows: Rows, place: Place) -> Body:
    return {
        "user_id": place.user,
        "conversation_id": rows.one("conversations", place),
        "location_id": place.id,
        "read_to": AT,
    }


def _message(rows: Rows, place: Place) -> Body:
    return conversation(rows, place) | MESSAGES


def _call(rows: Rows, place: Place) -> Body:
    said = {"external_id": unique(), "phone": phone(), "occurred_at": AT}
    return conversation(rows, place) | said | {"direction": "incoming", "status": "missed"}


def _recording(rows: Rows, place: Place) -> Body:
    return _at(place, call_id=rows.one("calls", place), external_id=unique())


def _voicemail(rows: Rows, place: Place) -> Body:
    said = {"external_id": unique(), "phone": phone(), "occurred_at": AT}
    return _at(place, conversation_id=rows.one("conversations", place)) | said


def _of_message(rows: Rows, place: Place) -> Body:
    """A new message's id, and its conversation's."""
    made = conversation(rows, place) | MESSAGES
    rows.insert("messages", made)
    return _at(place, message_id=made["id"], conversation_id=made["conversation_id"]) | {
        "phone_number_id": made["phone_number_id"]
    }


def _media(rows: Rows, place: Place) -> Body:
    made = _of_message(rows, place) | {"source_url": "https://files.example.com/a"}
    del made["phone_number_id"]
    return made


def _outbound(rows: Rows, place: Place) -> Body:
    text = {"kind": "conversation", "to_phones": ["+16175550199"], "body": "Hello.", "segments": 1}
    return _of_message(rows, place) | text | {"queued_at": AT}


def _day(rows: Rows, place: Place) -> Body:
    number = rows.one("phone_numbers", place)
    return {
        "phone_number_id": number,
        "location_id": place.id,
        "day": "2026-01-02",
        "kind": "cold",
    }


def _hours(rows: Rows, place: Place) -> Body:
    """A location has one row for a kind, and every try wants a new one."""
    rows.db.execute("delete from send_hours where location_id = %s", (place.id,))
    hours = {"weekdays": [1, 2], "opens": "09:00", "closes": "17:00"}
    return {"location_id": place.id, "kind": "cold"} | hours


def _holiday(rows: Rows, place: Place) -> Body:
    day = rows.db.execute(
        "select coalesce(max(day), '2026-01-01') + 1 from holidays where location_id = %s",
        (place.id,),
    ).fetchone()
    assert day is not None
    return {"location_id": place.id, "day": day[0].isoformat(), "name": "Fair day"}


def _check(rows: Rows, place: Place) -> Body:
    number = rows.one("phone_numbers", place)
    return _at(place, phone_number_id=number, slot=AT, sent_at=AT, word=secrets.token_hex(16))


def _run(rows: Rows, place: Place) -> Body:
    return _at(place, kind="history", status="done")


def _validation(rows: Rows, place: Place) -> Body:
    return {"location_id": place.id, "phone": phone()}


def _todo(rows: Rows, place: Place) -> Body:
    return _at(place, title="Call back", assigned_to=place.user)


def _notification(rows: Rows, place: Place) -> Body:
    said = {"kind": "sample", "title": "A text came", "dedupe_key": unique()}
    return _at(place, user_id=place.user) | said


def at(**body: Any) -> Callable[[Rows, Place], Body]:
    def make(rows: Rows, place: Place) -> Body:
        return _at(place, **{k: v() if callable(v) else v for k, v in body.items()})

    return make


MESSAGING: dict[str, Record] = {
    "calls": Record(_call),
    "call_recordings": Record(_recording),
    "campaign_templates": Record(
        at(name=unique, body="Hello {first_name}"), values={"category": "reminder"}
    ),
    "conversation_reads": Record(_read, key=("user_id", "conversation_id")),
    "conversations": Record(_conversation),
    "health_checks": Record(_check),
    "holidays": Record(_holiday, key=("location_id", "day")),
    "media": Record(_media),
    "messages": Record(_message),
    "notifications": Record(_notification),
    "number_days": Record(_day, key=("phone_number_id", "day", "kind")),
    "outbound": Record(_outbound),
    "phone_numbers": Record(
        _number, values={"openphone_id": lambda *_: f"PN{secrets.token_hex(6)}"}
    ),
    "phone_validations": Record(_validation, key=("location_id", "phone")),
    "send_holds": Record(at(phone=phone, reason="Doubt.", opened_at=AT)),
    "send_hours": Record(_hours, key=("location_id", "kind")),
    "send_kinds": Record(
        lambda rows, place: {"kind": "cold"},
        key=("kind",),
        is_fixed=True,
    ),
    "sync_runs": Record(_run),
    "text_phrases": Record(
        lambda rows, place: {"phrase": "STOP", "meaning": "out"},
        key=("phrase", "meaning"),
        is_fixed=True,
    ),
    "todos": Record(_todo, values={"priority": 2, "status": "done"}),
    "voicemails": Record(_voicemail),
}
