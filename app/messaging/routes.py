"""/api/v1/messages: write one text, or look at it first. Everything read goes through Supabase."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask.typing import ResponseReturnValue

from app import idempotency, queues
from app.auth import caller
from app.clients import clients
from app.db import Row
from app.errors import AppError
from app.idempotency import Attempt, Made, once
from app.messaging.schemas import (
    NEW_TEXT,
    PREVIEW,
    QUEUED,
    REFUSED,
    NewText,
    QueuedText,
    TextPreview,
)
from app.openapi import ApiBlueprint

messages = ApiBlueprint(
    "messages", __name__, url_prefix="/api/v1/messages", description="Texts going out."
)

MAY_WRITE = ("not_permitted", "second_factor_required", "scope_missing", "not_found")
BAD_TEXT = (
    "bad_request",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_request",
    "invalid_value",
    "location_required",
    "no_phone",
    "invalid_template",
    "missing_value",
    "text_too_long",
)
UNCHECKED = "number_unchecked"
# The rules of private.send_refusal that one person's own text may meet, in their order.
RULES = (
    "number_inactive",
    "sending_paused",
    "number_paused",
    "invalid_phone",
    "our_number",
    "opted_out",
    "held",
    "do_not_contact",
    "wrong_number",
    "invalid_number",
    UNCHECKED,
    "number_invalid",
    "landline",
    "voip",
    "not_mobile",
    "employee_group",
    "outside_hours",
)


@messages.post("")
@messages.arguments(NewText, example=NEW_TEXT)
@messages.response(202, QueuedText, example=QUEUED, headers=idempotency.ANSWERS)
@messages.idempotent
@messages.problems(*idempotency.REFUSALS, *MAY_WRITE, "already_exists", *BAD_TEXT, *RULES)
def send(form: dict[str, Any]) -> ResponseReturnValue:
    """Send one text.

    Answers as soon as it is recorded; a worker sends it, once. What became of it is the message's
    `status`, live. Refused with the first rule that forbids it: 409 for what may pass (the hour, a
    pause, a check of the number), 422 for what does not.
    """

    def make(attempt: Attempt) -> Made:
        row = _call("queue_message", form, p_id=attempt.resource_id)
        queues.ring(clients().redis, queues.send_texts(now=datetime.now(UTC)))
        return Made(row, 202, {})

    return once(form, make)


@messages.post("/preview")
@messages.arguments(NewText, example=NEW_TEXT)
@messages.response(
    200, TextPreview, examples={"may_go": {"value": PREVIEW}, "refused": {"value": REFUSED}}
)
@messages.problems(*MAY_WRITE, *BAD_TEXT)
def preview(form: dict[str, Any]) -> ResponseReturnValue:
    """The text as it would leave, its length in segments, and what forbids it now, if anything."""
    row = _call("preview_message", form)
    if (row.get("refusal") or {}).get("rule") == UNCHECKED:
        _ring_check()
    return row


def _call(name: str, form: dict[str, Any], **more: str) -> Row:
    told = {
        "p_location": form["location_id"],
        "p_phone": form["phone"],
        "p_contact": form["contact_id"],
        "p_conversation": form["conversation_id"],
        "p_body": form["body"],
        "p_template": form["template_id"],
        "p_number": form["phone_number_id"],
    }
    given = {key: str(value) for key, value in told.items() if value is not None}
    try:
        row: Row = clients().database.rpc(caller().token, name, **given, **more)
    except AppError as error:
        if error.code == UNCHECKED:
            _ring_check()
        raise
    return row


def _ring_check() -> None:
    """The number was put in line for its check together with the refusal."""
    queues.ring(clients().redis, queues.check_numbers(now=datetime.now(UTC)))
