"""What a customer wrote is acknowledged and not read yet: nothing automatic goes to him."""

from __future__ import annotations

import json
import secrets

from edge_jobs.sends import send_texts
from edge_jobs.webhooks import apply_webhooks
from tests.messaging.send.office import Office


def writes(office: Office, phone: str, text: str) -> None:
    """As the route keeps it."""
    mark = secrets.token_hex(6)
    thing = {"id": f"AC{mark}", "direction": "incoming", "text": text, "status": "received"}
    context = {"senderIdentifier": phone, "recipientIdentifiers": [office.number]}
    body = {"id": mark, "type": "message.received", "data": {"resource": thing, "context": context}}
    office.db.execute(
        "insert into private.webhook_events (provider, event_id, scheme, type, body)"
        " values ('openphone', %s, 'dated', 'message.received', %s)",
        (mark, json.dumps(body)),
    )


def rule(office: Office, outbound_id: str) -> str | None:
    found: str | None = office.value("select rule from outbound where id = %s", outbound_id)
    return found


def due(office: Office) -> None:
    office.db.execute(
        "update outbound set not_before = null where location_id = %s", (office.place.id,)
    )


def test_an_unread_stop_stops_what_is_automatic(office: Office) -> None:
    stopping, other = office.phone(), office.phone()
    held, free = office.text(stopping, "urgent"), office.text(other, "urgent")
    writes(office, stopping, "STOP")
    send_texts()
    assert (office.state(held), rule(office, held)) == ("queued", "webhooks_waiting")
    assert (office.state(free), office.taken()) == ("accepted", {other: 1})
    apply_webhooks()
    due(office)
    send_texts()
    assert (office.state(held), rule(office, held)) == ("cancelled", "opted_out")
    assert office.taken() == {other: 1}


def test_what_was_harmless_lets_the_text_go_on(office: Office) -> None:
    phone = office.phone()
    text = office.text(phone, "urgent")
    writes(office, phone, "See you then")
    send_texts()
    assert office.state(text) == "queued"
    apply_webhooks()
    due(office)
    send_texts()
    assert (office.state(text), office.taken()) == ("accepted", {phone: 1})
