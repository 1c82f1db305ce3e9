"""What the vendor would POST: one thing told by either of its webhook systems."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DATED, LEGACY = "dated", "legacy"
BEGAN = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Office:
    """One of our numbers and what the vendor calls it."""

    number: str
    number_id: str
    # Tells this office's ids from all others'.
    mark: str


@dataclass(frozen=True)
class Told:
    """An event: `thing` is what legacy data.object and dated data.resource share."""

    office: Office
    type: str
    thing: dict[str, Any]
    at: datetime
    nth: int
    around: dict[str, Any] = field(default_factory=dict)
    legacy: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"EV{self.office.mark}{self.nth}"

    def body(self, scheme: str) -> str:
        named = {"phoneNumberId": self.office.number_id}
        if scheme == LEGACY:
            data: dict[str, Any] = {"object": {**self.thing, **self.legacy, **named}}
        else:
            context = {"orgId": "ORdemo", **named, **self.around}
            data = {"resource": self.thing, "context": context, "links": {"quo": None}}
        version = "v4" if scheme == LEGACY else "2026-03-30"
        head = {"id": self.id, "apiVersion": version, "createdAt": iso(self.at), "type": self.type}
        return json.dumps({**head, "data": data}, ensure_ascii=False)

    def delivery_id(self, scheme: str) -> str:
        return self.id if scheme == LEGACY else f"msg_{self.id}"


@dataclass
class Teller:
    """Tells one thing after another, a minute apart."""

    office: Office
    nth: int = 0
    at: datetime = BEGAN

    def text(self, phone: str, text: str, **more: Any) -> Told:
        """More: media, id, participants of a group beside the sender."""
        others = more.pop("others", [])
        id_ = more.pop("id", None) or self._id("AC")
        thing = {"id": id_, "object": "message", "direction": "incoming", "text": text}
        thing |= {"status": "received", "createdAt": self._next(), "media": [], **more}
        to = [self.office.number, *others]
        return self._told("message.received", thing, phone, to)

    def sent(self, phone: str, text: str, status: str = "delivered", **more: Any) -> Told:
        """A text somebody sent in the vendor's own app, or a report of one (id)."""
        id_ = more.pop("id", None) or self._id("AC")
        created = more.pop("createdAt", None) or self._next()
        others = more.pop("others", [])
        thing = {"id": id_, "object": "message", "direction": "outgoing", "text": text}
        thing |= {"status": status, "createdAt": created, "media": [], **more}
        self._next()
        return self._told(f"message.{status}", thing, self.office.number, [phone, *others])

    def call(self, phone: str, kind: str, **thing: Any) -> Told:
        """kind: ringing, answered, completed. thing: id, createdAt, direction and what is known."""
        around = {"participants": {"workspace": [self.office.number], "external": [phone]}}
        self._next()
        legacy = {"object": "call", "participants": [phone, self.office.number]}
        return self._tell(f"call.{kind}", thing, around, legacy)

    def after(self, kind: str, **thing: Any) -> Told:
        """kind: recording, transcript, summary or voicemail, and `.completed`."""
        self._next()
        return self._tell(f"call.{kind}", thing, {}, {})

    def contact(self, id_: str, phone: str, first: str, last: str, kind: str = "updated") -> Told:
        thing = {"id": id_, "firstName": first, "lastName": last, "createdAt": iso(BEGAN)}
        thing |= {"phoneNumbers": [{"value": phone, "type": "mobile"}], "emails": []}
        self._next()
        return self._tell(f"contact.{kind}", thing, {}, {})

    def _told(self, kind: str, thing: dict[str, Any], sender: str, to: list[str]) -> Told:
        around = {"senderIdentifier": sender, "recipientIdentifiers": to, "userId": "USdemo01"}
        user = {"userId": "USdemo01"}
        return self._tell(kind, thing, around, {"from": sender, "to": ",".join(to), **user})

    def _tell(
        self, kind: str, thing: dict[str, Any], around: dict[str, Any], legacy: dict[str, Any]
    ) -> Told:
        self.nth += 1
        return Told(self.office, kind, thing, self.at, self.nth, around, legacy)

    def _id(self, kind: str) -> str:
        return f"{kind}{self.office.mark}{self.nth + 1}"

    def _next(self) -> str:
        self.at += timedelta(minutes=1)
        return iso(self.at)
