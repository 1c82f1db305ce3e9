"""Calls in the normal form, and what follows them: recordings, voicemails, texts by machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.integrations.openphone_fields import (
    dialogue,
    first,
    instant,
    listed,
    mapping,
    phone,
    phones,
    text,
    whole,
    word,
    words,
)
from app.integrations.openphone_objects import Fact, Source, others

# What either surface calls it, and the webhooks → what a call is in our records.
CALL_STATUSES = {
    **dict.fromkeys(("queued", "initiated", "ringing"), "ringing"),
    **dict.fromkeys(("in-progress", "answered"), "answered"),
    **dict.fromkeys(("completed", "ai-handled"), "completed"),
    **dict.fromkeys(("missed", "no-answer", "unanswered", "busy", "canceled"), "missed"),
    **{status: status for status in ("failed", "forwarded", "abandoned")},
}


def call(source: Source) -> Fact:
    told = source.told
    given = (word(told.get("status")) or "").lower()
    direction = source.direction()
    number, participants = _sides(source, direction)
    status = source.status or CALL_STATUSES.get(given)
    if source.common.get("type") == "call.completed" and status in ("answered", None):
        status = "completed"
    answered_by = word(first(told, "answeredBy", "answeredByUserId"))
    return source.fact(
        "call",
        id=source.id("id", "callId"),
        number=number,
        direction=direction,
        participants=participants,
        status=status,
        answered_at=instant(told.get("answeredAt")),
        completed_at=instant(told.get("completedAt")),
        duration_s=whole(first(told, "duration", "durationSeconds")),
        answered_by=answered_by,
        initiated_by=word(first(told, "initiatedBy", "initiatedByUserId")),
        forwarded_from=phone(told.get("forwardedFrom")),
        forwarded_to=phone(told.get("forwardedTo")),
        ai_handled=_ai_handled(told, given, answered_by),
    )


def call_with_files(source: Source) -> list[Fact]:
    """Older events bring the recording and the voicemail with the call."""
    told, made = source.told, call(source)
    facts = [made, *_recordings_of(source, made["id"])]
    voicemail_given = first(told, "voicemail", "voicemailUrl")
    url = mapping(voicemail_given).get("url") or voicemail_given
    if isinstance(url, str):
        facts.append(_voicemail_of(source, made, mapping(voicemail_given), url))
    return facts


def recordings(source: Source) -> list[Fact]:
    """Of an event or a listed call. A legacy event brings the whole call, which is told too."""
    call_id = source.id("callId", "id")
    made = _recordings_of(source, call_id)
    if source.told.get("object") == "call":
        return [call(source), *made]
    return made or [source.fact("ignored", reason="no_recording")]


def recording(source: Source, call_id: str, position: int = 0) -> Fact:
    """Without an id of its own it is known by its call and its place there."""
    told = source.told
    return source.fact(
        "recording",
        call_id=call_id,
        id=word(told.get("id")) or f"{call_id}:recording:{position}",
        url=word(first(told, "url", "recordingUrl")),
        type=word(told.get("type")),
        duration_s=whole(told.get("duration")),
        started_at=instant(first(told, "startTime", "startedAt")),
        status=word(told.get("status")),
    )


def voicemail(source: Source, call_id: str | None = None) -> Fact:
    told = source.told
    file = mapping(told.get("recording"))
    said = told.get("transcript")
    to = phone(told.get("to"))
    return source.fact(
        "voicemail",
        id=source.id("voicemailId", "id"),
        call_id=call_id or word(told.get("callId")),
        number=to,
        **{"from": phone(told.get("from"))},
        to=to,
        duration_s=whole(first(told, "duration", "durationSeconds")),
        transcript=text(mapping(said).get("text") or said),
        url=word(first(told, "recordingUrl", "url") or file.get("url")),
        **{"type": word(told.get("mimeType") or file.get("type"))},
    )


def transcript(source: Source) -> Fact:
    told = source.told
    return source.fact(
        "transcript",
        call_id=source.id("callId", "id"),
        status=word(first(told, "processingStatus", "status")),
        dialogue=dialogue(first(told, "dialogue", "transcript", "text")),
        duration_s=whole(told.get("duration")),
    )


def summary(source: Source) -> Fact:
    told = source.told
    said = told.get("summary")
    return source.fact(
        "summary",
        call_id=source.id("callId", "id"),
        status=word(first(told, "processingStatus", "status")),
        summary=words(
            first(mapping(said), "text", "keyPoints") if isinstance(said, dict) else said
        ),
        next_steps=words(told.get("nextSteps")),
    )


def _sides(source: Source, direction: str | None) -> tuple[str | None, list[str]]:
    """Our number and everybody else's, by the direction or by what the vendor calls its own."""
    told, around = source.told, mapping(source.context.get("participants"))
    sender, to = phones([told.get("from")]), phones(listed(told.get("to")))
    ours = phones(listed(around.get("workspace")))
    theirs = phones(listed(around.get("external")) + listed(told.get("participants")))
    if direction:
        ours += to if direction == "incoming" else sender
        theirs += sender if direction == "incoming" else to
    ours = [number for number in dict.fromkeys(ours) if number.startswith("+")]
    number = source.ours(ours, theirs)
    return number, others(theirs, number)


def _recordings_of(source: Source, call_id: str) -> list[Fact]:
    told = source.told
    given = first(told, "recordings", "recordingUrl", "recording")
    if given is None and source.common.get("type", "").startswith("call.recording."):
        given = told if first(told, "url") else None
    items = [item if isinstance(item, dict) else {"url": item} for item in listed(given)]
    return [
        recording(_part(source, item), call_id, position)
        for position, item in enumerate(items)
        if word(first(item, "url", "id"))
    ]


def _part(source: Source, item: Mapping[str, Any]) -> Source:
    """A thing within another keeps what stood around."""
    around = {**source.context, "phoneNumberId": source.named("phoneNumberId")}
    happened = {"createdAt": first(source.told, "createdAt"), **item}
    return Source(happened, around, source.numbers, source.deep_link, source.common)


def _voicemail_of(source: Source, made: Fact, item: Mapping[str, Any], url: str) -> Fact:
    named = {"id": f"{made['id']}:voicemail", "url": url, "to": made["number"], **item}
    found = voicemail(_part(source, named), made["id"])
    return {**found, "from": found["from"] or next(iter(made["participants"]), None)}


def _ai_handled(told: Mapping[str, Any], status: str, answered_by: str | None) -> bool | None:
    if status == "ai-handled" or told.get("aiHandled") in ("ai-agent", True):
        return True
    # SY… is how the vendor names what is no person.
    if answered_by and answered_by.startswith("SY"):
        return True
    return False if "aiHandled" in told else None
