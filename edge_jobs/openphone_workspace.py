"""An OpenPhone workspace beside our own records: its numbers, and which of them are ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.integrations.openphone import OpenPhone
from app.integrations.openphone_fields import mapping, word
from app.integrations.openphone_surface import Object
from edge_jobs import openphone_webhook as webhook
from edge_jobs import runtime

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Number:
    """One of the workspace's. `ours` is our row of it: {is_active, locations: {name}}."""

    id: str
    e164: str
    name: str | None
    texts_us: bool
    ours: Row | None


@dataclass(slots=True)
class Workspace:
    phone: OpenPhone
    numbers: dict[str, Number] = field(default_factory=dict)

    def look(self) -> Workspace:
        """Reads its numbers, and which are ours. Raises AppError and VendorError."""
        listed = [_number(told) for told in self.phone.list_phone_numbers()]
        self.numbers = {each.e164: each for each in listed if each}
        return self

    def ids(self) -> list[str]:
        return [each.id for each in self.numbers.values()]

    def told_of(self) -> list[str]:
        """Ids of whom a webhook is to tell: all our numbers, for people write STOP to a retired
        one, too, and the one that checks."""
        return [each.id for each in self.numbers.values() if each.ours or checks(each)]

    def shown_numbers(self) -> Iterator[str]:
        yield "Its numbers:"
        for number in self.numbers.values():
            barred = "" if number.texts_us else "; may not text the US yet"
            yield f"  {number.e164}  {number.name or '-'}: {self._standing(number)}{barred}"

    def _standing(self, number: Number) -> str:
        if checks(number):
            return "checks that texts arrive"
        if number.ours is None:
            return f"not ours; --number {number.e164} adds it"
        retired = "" if number.ours["is_active"] else ", retired"
        return f"ours, {number.ours['locations']['name']}{retired}"

    def shown_webhooks(self, hooks: list[Object]) -> Iterator[str]:
        if not hooks:
            yield "No webhook leads to a CRM; --webhook-url https://<your API> makes it."
        by_id = {each.id: each.e164 for each in self.numbers.values()}
        for hook in hooks:
            lacks = [by_id[each] for each in webhook.untold(hook, self.told_of())]
            lacks += webhook.unsaid(hook) + ([] if webhook.is_on(hook) else ["to be enabled"])
            url = webhook.url_of(hook)
            yield f"Webhook {url}: {'lacks ' + ', '.join(lacks) if lacks else 'complete'}"
            if lacks:
                yield f"  --webhook-url {url} puts it right."
        yield from webhook.several(hooks)


def checks(number: Number) -> bool:
    """Is it the second number, which texts the first?"""
    return number.e164 == runtime.settings().openphone_health_number


def _number(told: Object) -> Number | None:
    known_by, e164 = word(told.get("id")), word(told.get("number"))
    if not known_by or not e164:
        return None
    texting = mapping(mapping(told.get("restrictions")).get("messaging"))
    texts_us = texting.get("US") != "restricted"
    found = rows("phone_numbers", "is_active,locations(name)", e164=e164)
    return Number(known_by, e164, word(told.get("name")), texts_us, next(iter(found), None))


def rows(table: str, columns: str, **equal: str) -> list[Row]:
    held = runtime.runtime()
    return held.database.rows(held.config.service_role_key, table, columns, equal)
