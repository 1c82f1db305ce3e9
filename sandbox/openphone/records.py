"""What the vendor keeps. Its REST surfaces and webhooks show the same in several forms."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.files import File
from sandbox.openphone.shelf import next_seq


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(16)}"


@dataclass(slots=True)
class User:
    id: str
    email: str
    first_name: str
    last_name: str
    role: str
    created_at: str


@dataclass(slots=True)
class Number:
    id: str
    e164: str
    name: str
    user_ids: list[str]
    created_at: str


@dataclass(slots=True)
class Conversation:
    id: str
    number_id: str
    # Everybody but our number, sorted.
    people: tuple[str, ...]
    created_at: str
    updated_at: str
    last_activity_at: str
    last_activity_id: str = ""
    name: str | None = None
    deleted_at: str | None = None
    # What the app shows; no surface lets it be read.
    inbox: str = "open"
    seq: int = field(default_factory=next_seq)


@dataclass(slots=True)
class Message:
    id: str
    conversation_id: str
    number_id: str
    direction: str
    sender: str
    to: list[str]
    text: str
    status: str
    created_at: str
    updated_at: str
    user_id: str | None = None
    media: list[File] = field(default_factory=list)
    error_code: str | None = None
    # No surface finds it before this reading of time.monotonic().
    unlisted_until: float = 0.0
    seq: int = field(default_factory=next_seq)


@dataclass(slots=True)
class Recording:
    id: str
    started_at: str
    duration_s: int
    file: File
    status: str = "completed"


@dataclass(slots=True)
class Voicemail:
    id: str
    duration_s: int
    transcript: str | None
    file: File


@dataclass(slots=True)
class Call:
    id: str
    conversation_id: str
    number_id: str
    direction: str
    # The one other person.
    person: str
    status: str
    created_at: str
    updated_at: str
    answered_at: str | None = None
    completed_at: str | None = None
    duration_s: int | None = None
    answered_by: str | None = None
    initiated_by: str | None = None
    forwarded_to: str | None = None
    user_id: str | None = None
    ai_handled: str | None = None
    recordings: list[Recording] = field(default_factory=list)
    voicemail: Voicemail | None = None
    # absent, in-progress, completed or failed
    transcript_status: str = "absent"
    dialogue: list[dict[str, Any]] = field(default_factory=list)
    summary_status: str = "absent"
    summary: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)
    # Webhooks leave the people out, as they sometimes do.
    nameless: bool = False
    seq: int = field(default_factory=next_seq)


@dataclass(slots=True)
class Contact:
    id: str
    first_name: str | None
    created_at: str
    updated_at: str
    last_name: str | None = None
    company: str | None = None
    role: str | None = None
    # {id, type, name, value, key}: numbers, e-mail addresses, custom fields
    properties: list[dict[str, Any]] = field(default_factory=list)
    source: str = "public-api"
    source_url: str | None = None
    external_id: str | None = None
    created_by: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)
    seq: int = field(default_factory=next_seq)
