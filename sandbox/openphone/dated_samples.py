"""A sample of each event, for POST /webhooks/{id}/events/test."""

from __future__ import annotations

from typing import Any

from sandbox import instants
from sandbox.openphone.hooks import VERSION
from sandbox.openphone.records import new_id
from sandbox.openphone.world import MAIN_E164, MAIN_ID, ORG_ID, OWNER_ID

CUSTOMER = "+16175550199"
OUR_SIDE = ("message.delivered", "message.failed", "message.undelivered")


def sample(event_type: str) -> dict[str, Any]:
    at = instants.now()
    context = _context(event_type) if event_type.startswith("message") else {"orgId": ORG_ID}
    resource = _resource(event_type, at)
    return {
        "id": new_id("EV"),
        "apiVersion": VERSION,
        "createdAt": at,
        "type": event_type,
        "data": {"resource": resource, "context": context, "links": {"quo": None}},
    }


def _resource(event_type: str, at: str) -> dict[str, Any]:
    base = {"id": new_id("AC"), "createdAt": at}
    if not event_type.startswith("message"):
        return base
    outgoing = event_type in OUR_SIDE
    return base | {
        "direction": "outgoing" if outgoing else "incoming",
        "text": "Sample",
        "media": [],
        "status": event_type.removeprefix("message."),
    }


def _context(event_type: str) -> dict[str, Any]:
    pair = [MAIN_E164, CUSTOMER] if event_type in OUR_SIDE else [CUSTOMER, MAIN_E164]
    return {
        "orgId": ORG_ID,
        "phoneNumberId": MAIN_ID,
        "conversationId": "CNsample",
        "userId": OWNER_ID,
        "contacts": {"ids": [], "lookupStatus": "unmatched"},
        "senderIdentifier": pair[0],
        "recipientIdentifiers": pair[1:],
    }
