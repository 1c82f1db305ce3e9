"""What OpenPhone sends, by envelope: shapes from its pages, people and numbers made up."""

from __future__ import annotations

from typing import Any

OURS = "+16175550100"
THEIRS = "+16175550142"
MORE = "+16175550143"
NUMBERS = {"PNdemo01": OURS}

TOLD_AT = "2026-11-20T17:00:00.342Z"
HAPPENED_AT = "2026-11-20T16:59:59.445Z"
LINK = "https://my.quo.com/inbox/PNdemo01/c/CNdemo01?at=ACdemo2"


def legacy(kind: str, told: dict[str, Any], version: str = "v4") -> dict[str, Any]:
    return {
        "id": "EVdemo9",
        "object": "event",
        "apiVersion": version,
        "createdAt": TOLD_AT,
        "type": kind,
        "data": {"deepLink": LINK, "object": {"createdAt": HAPPENED_AT, **told}},
    }


def dated(kind: str, told: dict[str, Any], **context: Any) -> dict[str, Any]:
    around = {
        "orgId": "ORdemo",
        "phoneNumberId": "PNdemo01",
        "conversationId": "CNdemo01",
        "userId": "USdemo01",
        "contacts": {"ids": [], "lookupStatus": "unavailable"},
        **context,
    }
    return {
        "id": "EVdemo1",
        "apiVersion": "2026-03-30",
        "createdAt": TOLD_AT,
        "type": kind,
        "data": {"resource": told, "context": around, "links": {"quo": None}},
    }


def flat(kind: str, told: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "data": told}


LEGACY_TEXT = {
    "id": "ACdemo2",
    "object": "message",
    "from": THEIRS,
    "to": OURS,
    "direction": "incoming",
    "text": "Hi",
    "status": "received",
    "userId": "USdemo01",
    "phoneNumberId": "PNdemo01",
    "contactIds": [],
}
LEGACY_CALL = {
    "id": "ACcall1",
    "object": "call",
    "direction": "incoming",
    "status": "no-answer",
    "participants": [THEIRS, OURS],
    "answeredAt": None,
    "answeredBy": None,
    "initiatedBy": None,
    "completedAt": "2026-11-20T17:00:00.000Z",
    "duration": 16,
    "forwardedFrom": None,
    "forwardedTo": None,
    "phoneNumberId": "PNdemo01",
    "userId": "USdemo01",
    "contactIds": [],
    "recordings": None,
}
DATED_TEXT = {
    "id": "ACdemo2",
    "direction": "incoming",
    "text": "Can you quote my roof?",
    "media": [{"type": "image/jpeg", "url": "https://files.example.com/r.jpg"}],
    "status": "received",
    "createdAt": HAPPENED_AT,
}
LINES = [
    {"userId": None, "identifier": THEIRS, "content": "Hello", "start": 0, "end": 1.5},
    {"userId": "USdemo01", "identifier": OURS, "content": "Hi", "start": 2, "end": 3},
]
EVERYTHING: list[dict[str, Any]] = [
    legacy("message.received", LEGACY_TEXT),
    legacy(
        "message.received", {**LEGACY_TEXT, "body": "Hi", "media": ["https://a.example/1"]}, "v3"
    ),
    legacy("call.completed", LEGACY_CALL),
    legacy("call.completed", {**LEGACY_CALL, "participants": []}),
    legacy(
        "call.recording.completed",
        {
            **LEGACY_CALL,
            "recordings": [{"id": "CRdemo1", "url": "https://a.example/r", "duration": 9}],
        },
    ),
    legacy("call.summary.completed", {"callId": "ACcall1", "summary": ["A leak"], "nextSteps": []}),
    legacy("call.transcript.completed", {"callId": "ACcall1", "dialogue": LINES}),
    dated("message.received", DATED_TEXT, senderIdentifier=THEIRS, recipientIdentifiers=[OURS]),
    dated("message.undelivered", {**DATED_TEXT, "direction": "outgoing", "errorCode": 30007}),
    dated(
        "call.completed",
        {"id": "ACcall1", "direction": "incoming", "status": "answered", "duration": 30},
        participants={"workspace": [OURS], "external": [THEIRS], "resolution": "available"},
    ),
    dated(
        "call.recording.completed",
        {"id": "ACcall1", "recordings": [{"id": "CRdemo1", "url": "https://a.example/r"}]},
    ),
    dated("call.summary.completed", {"callId": "ACcall1", "processingStatus": "absent"}),
    dated("call.transcript.completed", {"callId": "ACcall1", "dialogue": None}),
    dated(
        "call.voicemail.completed",
        {"id": "ACcall1", "voicemailId": "VMdemo1", "from": THEIRS, "to": OURS, "duration": 8},
    ),
    dated("contact.updated", {"id": "c1", "phoneNumbers": [{"value": THEIRS, "type": "mobile"}]}),
    flat("message.received", {"messageId": "m1", "from": THEIRS, "to": [OURS], "body": "Hi"}),
    flat("voicemail.received", {"voicemailId": "VM1", "from": THEIRS, "to": OURS}),
    flat("token.validated", {"message": "ok"}),
    dated("task.created", {"id": "TK1"}),
    legacy("integration.unheard", {"id": "x"}),
]
