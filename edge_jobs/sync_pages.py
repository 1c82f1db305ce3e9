"""What a run through the vendor's records asks for next: one page, its facts, and where that leaves
the run. Nothing is written here.

A position is JSON: {since?, number?, after?, pages?}; each of our numbers is gone through in order
of the vendor's ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from app.integrations import openphone_calls as calls
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_fields import word
from app.integrations.openphone_objects import Fact, message, rest
from app.integrations.openphone_surface import Object, Page

Position = dict[str, Any]
Numbers = Mapping[str, str]

# 48 hours hold 125 cold texts, their answers and some hundred calls; history has no such bound.
MOST_PAGES = {"reconciliation": 100, "history": 20_000}


@dataclass(frozen=True, slots=True)
class Step:
    """One page. `position` is None at the phase's end."""

    counted: str
    objects: list[Object]
    facts: list[Fact]
    position: Position | None
    item: str | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)


def list_messages(phone: OpenPhone, kind: str, position: Position, numbers: Numbers) -> Step:
    fetch = partial(phone.list_messages, created_after=_since(position))
    return _listed(fetch, "messages", kind, position, numbers)


def list_calls(phone: OpenPhone, kind: str, position: Position, numbers: Numbers) -> Step:
    fetch = partial(phone.list_calls, created_from=_since(position))
    return _listed(fetch, "calls", kind, position, numbers)


def list_conversations(phone: OpenPhone, kind: str, position: Position, numbers: Numbers) -> Step:
    def fetch(*, filters: Mapping[str, str], after: str | None) -> Page:
        number_id = filters["phoneNumberId"]
        return phone.list_conversations(phone_number_id=number_id, after=after)

    return _listed(fetch, "conversations", kind, position, numbers)


def call_files(phone: OpenPhone, call: Mapping[str, Any]) -> list[Fact]:
    """What follows a call. `call`: {id, status, direction, recordings, summary, transcript,
    voicemail}, True where we have none. Most calls have nothing: that is no error."""
    call_id: str = call["id"]
    spoken = call["status"] in ("completed", "answered", "forwarded")
    facts: list[Fact] = []
    if call["recordings"] and spoken:
        found = phone.call_recordings(call_id)
        facts += [calls.recording(rest(told), call_id, place) for place, told in enumerate(found)]
    if call["voicemail"] and call["direction"] == "incoming":
        facts += [_voicemail(told, call_id) for told in phone.call_voicemails(call_id)]
    if call["summary"] and spoken and (told := phone.call_summary(call_id)):
        facts.append(calls.summary(rest({**told, "callId": call_id})))
    if call["transcript"] and spoken and (told := phone.call_transcript(call_id)):
        facts.append(calls.transcript(rest({**told, "callId": call_id})))
    return facts


def _voicemail(told: Object, call_id: str) -> Fact:
    """The list says neither who called nor whom: the call does."""
    known_by = word(told.get("id")) or f"{call_id}:voicemail"
    return calls.voicemail(rest({**told, "id": known_by}), call_id)


def _listed(fetch: Any, what: str, kind: str, position: Position, numbers: Numbers) -> Step:
    order = sorted(numbers)
    number_id = position.get("number") or next(iter(order), None)
    if number_id is None:
        return Step(what, [], [], None)
    page: Page = fetch(filters={"phoneNumberId": number_id}, after=position.get("after"))
    pages = position.get("pages", 0) + 1
    going_on = {**position, "number": number_id, "after": page.next, "pages": pages}
    warnings = []
    if page.next and (pages >= MOST_PAGES[kind] or page.next == position.get("after")):
        said = f"Of {numbers.get(number_id, number_id)} only {pages} pages of {what} were read."
        warnings.append({"code": "limit", "what": said})
    if not page.next or warnings:
        going_on = _next_number(position, order, number_id)
    facts = [_fact(what, told, numbers) for told in page.items if word(told.get("id"))]
    facts = [fact for fact in facts if fact]
    item = numbers.get(number_id)
    return Step(what, page.items, facts, going_on or None, item, warnings)


def _next_number(position: Position, order: list[str], number_id: str) -> Position:
    """Empty after the last one."""
    later = [each for each in order if each > number_id]
    kept = {"since": position["since"]} if "since" in position else {}
    return {**kept, "number": later[0]} if later else {}


def _fact(what: str, told: Object, numbers: Numbers) -> Fact:
    if what == "messages":
        return message(rest(told, numbers))
    return calls.call(rest(told, numbers)) if what == "calls" else {}


def _since(position: Position) -> datetime | None:
    since = position.get("since")
    return datetime.fromisoformat(since) if since else None
