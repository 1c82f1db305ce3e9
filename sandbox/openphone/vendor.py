"""The vendor at work: the account, what it tells and how texts go on after they were accepted."""

from __future__ import annotations

import json
import time
from typing import Any

from sandbox import instants
from sandbox.faults import SEND_KINDS, Fault, Faults
from sandbox.files import File, Files
from sandbox.openphone import dated_events, legacy_events
from sandbox.openphone.behaviour import Behaviour
from sandbox.openphone.events import Event
from sandbox.openphone.hooks import (
    DATED,
    DATED_EVENTS,
    LEGACY,
    LEGACY_EVENTS,
    VERSION,
    Hook,
)
from sandbox.openphone.post import Post
from sandbox.openphone.records import Call, Contact, Message, Number, new_id
from sandbox.openphone.world import OPENED_AT, OWNER_ID, World
from sandbox.settings import Settings
from sandbox.tasks import Tasks

BLOCKED_CODE = "21610"
# After these a text is not tried again.
PERMANENT_CODES = (BLOCKED_CODE, "21211", "21614", "30003", "30005", "30006")
ANNOUNCED = {status: f"message.{status}" for status in ("delivered", "failed", "undelivered")}


class Vendor:
    def __init__(self, settings: Settings, faults: Faults, tasks: Tasks) -> None:
        self.settings = settings
        self.faults = faults
        self.tasks = tasks
        self.behaviour = Behaviour()
        self.files = Files(settings.public_url)
        self.world = World(settings.health_number, self.files)
        self.post = Post(self.behaviour, faults, tasks)
        for hook in _first_hooks(settings):
            self.post.hooks.add(hook)

    def url(self, file: File) -> str:
        return self.files.url(file, self.behaviour.file_ttl_s)

    def tell(self, event_type: str, subject: Message | Call | Contact) -> None:
        event = Event(event_type, subject)

        def body(hook: Hook) -> bytes:
            return json.dumps(self.envelope(event, hook)).encode()

        self.post.emit(event.id, event_type, subject.id, event.number_id, body)

    def envelope(self, event: Event, hook: Hook) -> dict[str, Any]:
        if hook.system == LEGACY:
            return legacy_events.envelope(self.world, event, hook.version, self.url)
        return dated_events.envelope(self.world, event, self.url)

    async def send(self, number: Number, to: list[str], text: str, user_id: str | None) -> Message:
        """Accepts a text. What happens to it afterwards happens on its own."""
        message = self.outgoing(number, to, text, user_id, instants.now())
        self.world.accept(message)
        fault = self.faults.take(SEND_KINDS, to=",".join(to), path="/v1/messages", method="POST")
        if fault and fault.kind == "unlisted":
            message.unlisted_until = time.monotonic() + fault.seconds
        if fault and fault.kind == "webhook_first":
            self.move(message, *self._end(message, None))
            await self.post.tried(message.id)
            return message
        if not (fault and fault.kind == "stuck") and self.behaviour.progress == "auto":
            self.progress(message, fault)
        return message

    def outgoing(
        self, number: Number, to: list[str], text: str, user_id: str | None, at: str
    ) -> Message:
        conversation = self.world.conversation(number, to, at)
        message = Message(
            new_id("AC"),
            conversation.id,
            number.id,
            "outgoing",
            number.e164,
            to,
            text,
            "queued",
            at,
            at,
            user_id,
        )
        self.world.add_message(message)
        return message

    def progress(self, message: Message, fault: Fault | None = None) -> None:
        """queued, sent, and then how it ends; each after its time."""
        end, code = self._end(message, fault)

        async def sent() -> None:
            # It may have ended before, when the waits are so.
            if message.status == "queued":
                self.move(message, "sent")

        async def ended() -> None:
            self.move(message, end, code)

        if end != "failed":
            self.tasks.later(self.behaviour.sent_after_s, sent)
        self.tasks.later(self.behaviour.delivered_after_s, ended)

    def move(self, message: Message, status: str, code: str | None = None) -> None:
        message.status, message.error_code = status, code
        message.updated_at = instants.now()
        if status in ANNOUNCED:
            self.tell(ANNOUNCED[status], message)
        if status == "delivered":
            self._arrive(message)

    def receive(
        self,
        number: Number,
        sender: str,
        text: str,
        *,
        media: list[File] | None = None,
        others: list[str] | None = None,
        at: str | None = None,
    ) -> Message:
        """A text from outside; `others` are further people in a group."""
        at = at or instants.now()
        people = [sender, *(others or [])]
        conversation = self.world.conversation(number, people, at)
        message = Message(
            new_id("AC"),
            conversation.id,
            number.id,
            "incoming",
            sender,
            [number.e164, *(others or [])],
            text,
            "received",
            at,
            at,
            OWNER_ID,
            media or [],
        )
        self.world.add_message(message)
        return message

    def _end(self, message: Message, fault: Fault | None) -> tuple[str, str | None]:
        if self.world.blocked & set(message.to):
            return "failed", BLOCKED_CODE
        if fault and fault.kind == "fails":
            return "failed", fault.code or None
        if fault and fault.kind == "undelivered":
            return "undelivered", fault.code or "30007"
        return "delivered", None

    def _arrive(self, message: Message) -> None:
        """A text between two numbers of the account is received at the other."""
        for to in message.to:
            number = self.world.number(to)
            if number:
                received = self.receive(number, message.sender, message.text)
                self.tell("message.received", received)


def _first_hooks(settings: Settings) -> list[Hook]:
    """As if somebody had registered our address."""
    if not settings.webhooks_to:
        return []
    both = (
        (LEGACY, settings.signing_key, "v4", LEGACY_EVENTS),
        (DATED, settings.webhook_secret, VERSION, DATED_EVENTS),
    )
    return [
        Hook(
            id=f"WH{system}" if system == LEGACY else "1",
            system=system,
            url=settings.webhooks_to,
            events=list(events),
            # A hook signs with the first key of several.
            key=key.split(",")[0],
            created_at=OPENED_AT,
            updated_at=OPENED_AT,
            version=version,
            label="Local",
            user_id=OWNER_ID,
        )
        for system, key, version, events in both
        if key
    ]
