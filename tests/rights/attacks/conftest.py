"""A household at each location, to be got at, and a short way to ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.rights.records import email, phone
from tests.rights.rows import Place, Rows
from tests.rights.world import Actor, World, new_id

Ask = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Household:
    """One person with everything that is known of him."""

    location: str
    contact: str
    house: str
    list: str
    first_name: str
    last_name: str
    phone: str
    email: str
    address: str
    apn: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no marketer may ever read."""
        return (self.last_name, self.phone, self.email, self.address, self.apn)


def settle(rows: Rows, place: Place) -> Household:
    mark = new_id()[:8].upper()
    found = Household(
        location=place.id,
        contact=new_id(),
        house=new_id(),
        list=rows.one("lists", place),
        first_name=f"Ann{mark}",
        last_name=f"Hiddenly{mark}",
        phone=phone(),
        email=email(),
        address=f"{mark} Secret Street",
        apn=f"APN-{mark}",
    )
    at = {"location_id": place.id}
    name = {"first_name": found.first_name, "last_name": found.last_name}
    display = {"display_name": f"{found.first_name} {found.last_name}", "notes": found.apn}
    ways = {"phone": found.phone, "email": found.email}
    rows.insert("contacts", at | name | display | ways | {"id": found.contact})
    house = {"id": found.house, "apn": found.apn, "address": found.address, "city": "Fairpond"}
    rows.insert("properties", at | house)
    link = at | {"property_id": found.house, "contact_id": found.contact, "is_primary": True}
    rows.insert("property_contacts", link, ("contact_id",))
    member = at | {"list_id": found.list, "contact_id": found.contact}
    rows.insert("list_members", member, ("contact_id",))
    return found


@pytest.fixture(scope="session")
def here(rows: Rows, world: World) -> Household:
    return settle(rows, Place(world.here.id, world.colleagues[world.here.id]))


@pytest.fixture(scope="session")
def there(rows: Rows, world: World) -> Household:
    return settle(rows, Place(world.there.id, world.colleagues[world.there.id]))


@pytest.fixture(scope="session")
def ask(rest: httpx.Client) -> Ask:
    """`ask(actor, "/lists?select=name")`, `ask(actor, "/notes", "POST", json=…)`."""

    def send(
        actor: Actor, path: str, method: str = "GET", headers: Any = None, **body: Any
    ) -> httpx.Response:
        return rest.request(method, path, headers=actor.headers | (headers or {}), **body)

    return send


@pytest.fixture(scope="session")
def owner(world: World) -> Actor:
    return world.members["owner"]


@pytest.fixture(scope="session")
def marketer(world: World) -> Actor:
    return world.members["marketer"]


@pytest.fixture(scope="session")
def technician(world: World) -> Actor:
    return world.members["technician"]


@pytest.fixture(scope="session")
def stranger_owner(world: World) -> Actor:
    """The owner of the other location."""
    return next(actor for actor in world.outsiders if actor.name == "owner elsewhere")
