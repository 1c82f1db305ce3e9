"""One normal form of what OpenPhone tells, in whatever envelope: `normalise`.

Legacy webhooks ("v2" to "v4") hold data.object, dated ones data.resource and data.context, old
fixtures hold the object in data itself. What the REST surfaces list goes through the same functions
of openphone_objects and openphone_calls. Nothing is guessed from the order of two numbers: one is
ours by the direction, or because `numbers` names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from app.integrations import openphone_calls as calls
from app.integrations import openphone_objects as objects
from app.integrations.openphone_fields import first, instant, mapping, word
from app.integrations.openphone_objects import Fact, Malformed

__all__ = ["Fact", "Malformed", "delivery_id", "normalise"]

Reader = Callable[[objects.Source], list[Fact]]

MESSAGE_STATUS = {
    "message.received": "received",
    "message.sent": "sent",
    "message.delivered": "delivered",
    "message.failed": "failed",
    "message.undelivered": "undelivered",
    "message.updated": None,
}
CALL_STATUS = {
    "call.started": "ringing",
    "call.ringing": "ringing",
    "call.answered": "answered",
    "call.missed": "missed",
    "call.forwarded": "forwarded",
    "call.completed": None,
}
READERS: Mapping[str, Reader] = {
    **dict.fromkeys(MESSAGE_STATUS, lambda source: [objects.message(source)]),
    **dict.fromkeys(CALL_STATUS, calls.call_with_files),
    **dict.fromkeys(("call.recording.completed", "call.recording.ready"), calls.recordings),
    **dict.fromkeys(
        ("call.transcript.completed", "transcript.ready"), lambda found: [calls.transcript(found)]
    ),
    **dict.fromkeys(
        ("call.summary.completed", "summary.ready"), lambda source: [calls.summary(source)]
    ),
    **dict.fromkeys(
        ("call.voicemail.completed", "voicemail.received"), lambda found: [calls.voicemail(found)]
    ),
    **dict.fromkeys(
        ("contact.updated", "contact.deleted"), lambda source: [objects.contact(source)]
    ),
}


def normalise(payload: Any, *, numbers: Mapping[str, str] | None = None) -> list[Fact]:
    """The facts an event tells, one at least. `numbers`: our numbers, E.164 by the vendor's id.

    An event of a type we do not know is one fact of kind "ignored". Raises Malformed for what is
    no event, or lacks the id of what it tells about.
    """
    if not isinstance(payload, dict):
        raise Malformed("not_an_object")
    kind = word(payload.get("type"))
    if kind is None:
        raise Malformed("no_type")
    reader = READERS.get(kind)
    source = _source(payload, kind, numbers or {})
    return reader(source) if reader else [_ignored(source, kind)]


def delivery_id(payload: Any, raw: bytes) -> str:
    """What a delivery without `webhook-id` is known by: its event's id, else what it says."""
    found = word(mapping(payload).get("id"))
    return found or f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _source(payload: Mapping[str, Any], kind: str, numbers: Mapping[str, str]) -> objects.Source:
    data = mapping(payload.get("data"))
    told = first(data, "object", "resource")
    return objects.Source(
        told=told if isinstance(told, dict) else data,
        context=mapping(data.get("context")),
        numbers=numbers,
        deep_link=word(data.get("deepLink")) or "",
        common={
            "event_id": word(payload.get("id")),
            "type": kind,
            "reported_at": instant(payload.get("createdAt")),
        },
        status=MESSAGE_STATUS.get(kind) or CALL_STATUS.get(kind),
    )


def _ignored(source: objects.Source, kind: str) -> Fact:
    known = kind == "token.validated" or kind.startswith("task.")
    return source.fact("ignored", reason="of_no_use" if known else "unknown_type")
