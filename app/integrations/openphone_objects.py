"""The vendor's objects in one normal form, from either surface: here texts and contacts.

A fact is a dict that JSON can hold; what the vendor did not say is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.integrations.openphone_fields import (
    first,
    instant,
    listed,
    mapping,
    media,
    phones,
    text,
    whole,
    word,
)

Fact = dict[str, Any]

INCOMING = ("incoming", "inbound", "in")
OUTGOING = ("outgoing", "outbound", "out")
MESSAGE_STATUSES = ("queued", "sent", "delivered", "undelivered", "failed", "received")


class Malformed(Exception):
    """What is no event of the vendor's; `reason` is a stable token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Source:
    """One object and what stood around it."""

    told: Mapping[str, Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    # Our numbers, E.164 by the vendor's id.
    numbers: Mapping[str, str] = field(default_factory=dict)
    deep_link: str = ""
    common: Mapping[str, Any] = field(default_factory=dict)
    # What the type of an event says of the status, whatever the object says.
    status: str | None = None

    def id(self, *names: str) -> str:
        found = word(first(self.told, *names))
        if found is None:
            raise Malformed("no_id")
        return found

    def named(self, name: str) -> Any:
        """From the object, or from what stood around it."""
        return first(self.told, name) or first(self.context, name)

    def direction(self, by_status: str | None = None) -> str | None:
        given = (word(self.told.get("direction")) or "").lower()
        if given in INCOMING or given in OUTGOING:
            return "incoming" if given in INCOMING else "outgoing"
        return {"received": "incoming", None: None}.get(by_status, "outgoing")

    def ours(self, ours: list[str], others: list[str]) -> str | None:
        """Which is our number: the only one on our side, else one we know."""
        if len(ours) == 1:
            return ours[0]
        known = self.numbers.get(word(self.named("phoneNumberId")) or "")
        mine = [number for number in ours + others if number in self.numbers.values()]
        return known or (mine[0] if mine else None)

    def fact(self, kind: str, *, number: str | None = None, **rest: Any) -> Fact:
        happened = first(self.told, "createdAt", "receivedAt", "sentAt", "deliveredAt")
        conversation = first(mapping(self.told.get("conversation")), "id")
        linked = re.search(r"/c/(CN\w+)", self.deep_link)
        return {
            "kind": kind,
            "event_id": None,
            "type": None,
            "reported_at": None,
            **self.common,
            "occurred_at": instant(happened) or self.common.get("reported_at"),
            "number": number,
            "number_id": word(self.named("phoneNumberId")),
            "conversation_id": word(self.named("conversationId") or conversation)
            or (linked[1] if linked else None),
            "user_id": word(self.named("userId")),
            **rest,
        }


def rest(told: Any, numbers: Mapping[str, str] | None = None) -> Source:
    """An object that a REST surface listed."""
    return Source(mapping(told), numbers=numbers or {})


def message(source: Source) -> Fact:
    told = source.told
    sender = phones([first(told, "from") or source.context.get("senderIdentifier")])
    to = phones(listed(first(told, "to") or source.context.get("recipientIdentifiers")))
    given = (word(told.get("status")) or "").lower()
    status = source.status or (given if given in MESSAGE_STATUSES else None)
    direction = source.direction(status)
    error = mapping(told.get("error"))
    number = source.ours(to if direction == "incoming" else sender, []) if direction else None
    said = text(first(told, "text", "body", "content"))
    pictures = media(first(told, "media", "mediaUrls"))
    return source.fact(
        "message",
        id=source.id("id", "messageId"),
        number=number,
        direction=direction,
        **{"from": sender[0] if sender else None},
        to=to,
        participants=others(sender + to, number),
        # Of a text that came, or came with a picture, no words are words; else it is a bare report.
        text="" if said is None and (status == "received" or pictures) else said,
        status=status,
        error_code=_code(first(told, "errorCode") or error.get("code")),
        error_text=word(first(told, "errorMessage") or error.get("message")),
        media=pictures,
    )


def contact(source: Source) -> Fact:
    told = source.told
    flat = {**told, **mapping(told.get("defaultFields"))}
    emails = [word(mapping(item).get("value") or item) for item in listed(flat.get("emails"))]
    return source.fact(
        "contact",
        id=source.id("id"),
        deleted=source.common.get("type") == "contact.deleted",
        first_name=word(flat.get("firstName")),
        last_name=word(flat.get("lastName")),
        phones=phones(listed(flat.get("phoneNumbers"))),
        emails=[found for found in emails if found],
        external_id=word(told.get("externalId")),
        source=word(told.get("source")),
    )


def others(everybody: list[str], number: str | None) -> list[str]:
    return sorted({each for each in everybody if each != number})


def _code(value: Any) -> str | None:
    """The vendor gives "30007", sometimes 30007."""
    number = whole(value)
    return word(value) if number is None else str(number)
