"""A call and what belongs to it, as both surfaces show them."""

from __future__ import annotations

from typing import Any

from sandbox.openphone.records import Call, Recording
from sandbox.openphone.vendor import Vendor

Content = dict[str, Any]


def as_v1(vendor: Vendor, call: Call) -> Content:
    ours = vendor.world.numbers[call.number_id].e164
    pair = [call.person, ours] if call.direction == "incoming" else [ours, call.person]
    return _times(call) | {
        "participants": pair,
        "userId": call.user_id,
        "answeredBy": call.answered_by,
        "initiatedBy": call.initiated_by,
        "forwardedFrom": None,
        "forwardedTo": call.forwarded_to,
    }


def as_dated(vendor: Vendor, call: Call, include: list[str]) -> Content:
    ours = vendor.world.numbers[call.number_id].e164
    content = _times(call) | {
        "conversationId": call.conversation_id,
        "participants": [
            {"phoneNumber": ours, "actorId": call.answered_by or call.initiated_by},
            {"phoneNumber": call.person, "actorId": None},
        ],
    }
    if "summary" in include:
        content["summary"] = summary(call)
    if "voicemail" in include:
        content["voicemail"] = voicemail(vendor, call)
    return content


def _times(call: Call) -> Content:
    return {
        "id": call.id,
        "phoneNumberId": call.number_id,
        "direction": call.direction,
        "status": call.status,
        "duration": call.duration_s,
        "createdAt": call.created_at,
        "answeredAt": call.answered_at,
        "completedAt": call.completed_at,
        "updatedAt": call.updated_at,
        "aiHandled": call.ai_handled,
        "callRoute": "phone-number" if call.direction == "incoming" else None,
    }


def recording(vendor: Vendor, item: Recording) -> Content:
    return {
        "id": item.id,
        "status": item.status,
        "startTime": item.started_at,
        "duration": item.duration_s,
        "url": vendor.url(item.file),
        "type": item.file.content_type,
    }


def summary(call: Call) -> Content:
    done = call.summary_status == "completed"
    return {
        "callId": call.id,
        "status": call.summary_status,
        "summary": call.summary if done else None,
        "nextSteps": call.next_steps if done else None,
        "jobs": [],
    }


def transcript(call: Call) -> Content:
    return {
        "callId": call.id,
        "createdAt": call.completed_at,
        "duration": call.duration_s,
        "status": call.transcript_status,
        "dialogue": call.dialogue or None,
    }


def segments(call: Call) -> list[Content]:
    """One a recording; here all is said in the first."""
    return [
        transcript(call) | {"recordingId": item.id, "duration": item.duration_s}
        for item in call.recordings[:1]
    ]


def voicemail(vendor: Vendor, call: Call) -> Content | None:
    if call.voicemail is None:
        return None
    return {
        "id": call.voicemail.id,
        "status": "completed",
        "duration": call.voicemail.duration_s,
        "transcript": call.voicemail.transcript,
        "recordingUrl": vendor.url(call.voicemail.file),
    }
