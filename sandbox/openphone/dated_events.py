"""Bodies of the webhooks of 2026-03-30: a resource, and the context it stands in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.files import Url
from sandbox.openphone.events import Event
from sandbox.openphone.hooks import VERSION
from sandbox.openphone.records import Call, Contact, Message
from sandbox.openphone.world import ORG_ID, World

Content = dict[str, Any]
# What a call.completed says is not what the REST surface says of the same call.
STATUS_OF_COMPLETED = {
    "completed": "answered",
    "answered": "answered",
    "missed": "unanswered",
    "no-answer": "unanswered",
    "busy": "unanswered",
    "canceled": "unanswered",
    "failed": "failed",
    "forwarded": "forwarded",
    "abandoned": "abandoned",
}


def envelope(world: World, event: Event, url: Url) -> Content:
    subject = event.subject
    if isinstance(subject, Message):
        resource, context = _message(event, subject, url), _message_context(world, subject)
    elif isinstance(subject, Contact):
        resource, context = contact_resource(subject), {"orgId": ORG_ID}
    else:
        resource = CALL_RESOURCES.get(event.type, _times)(event, subject, world, url)
        context = _call_context(world, event, subject)
    return {
        "id": event.id,
        "apiVersion": VERSION,
        "createdAt": event.created_at,
        "type": event.type,
        "data": {"resource": resource, "context": context, "links": {"quo": None}},
    }


def contact_resource(contact: Contact) -> Content:
    def of(kind: str) -> list[Content]:
        return [
            {"value": item["value"], "type": item["name"]}
            for item in contact.properties
            if item["type"] == kind
        ]

    return {
        "id": contact.id,
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "company": contact.company,
        "role": contact.role,
        "location": None,
        "source": contact.source,
        "externalId": contact.external_id,
        "emails": of("email"),
        "phoneNumbers": of("phone-number"),
        "customFields": [item for item in contact.properties if item.get("key")],
        "createdAt": contact.created_at,
        "updatedAt": contact.updated_at,
    }


def _message(event: Event, message: Message, url: Url) -> Content:
    made: Content = {"id": message.id, "direction": message.direction, "text": message.text}
    if event.type != "message.failed":
        files = [{"type": file.content_type, "url": url(file)} for file in message.media]
        made["media"] = files
    if event.type in ("message.failed", "message.undelivered"):
        made["errorCode"] = message.error_code
    return made | {"status": message.status, "createdAt": message.created_at}


def _message_context(world: World, message: Message) -> Content:
    people = world.conversations.by_id[message.conversation_id].people
    return _context(world, message, people) | {
        "senderIdentifier": message.sender,
        "recipientIdentifiers": message.to,
    }


def _context(world: World, subject: Message | Call, people: tuple[str, ...]) -> Content:
    ids = world.contacts_of(people)
    return {
        "orgId": ORG_ID,
        "phoneNumberId": subject.number_id,
        "conversationId": subject.conversation_id,
        "userId": subject.user_id,
        "contacts": {"ids": ids, "lookupStatus": "matched" if ids else "unmatched"},
    }


def _call_context(world: World, event: Event, call: Call) -> Content:
    context = _context(world, call, (call.person,))
    if event.type == "call.ringing":
        del context["contacts"]
    ours = world.numbers[call.number_id].e164
    sides = {"workspace": [ours], "external": [call.person], "resolution": "available"}
    if call.nameless:
        sides = {"workspace": [], "external": [], "resolution": "unavailable"}
    return context | {"phoneNumberType": "shared", "participants": sides}


def _times(event: Event, call: Call, world: World, url: Url) -> Content:
    """What every event of a call says, those of ringing and missed calls nothing beside."""
    made: Content = {"id": call.id, "direction": call.direction, "createdAt": call.created_at}
    if event.type == "call.answered":
        made |= {"answeredAt": call.answered_at, "answeredByUserId": call.answered_by}
    if event.type == "call.forwarded":
        made["forwardedTo"] = call.forwarded_to
    return made | {"updatedAt": call.updated_at}


def _completed(event: Event, call: Call, world: World, url: Url) -> Content:
    handled = "ai-handled" if call.ai_handled else None
    return _times(event, call, world, url) | {
        "status": handled or STATUS_OF_COMPLETED.get(call.status, "unknown"),
        "answeredAt": call.answered_at,
        "completedAt": call.completed_at,
        "duration": call.duration_s,
        "hasVoicemail": call.voicemail is not None,
    }


def _recordings(event: Event, call: Call, world: World, url: Url) -> Content:
    items = [
        {
            "id": item.id,
            "duration": item.duration_s,
            "startTime": item.started_at,
            "type": item.file.content_type,
            "url": url(item.file),
        }
        for item in call.recordings
    ]
    times = {"answeredAt": call.answered_at, "completedAt": call.completed_at}
    length = {"duration": call.duration_s, "recordings": items}
    return _times(event, call, world, url) | times | length


def _summary(event: Event, call: Call, world: World, url: Url) -> Content:
    done, ours = call.summary_status == "completed", world.numbers[call.number_id].e164
    return {
        "callId": call.id,
        "processingStatus": call.summary_status,
        "summary": call.summary if done else None,
        "nextSteps": call.next_steps if done else None,
        "fromPhoneNumber": call.person if call.direction == "incoming" else ours,
        "handledByAiAgent": bool(call.ai_handled),
        "answeredByUserId": call.answered_by,
        "jobs": [],
    }


def _transcript(event: Event, call: Call, world: World, url: Url) -> Content:
    return {
        "callId": call.id,
        "createdAt": call.completed_at,
        "duration": call.duration_s,
        "processingStatus": call.transcript_status,
        "dialogue": call.dialogue or None,
    }


def _voicemail(event: Event, call: Call, world: World, url: Url) -> Content:
    voicemail = call.voicemail
    assert voicemail is not None, "the event is only told of calls with one"  # noqa: S101
    return {
        "id": voicemail.id,
        "voicemailId": voicemail.id,
        "callId": call.id,
        "direction": call.direction,
        "duration": voicemail.duration_s,
        "from": call.person,
        "to": world.numbers[call.number_id].e164,
        "transcript": voicemail.transcript,
        "recordingUrl": url(voicemail.file),
        "createdAt": call.completed_at,
        "updatedAt": call.updated_at,
    }


CALL_RESOURCES: dict[str, Callable[[Event, Call, World, Url], Content]] = {
    "call.completed": _completed,
    "call.recording.completed": _recordings,
    "call.summary.completed": _summary,
    "call.transcript.completed": _transcript,
    "call.voicemail.completed": _voicemail,
}
