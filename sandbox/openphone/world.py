"""The account as the vendor keeps it, in memory: numbers, people, conversations, texts, calls."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from sandbox import instants
from sandbox.files import Files
from sandbox.openphone.records import (
    Call,
    Contact,
    Conversation,
    Message,
    Number,
    User,
    new_id,
)
from sandbox.openphone.shelf import Shelf

MAIN_ID, MAIN_E164 = "PNdemo01", "+16175550100"
HEALTH_ID = "PNdemo02"
OWNER_ID, SYSTEM_ID, ORG_ID = "USdemo01", "SYUdemo01", "ORdemo01"
OPENED_AT = "2024-01-02T15:00:00.000Z"


@dataclass(slots=True)
class Accepted:
    """One line of the ledger: a text the vendor took, whatever the caller heard of it."""

    at: str
    at_s: float
    id: str
    sender: str
    to: list[str]
    text: str


class World:
    def __init__(self, health_number: str, files: Files) -> None:
        self.files = files
        self.users = {user.id: user for user in _staff()}
        self.numbers: dict[str, Number] = {}
        self.conversations: Shelf[Conversation] = Shelf()
        self._by_people: dict[tuple[str, tuple[str, ...]], Conversation] = {}
        self.messages: Shelf[Message] = Shelf()
        self.calls: Shelf[Call] = Shelf()
        self._messages_of: dict[str, Shelf[Message]] = {}
        self._calls_of: dict[str, Shelf[Call]] = {}
        self.contacts: Shelf[Contact] = Shelf()
        self._contact_ids: dict[str, set[str]] = {}
        self._values_of: dict[str, list[str]] = {}
        self.ledger: list[Accepted] = []
        # Who sent STOP: no number of the account reaches them.
        self.blocked: set[str] = set()
        self.add_number(MAIN_E164, MAIN_ID, "Main")
        self.add_number(health_number, HEALTH_ID, "Health check")

    def add_number(self, e164: str, number_id: str = "", name: str = "Extra") -> Number:
        number = Number(number_id or new_id("PN"), e164, name, list(self.users), OPENED_AT)
        self.numbers[number.id] = number
        return number

    def number(self, named: str) -> Number | None:
        """By its id or E.164."""
        found = (each for each in self.numbers.values() if each.e164 == named)
        return self.numbers.get(named) or next(found, None)

    def find_conversation(self, number: Number, people: list[str]) -> Conversation | None:
        return self._by_people.get((number.id, tuple(sorted(set(people)))))

    def conversation(self, number: Number, people: list[str], at: str) -> Conversation:
        """Found, or opened."""
        found = self.find_conversation(number, people)
        if found is None:
            key = tuple(sorted(set(people)))
            found = Conversation(_conversation_id(number, key), number.id, key, at, at, at)
            self.conversations.add(found)
            self._by_people[number.id, key] = found
        return found

    def add_message(self, message: Message) -> None:
        self.messages.add(message)
        self._messages_of.setdefault(message.conversation_id, Shelf()).add(message)
        self._touch(message.conversation_id, message.id, message.created_at)

    def add_call(self, call: Call) -> None:
        self.calls.add(call)
        self._calls_of.setdefault(call.conversation_id, Shelf()).add(call)
        self._touch(call.conversation_id, call.id, call.created_at)

    def messages_of(self, conversation: Conversation) -> Shelf[Message]:
        return self._messages_of.get(conversation.id) or Shelf()

    def calls_of(self, conversation: Conversation) -> Shelf[Call]:
        return self._calls_of.get(conversation.id) or Shelf()

    def accept(self, message: Message) -> None:
        """Writes the ledger; what is in it was really taken."""
        line = Accepted(
            instants.now(), time.time(), message.id, message.sender, message.to, message.text
        )
        self.ledger.append(line)

    def index_contact(self, contact: Contact) -> None:
        """After any change: `contacts_of` is asked for each webhook, and there may be thousands."""
        self._unindex(contact)
        values = [item["value"] for item in contact.properties if isinstance(item["value"], str)]
        self._values_of[contact.id] = values
        for value in values:
            self._contact_ids.setdefault(value, set()).add(contact.id)

    def remove_contact(self, contact: Contact) -> None:
        self._unindex(contact)
        self.contacts.remove(contact)

    def contacts_of(self, people: tuple[str, ...]) -> list[str]:
        """Their ids."""
        return sorted(set().union(*(self._contact_ids.get(each, ()) for each in people)))

    def _unindex(self, contact: Contact) -> None:
        for value in self._values_of.pop(contact.id, []):
            self._contact_ids[value].discard(contact.id)

    def _touch(self, conversation_id: str, activity_id: str, at: str) -> None:
        conversation = self.conversations.by_id[conversation_id]
        if at >= conversation.last_activity_at:
            conversation.last_activity_at, conversation.last_activity_id = at, activity_id
            conversation.updated_at = max(conversation.updated_at, at)


def _conversation_id(number: Number, people: tuple[str, ...]) -> str:
    """The same in every process, so that two seeds of one history agree."""
    return f"CN{hashlib.sha256(repr((number.id, people)).encode()).hexdigest()[:32]}"


def _staff() -> list[User]:
    return [
        User(OWNER_ID, "owner@example.com", "Dana", "Field", "owner", OPENED_AT),
        User("USdemo02", "admin@example.com", "Robin", "Marsh", "admin", OPENED_AT),
    ]
