"""Weeks of an office's traffic, drawn by a seed, and what the way to us makes of it.

`in_order` is everything once, as it happened. `as_it_comes` is the same with 30 % told again (half
of it by the other webhook system), 20 % late or early, and both hold the same malformed bodies.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.messaging.webhooks.told import DATED, LEGACY, Office, Teller, Told, iso

Body = tuple[str, str, str, str]  # event id, scheme, type, body

AGAIN = 0.3
ASTRAY = 0.2
MALFORMED = 0.05
WORDS = ("STOP", "Stop please", "START", "please take me off your list", "HELP", "unsubscribe")
SAYINGS = ("Can you come on Monday?", "How much is it?", "yes", "Thank you!", "My wall is wet 💧")
ANSWERS = ("On our way", "The quote is sent", "Monday at nine works")
BROKEN: tuple[dict[str, Any] | list[Any], ...] = (
    {"type": "message.received"},
    {"data": {"object": {"id": "AC1"}}},
    {"type": "message.received", "data": {"resource": "nothing"}},
    {"type": 7, "data": []},
    {"type": "call.completed", "data": {"object": {"id": ["a"], "participants": 5}}},
)


@dataclass(frozen=True)
class Traffic:
    in_order: list[Body]
    as_it_comes: list[Body]


class Street:
    """The customers of an office, each in the middle of something."""

    def __init__(self, office: Office, seed: int) -> None:
        self._draw = random.Random(seed)
        self._tell = Teller(office)
        self._office = office
        self._named: set[str] = set()

    def events(self, count: int) -> list[Told]:
        found: list[Told] = []
        while len(found) < count:
            found += self._scene()
        return found[:count]

    def _scene(self) -> list[Told]:
        scenes = (self._text, self._text, self._photo, self._group, self._sent, self._sent,
                  self._answered, self._missed, self._name, self._word)  # fmt: skip
        return list(self._draw.choice(scenes)(self._phone()))

    def _phone(self) -> str:
        return f"{self._office.number[:-2]}{self._draw.randint(1, 60):02}"

    def _text(self, phone: str) -> Iterator[Told]:
        yield self._tell.text(phone, self._draw.choice(SAYINGS))

    def _word(self, phone: str) -> Iterator[Told]:
        yield self._tell.text(phone, self._draw.choice(WORDS))

    def _photo(self, phone: str) -> Iterator[Told]:
        nth = self._tell.nth
        photos: list[Any] = [{"url": f"https://files.example.com/{nth}.jpg", "type": "image/jpeg"}]
        if self._draw.random() < 0.5:
            photos.append(f"https://files.example.com/{nth}.heic")
        yield self._tell.text(phone, "", media=photos)

    def _group(self, phone: str) -> Iterator[Told]:
        other = f"{self._office.number[:-2]}{self._draw.randint(61, 70):02}"
        yield self._tell.text(phone, "We are two", others=[other])

    def _sent(self, phone: str) -> Iterator[Told]:
        """Sent in the vendor's own app: reported once, twice or thrice."""
        text = self._draw.choice(ANSWERS)
        first = self._tell.sent(phone, text, status="sent")
        yield first
        same = {"id": first.thing["id"], "createdAt": first.thing["createdAt"]}
        if self._draw.random() < 0.2:
            code = self._draw.choice(("30007", "30005"))
            yield self._tell.sent(phone, text, status="undelivered", errorCode=code, **same)
        elif self._draw.random() < 0.9:
            yield self._tell.sent(phone, text, **same)

    def _answered(self, phone: str) -> Iterator[Told]:
        direction = self._draw.choice(("incoming", "outgoing"))
        call, thing = self._call(direction)
        at = thing["createdAt"]
        yield self._tell.call(phone, "ringing", **thing)
        taken = {"answeredAt": at, "answeredByUserId": "USdemo01"}
        done = {"completedAt": iso(self._tell.at), "duration": self._draw.randint(1, 900)}
        yield self._tell.call(phone, "completed", status="answered", **taken, **done, **thing)
        url = f"https://files.example.com/{call}.mp3"
        file = {"id": f"CR{call}", "url": url, "type": "audio/mpeg", "duration": done["duration"]}
        yield self._tell.after("recording.completed", recordings=[file], **thing)
        lines = [{"identifier": phone, "content": "It leaks", "start": 0, "end": 2}]
        told = {"callId": call, "processingStatus": "completed"}
        yield self._tell.after("transcript.completed", dialogue=lines, **told)
        yield self._tell.after("summary.completed", summary=["A leak."], nextSteps=[], **told)

    def _missed(self, phone: str) -> Iterator[Told]:
        call, thing = self._call("incoming")
        done = {"completedAt": iso(self._tell.at), "duration": 20}
        yield self._tell.call(phone, "completed", status="unanswered", **done, **thing)
        if self._draw.random() < 0.7:
            yield self._tell.after(
                "voicemail.completed", id=call, voicemailId=f"VM{call}", callId=call, duration=9,
                to=self._office.number, transcript="Please call.", createdAt=thing["createdAt"],
                recordingUrl=f"https://files.example.com/{call}.wav", **{"from": phone},
            )  # fmt: skip

    def _name(self, phone: str) -> Iterator[Told]:
        book = f"b{self._office.mark}{phone[-2:]}"
        # Who is deleted there comes back under another id.
        if book in self._named and self._draw.random() < 0.3:
            return
        self._named.add(book)
        first = self._draw.choice(("Ana", "Ben", "Cleo"))
        yield self._tell.contact(book, phone, first, "Ruiz")

    def _call(self, direction: str) -> tuple[str, dict[str, Any]]:
        call = f"AC{self._office.mark}c{self._tell.nth}"
        return call, {"id": call, "direction": direction, "createdAt": iso(self._tell.at)}


def traffic(office: Office, seed: int, count: int) -> Traffic:
    draw = random.Random(-seed - 1)
    told = Street(office, seed).events(count)
    schemes = [draw.choice((DATED, LEGACY)) for _ in told]
    once = [_body(each, scheme) for each, scheme in zip(told, schemes, strict=True)]
    broken = [_broken(office, draw, nth) for nth in range(round(count * MALFORMED))]
    coming = [(nth, body) for nth, body in enumerate(once)]
    for nth, each in enumerate(told):
        if draw.random() < AGAIN:
            scheme = draw.choice((schemes[nth], DATED if schemes[nth] == LEGACY else LEGACY))
            coming.append((nth + draw.randint(0, 40), _body(each, scheme)))
    coming += [(draw.randrange(count), body) for body in broken]
    coming.sort(key=lambda item: _place(item[0], draw, count))
    return Traffic(once + broken, [body for _, body in coming])


def _place(nth: int, draw: random.Random, count: int) -> float:
    if draw.random() >= ASTRAY:
        return nth
    return nth + draw.choice((-1, 1)) * draw.uniform(1, max(50, count / 4))


def _body(told: Told, scheme: str) -> Body:
    return told.delivery_id(scheme), scheme, told.type, told.body(scheme)


def _broken(office: Office, draw: random.Random, nth: int) -> Body:
    broken = draw.choice(BROKEN)
    # As the route reads it.
    type_ = str(broken.get("type")) if isinstance(broken, dict) else "unknown"
    return f"bad{office.mark}{nth}", DATED, type_, json.dumps(broken)
