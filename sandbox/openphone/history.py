"""Years of conversations at once, for imports: the same seed, the same history."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sandbox import instants, pictures
from sandbox.files import File
from sandbox.openphone import calling
from sandbox.openphone.records import Conversation, Message, Number
from sandbox.openphone.vendor import Vendor
from sandbox.openphone.world import OWNER_ID

DAY_S = 24 * 3600
CUSTOMER = (
    "Can you look at a crack in my basement wall?",
    "There is water after every storm.",
    "What would that cost?",
    "Tuesday works for me.",
    "Thanks!",
    "Who is this?",
)
OURS = (
    "Hello, this is Attack-a-Crack. We repair foundations near you.",
    "Could you send us a photo?",
    "We can come on Tuesday at nine.",
    "You are welcome.",
)
AREAS = (617, 508, 781, 978, 413, 774, 857, 339, 351)


@dataclass(frozen=True)
class Asked:
    """`messages` of a conversation on average; `stops`: how many of a hundred people sent STOP."""

    conversations: int = 10
    messages: int = 10
    seed: int = 1
    # The last moment of the history; now unless told.
    until: str | None = None
    days: int = 365
    calls: int = 0
    photos: int = 0
    stops: int = 0
    # Of `phone_of`: a second history may go on where the first ended.
    first_person: int = 0


def write(vendor: Vendor, number: Number, asked: Asked) -> dict[str, int]:
    """No webhook tells of it. Returns what was made."""
    chance = random.Random(asked.seed)  # noqa: S311 - a history
    until = instants.read(asked.until) if asked.until else instants.now()
    before = len(vendor.world.messages), len(vendor.world.calls)
    for at in range(asked.conversations):
        person = phone_of(asked.first_person + at)
        _write_one(vendor, number, person, chance, until, asked)
    return {
        "conversations": asked.conversations,
        "messages": len(vendor.world.messages) - before[0],
        "calls": len(vendor.world.calls) - before[1],
    }


def phone_of(place: int) -> str:
    """Fictional, up to 90,000: the exchange 555 of one area code after the other, from 2000 on."""
    return f"+1{AREAS[place // 10_000]}555{(place + 2000) % 10_000:04d}"


def _write_one(
    vendor: Vendor, number: Number, person: str, chance: random.Random, until: str, asked: Asked
) -> None:
    ids = _Ids(chance)
    at = instants.later(until, -chance.uniform(1, asked.days) * DAY_S)
    conversation = vendor.world.find_conversation(number, [person])
    if conversation is None:
        conversation = vendor.world.conversation(number, [person], at)
    for _ in range(chance.randint(1, max(1, asked.messages * 2 - 1))):
        at = min(instants.later(at, chance.uniform(30, DAY_S / 4)), until)
        _write_text(vendor, conversation, number, ids, at, _says(chance, asked))
    if chance.random() * 100 < asked.stops:
        at = min(instants.later(at, 60), until)
        _write_text(vendor, conversation, number, ids, at, ("incoming", "STOP", False))
        vendor.world.blocked.add(person)
    if chance.random() * 100 < asked.calls:
        end = chance.choice(("completed", "missed", "voicemail"))
        calling.place(vendor, number, person, calling.Asked(end=end, at=at))


def _says(chance: random.Random, asked: Asked) -> tuple[str, str, bool]:
    if chance.random() < 0.5:
        return "incoming", chance.choice(CUSTOMER), chance.random() * 100 < asked.photos
    return "outgoing", chance.choice(OURS), False


def _write_text(
    vendor: Vendor,
    conversation: Conversation,
    number: Number,
    ids: _Ids,
    at: str,
    said: tuple[str, str, bool],
) -> None:
    direction, text, has_photo = said
    person = conversation.people[0]
    is_incoming = direction == "incoming"
    vendor.world.add_message(
        Message(
            id=ids.next("AC"),
            conversation_id=conversation.id,
            number_id=number.id,
            direction=direction,
            sender=person if is_incoming else number.e164,
            to=[number.e164 if is_incoming else person],
            text=text,
            status="received" if is_incoming else "delivered",
            created_at=at,
            updated_at=at,
            user_id=None if is_incoming else OWNER_ID,
            media=[_photo(vendor, person)] if has_photo else [],
        )
    )


def _photo(vendor: Vendor, person: str) -> File:
    seed = int(person[1:])
    return vendor.files.add(File("image/jpeg", lambda: pictures.make("jpeg", seed=seed)))


class _Ids:
    """Like the vendor's, but the same for the same seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def next(self, prefix: str) -> str:
        return f"{prefix}{self._chance.getrandbits(128):032x}"
