"""Registered webhooks and what was delivered to them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.openphone.records import new_id
from sandbox.openphone.shelf import next_seq

LEGACY, DATED = "legacy", "dated"
VERSION = "2026-03-30"
LEGACY_FAMILIES = {
    "messages": ("message.received", "message.delivered"),
    "calls": ("call.completed", "call.ringing", "call.recording.completed"),
    "call-summaries": ("call.summary.completed",),
    "call-transcripts": ("call.transcript.completed",),
}
LEGACY_EVENTS = tuple(event for family in LEGACY_FAMILIES.values() for event in family)
DATED_EVENTS = (
    *("message.received", "message.delivered", "message.failed", "message.undelivered"),
    *("call.ringing", "call.answered", "call.completed", "call.missed", "call.forwarded"),
    *("call.menu.selected", "call.recording.completed", "call.transcript.completed"),
    *("call.summary.completed", "call.voicemail.completed", "contact.updated", "contact.deleted"),
    *(f"task.{word}" for word in ("created", "updated", "deleted", "completed", "reopened")),
    *(f"task.{word}" for word in ("assigned", "unassigned", "overdue", "linked", "unlinked")),
    *("task.duedate.updated", "task.duedate.removed"),
)


def new_key(system: str) -> str:
    key = base64.b64encode(secrets.token_bytes(24)).decode()
    return key if system == LEGACY else f"whsec_{key}"


@dataclass(slots=True)
class Hook:
    id: str
    system: str
    url: str
    events: list[str]
    key: str
    created_at: str
    updated_at: str
    # Of what it sends: "v4" (or "v3", "v2" as hooks made in the app), or the dated one.
    version: str
    resource_ids: list[str] = field(default_factory=lambda: ["*"])
    status: str = "enabled"
    label: str | None = None
    user_id: str = ""
    # Hooks made in the app are not shown by the API.
    in_app: bool = False
    seq: int = field(default_factory=next_seq)

    def wants(self, event_type: str, number_id: str | None) -> bool:
        # Contacts belong to no number.
        named = "*" in self.resource_ids or number_id is None or number_id in self.resource_ids
        return self.status == "enabled" and named and event_type in self.events


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one webhook. `attempts`: {at, status, error}, oldest first."""

    hook: Hook
    event_id: str
    event_type: str
    resource_id: str
    body: bytes
    created_at: str
    # For contents that nobody could have signed.
    is_signed: bool = True
    id: str = field(default_factory=lambda: new_id("msg_"))
    status: str = "pending"
    attempts: list[dict[str, Any]] = field(default_factory=list)
    seq: int = field(default_factory=next_seq)
