"""Calls as they happen: from a short description to the call and the events it causes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from sandbox import instants, sounds
from sandbox.files import File
from sandbox.openphone.records import Call, Number, Recording, Voicemail, new_id
from sandbox.openphone.vendor import Vendor
from sandbox.openphone.world import OWNER_ID

ANSWERED = ("completed", "forwarded")
UNANSWERED = ("missed", "voicemail", "no-answer", "busy", "failed", "abandoned")
RING_S = 6.0
SOUND_S = 2.0
# What is told of a call, in the order in which it happens.
ORDER = (
    "call.ringing",
    "call.answered",
    "call.forwarded",
    "call.missed",
    "call.completed",
    "call.voicemail.completed",
    "call.recording.completed",
    "call.transcript.completed",
    "call.summary.completed",
)
SUMMARY = ["The caller has a crack in the basement wall.", "Water comes in after rain."]
NEXT_STEPS = ["Visit on Tuesday."]
VOICEMAIL = "Hello, there is water in my basement. Please call me back."


class BadCall(ValueError):
    pass


@dataclass(frozen=True)
class Asked:
    """`end`: completed, missed, voicemail, forwarded, no-answer, busy, failed or abandoned."""

    end: str = "completed"
    direction: str = "incoming"
    duration_s: int = 95
    # When it began to ring; None: so that it ends now.
    at: str | None = None
    recordings: int = 1
    # absent, in-progress, completed or failed
    transcript: str = "completed"
    summary: str = "completed"
    voicemail_text: str | None = VOICEMAIL
    # The sound of recordings and voicemails.
    sound: str = "mp3"
    nameless: bool = False
    ai_handled: bool = False
    forwarded_to: str | None = None
    # Which events are told, in this order; None: all there are, as they happen.
    events: list[str] | None = None


def place(vendor: Vendor, number: Number, person: str, asked: Asked) -> Call:
    """Keeps the call. Raises BadCall."""
    if asked.end not in (*ANSWERED, *UNANSWERED):
        raise BadCall(f"no call ends with {asked.end!r}")
    lasted_s = RING_S + (asked.duration_s if asked.end in ANSWERED else 0)
    at = asked.at or instants.later(instants.now(), -lasted_s)
    conversation = vendor.world.conversation(number, [person], at)
    call = Call(
        id=new_id("AC"),
        conversation_id=conversation.id,
        number_id=number.id,
        direction=asked.direction,
        person=person,
        status="missed" if asked.end == "voicemail" else asked.end,
        created_at=at,
        updated_at=at,
        user_id=OWNER_ID,
        forwarded_to=asked.forwarded_to,
        initiated_by=OWNER_ID if asked.direction == "outgoing" else None,
        ai_handled="ai-agent" if asked.ai_handled else None,
        nameless=asked.nameless,
    )
    _end(vendor, call, asked)
    vendor.world.add_call(call)
    return call


def tell(vendor: Vendor, call: Call, events: list[str] | None) -> list[str]:
    """Returns the types told."""
    told = [event for event in ORDER if event in _happened(call)] if events is None else events
    for event in told:
        vendor.tell(event, call)
    return told


def _end(vendor: Vendor, call: Call, asked: Asked) -> None:
    answered = asked.end in ANSWERED
    start = instants.later(call.created_at, RING_S)
    call.answered_at = start if answered else None
    call.duration_s = asked.duration_s if answered else 0
    call.completed_at = instants.later(start, call.duration_s)
    call.updated_at = call.completed_at
    if asked.end == "completed":
        call.answered_by = OWNER_ID
        _add_recordings(vendor, call, asked, start)
        call.transcript_status, call.summary_status = asked.transcript, asked.summary
        call.dialogue = _dialogue(call) if asked.transcript == "completed" else []
        if asked.summary == "completed":
            call.summary, call.next_steps = SUMMARY, NEXT_STEPS
    if asked.end == "voicemail":
        length, file = round(asked.duration_s), _sound(vendor, asked)
        call.voicemail = Voicemail(new_id("VM"), length, asked.voicemail_text, file)


def _add_recordings(vendor: Vendor, call: Call, asked: Asked, start: str) -> None:
    for part in range(asked.recordings):
        length = asked.duration_s // asked.recordings
        begun = instants.later(start, part * length)
        call.recordings.append(Recording(new_id("CR"), begun, length, _sound(vendor, asked)))


def _sound(vendor: Vendor, asked: Asked) -> File:
    kind = asked.sound
    if kind not in sounds.TYPES:
        raise BadCall(f"no sound {kind!r}; there are {', '.join(sounds.TYPES)}")
    seconds = min(SOUND_S, asked.duration_s or SOUND_S)
    file = File(sounds.TYPES[kind], lambda: sounds.make(kind, seconds), f"sound.{kind}")
    return vendor.files.add(file)


def _dialogue(call: Call) -> list[dict[str, Any]]:
    """The same for the same person, and no two alike."""
    chance = random.Random(call.person)  # noqa: S311 - a conversation
    foot = chance.randrange(2, 20)
    lines = (
        (None, OWNER_ID, "Attack-a-Crack, Dana speaking."),
        (call.person, None, f"I have a crack of {foot} feet in my basement wall."),
        (None, OWNER_ID, "We can look at it on Tuesday."),
    )
    return [
        {
            "content": said,
            "start": at * 4.0,
            "end": at * 4.0 + 3.5,
            "identifier": person,
            "userId": user,
        }
        for at, (person, user, said) in enumerate(lines)
    ]


def _happened(call: Call) -> set[str]:
    happened = {"call.completed"} | ({"call.ringing"} if call.direction == "incoming" else set())
    happened |= {"call.answered"} if call.answered_by else set()
    happened |= {"call.forwarded"} if call.status == "forwarded" else set()
    happened |= {"call.missed"} if call.status == "missed" else set()
    happened |= {"call.voicemail.completed"} if call.voicemail else set()
    happened |= {"call.recording.completed"} if call.recordings else set()
    happened |= {"call.transcript.completed"} if call.transcript_status != "absent" else set()
    return happened | ({"call.summary.completed"} if call.summary_status != "absent" else set())
