"""One thing that happened, as webhooks will tell it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox import instants
from sandbox.openphone.records import Call, Contact, Message, new_id


@dataclass(slots=True)
class Event:
    type: str
    subject: Message | Call | Contact
    created_at: str = field(default_factory=instants.now)
    # The same for every receiver; each system gives its own.
    id: str = field(default_factory=lambda: new_id("EV"))
    legacy_id: str = field(default_factory=lambda: new_id("EV"))

    @property
    def number_id(self) -> str | None:
        return None if isinstance(self.subject, Contact) else self.subject.number_id
