"""What the messages routes take and give. Rules about the values live in SQL."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

SOME_LOCATION = "0d7c1f3a-6f0e-4d52-9d0c-2b8f1e5a7c11"


def _id(description: str) -> fields.UUID:
    return fields.UUID(load_default=None, allow_none=False, metadata={"description": description})


def _given(description: str = "", **more: Any) -> fields.String:
    metadata = ({"description": description} if description else {}) | more.pop("metadata", {})
    return fields.String(required=True, metadata=metadata, **more)


class NewText(Schema):
    """One of phone, contact_id and conversation_id; one of body and template_id."""

    location_id = _id("Needed, with phone, by those who work at several locations.")
    phone = fields.String(
        load_default=None,
        allow_none=False,
        metadata={"description": "Whom to write to, in E.164.", "example": "+16175550123"},
    )
    contact_id = _id("Whom to write to, at the number this person is known by.")
    conversation_id = _id("Where to go on; a group's text goes to all in it.")
    body = fields.String(
        load_default=None,
        allow_none=False,
        metadata={"description": "The text, up to 1,600 characters. {first_name} is filled in."},
    )
    template_id = _id("The template to fill in instead.")
    phone_number_id = _id("Our number it leaves from; by default the one they know us by.")


class TextFacts(Schema):
    location_id = _given(metadata={"format": "uuid"})
    from_ = fields.String(
        required=True,
        allow_none=True,
        data_key="from",
        attribute="from",
        metadata={"description": "Our number."},
    )
    to = fields.List(fields.String(), required=True, metadata={"description": "In E.164."})
    text = _given("As it leaves, without a token in it.")
    segments = fields.Integer(
        required=True, metadata={"description": "In how many parts a carrier sends and counts it."}
    )


class QueuedText(TextFacts):
    """A text that waits for its worker. Its message's `status` tells what becomes of it."""

    id = _given("Of the text in `messages`, and in `outbound`.", metadata={"format": "uuid"})
    conversation_id = _given(metadata={"format": "uuid"})
    contact_id = _given(allow_none=True, metadata={"format": "uuid"})
    status = _given(
        metadata={
            "enum": ["queued", "unconfirmed", "sent", "failed", "undelivered", "delivered"]
            + ["cancelled"]
        }
    )
    queued_at = _given(metadata={"format": "date-time"})


class Refusal(Schema):
    """What forbids a text; there is none when it may go."""

    rule = _given("Stable; the code POST /api/v1/messages would answer with.")
    detail = _given("What forbids it.")
    hint = _given("What to do.")
    phone = fields.String(metadata={"description": "Of whom it is said."})
    not_before = fields.String(metadata={"format": "date-time"})


class TextPreview(TextFacts):
    encoding = _given(metadata={"enum": ["GSM-7", "UCS-2"]})
    units = fields.Integer(
        required=True,
        metadata={"description": "Septets or UTF-16 units: 160 or 70 are one segment."},
    )
    refusal = fields.Nested(Refusal)
    opens_at = _given(
        "The next instant at which such a text may leave; now, when it may.",
        allow_none=True,
        metadata={"format": "date-time"},
    )


NEW_TEXT = {"phone": "+16175550123", "body": "We will be there at 9."}
FACTS: dict[str, Any] = {
    "location_id": SOME_LOCATION,
    "from": "+16175550100",
    "to": ["+16175550123"],
    "text": "We will be there at 9.",
    "segments": 1,
}
QUEUED = FACTS | {
    "id": "5b1f7c9a-0e4d-4a36-8f21-d3c9b7a6e512",
    "conversation_id": "7a1e9b54-3c1d-4f6b-8a55-90e4d2c6b8f0",
    "contact_id": "b4f0a8d2-5d1c-4b7e-9f39-61c2e7a0d845",
    "status": "queued",
    "queued_at": "2026-11-21T15:04:05.123456+00:00",
}
PREVIEW = FACTS | {
    "encoding": "GSM-7",
    "units": 22,
    "opens_at": "2026-11-21T15:04:05.123456+00:00",
}
REFUSED = PREVIEW | {
    "refusal": {
        "rule": "opted_out",
        "detail": "+16175550123 has opted out.",
        "hint": "They may text START to come back.",
        "phone": "+16175550123",
    }
}
