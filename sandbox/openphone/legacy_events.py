"""Bodies of the legacy webhooks: "v4" as made by the API, "v3" and "v2" as made in the app."""

from __future__ import annotations

from typing import Any

from sandbox.files import File, Url
from sandbox.openphone.events import Event
from sandbox.openphone.records import Call, Contact, Message, Recording
from sandbox.openphone.world import World

Content = dict[str, Any]
APP = "https://my.quo.com"
TEXTS_LINK = "{app}/inbox/{number}/c/{conversation}?at={activity}"


def envelope(world: World, event: Event, version: str, url: Url) -> Content:
    """`url` gives a file's address."""
    made = _object(world, event, version, url)
    data: Content = {"object": made}
    if isinstance(event.subject, Message | Call):
        data["deepLink"] = TEXTS_LINK.format(
            app=APP,
            number=event.subject.number_id,
            conversation=event.subject.conversation_id,
            activity=event.subject.id,
        )
    return {
        "id": event.legacy_id,
        "object": "event",
        "apiVersion": version,
        "createdAt": event.created_at,
        "type": event.type,
        "data": data,
    }


def _object(world: World, event: Event, version: str, url: Url) -> Content:
    subject = event.subject
    if isinstance(subject, Message):
        return _message(world, subject, version, url)
    if isinstance(subject, Contact):
        return _contact(subject)
    if event.type == "call.summary.completed":
        return _summary(subject)
    if event.type == "call.transcript.completed":
        return _transcript(subject)
    made = _call(world, subject, version, url)
    if event.type == "call.recording.completed":
        made["recordings"] = [_recording(item, url) for item in subject.recordings]
        if version != "v4":
            made["media"] = [_file(item.file, url) for item in subject.recordings]
    return made


def _message(world: World, message: Message, version: str, url: Url) -> Content:
    made: Content = {
        "id": message.id,
        "object": "message",
        "from": message.sender,
        "to": ",".join(message.to),
        "direction": message.direction,
        "status": message.status,
        "createdAt": message.created_at,
        "userId": message.user_id,
        "phoneNumberId": message.number_id,
    }
    media = [_file(file, url) for file in message.media]
    if version != "v4":
        beside = {"conversationId": message.conversation_id, "media": media}
        return made | {"body": message.text} | beside
    conversation = world.conversations.by_id[message.conversation_id]
    contacts = world.contacts_of(conversation.people)
    made |= {"text": message.text, "contactIds": contacts}
    return made | ({"media": media} if media else {})


def _call(world: World, call: Call, version: str, url: Url) -> Content:
    ours = world.numbers[call.number_id].e164
    pair = [call.person, ours] if call.direction == "incoming" else [ours, call.person]
    made: Content = {
        "id": call.id,
        "object": "call",
        "direction": call.direction,
        "status": call.status,
        "answeredAt": call.answered_at,
        "completedAt": call.completed_at,
        "createdAt": call.created_at,
        "userId": call.user_id,
        "phoneNumberId": call.number_id,
    }
    if version != "v4":
        voicemail = call.voicemail and _file(call.voicemail.file, url)
        length = {"duration": call.voicemail.duration_s} if call.voicemail else {}
        app = {"from": pair[0], "to": pair[1], "conversationId": call.conversation_id}
        return made | app | {"media": [], "voicemail": voicemail and voicemail | length}
    return made | {
        "participants": [] if call.nameless else pair,
        "answeredBy": call.answered_by,
        "initiatedBy": call.initiated_by,
        "updatedAt": call.updated_at,
        "duration": call.duration_s,
        "forwardedFrom": None,
        "forwardedTo": call.forwarded_to,
        "contactIds": world.contacts_of((call.person,)),
        "recordings": None,
    }


def _summary(call: Call) -> Content:
    done = call.summary_status == "completed"
    return {
        "object": "callSummary",
        "callId": call.id,
        "status": call.summary_status,
        "summary": call.summary if done else None,
        "nextSteps": call.next_steps if done else None,
        "jobs": [],
    }


def _transcript(call: Call) -> Content:
    return {
        "object": "callTranscript",
        "callId": call.id,
        "createdAt": call.completed_at,
        "duration": call.duration_s,
        "status": call.transcript_status,
        "dialogue": call.dialogue or None,
    }


def _contact(contact: Contact) -> Content:
    """As the dated surface's, which is the only one written down."""
    return {"id": contact.id, "object": "contact"} | {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "company": contact.company,
        "role": contact.role,
        "fields": [
            {"name": item["name"], "type": item["type"], "value": item["value"]}
            for item in contact.properties
        ],
        "createdAt": contact.created_at,
        "updatedAt": contact.updated_at,
    }


def _file(file: File, url: Url) -> Content:
    return {"url": url(file), "type": file.content_type}


def _recording(recording: Recording, url: Url) -> Content:
    return _file(recording.file, url) | {
        "id": recording.id,
        "duration": recording.duration_s,
        "startTime": recording.started_at,
        "status": recording.status,
    }
