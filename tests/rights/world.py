"""Who tries: two locations with their people, and everyone who must be refused."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
import psycopg

from tests import people
from tests.people import Location, Person

Db = psycopg.Connection[Any]
ALL_SCOPES = "select array_agg(distinct scope) from api_scopes"


@dataclass(frozen=True)
class Actor:
    """`role` is what the statement calls him; without one he is to be refused whatever he tries.

    `second_factor` is the same person with a second factor given.
    """

    name: str
    headers: dict[str, str] = field(repr=False)
    role: str = ""
    user: str | None = None
    scopes: frozenset[str] | None = None
    second_factor: dict[str, str] = field(default_factory=dict, repr=False)
    member: bool = False
    """Works elsewhere: what is for every member is for him too, and he has rows of his own."""
    stands: bool = False
    """A person who is signed in, though not at `here`: what is his own is his."""


@dataclass(frozen=True)
class World:
    here: Location
    there: Location
    strict: Location
    """Asks its owners for a second factor."""
    colleagues: dict[str, str]
    """Somebody who works at each, by the location's id; nobody acts as him."""
    members: dict[str, Actor]
    """The statement's roles, at `here`."""
    outsiders: tuple[Actor, ...]
    """Nothing at `here` is theirs."""
    without_factor: Actor
    """The owner of `strict`."""
    keys: dict[str, Actor]
    """One for each scope, and one with all; made by the owner of `here`."""


def retold(token: str, secret: str, **changes: Any) -> str:
    """The token with other claims; None leaves one out."""
    claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False}) | changes
    told = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(told, secret, algorithm="HS256")


def make_key(db: Db, location: str, user: str, scopes: Iterable[str], life: str = "1 day") -> str:
    """An API key in plain words; the database has its sha256."""
    prefix = f"aac_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    db.execute(
        "insert into api_keys (location_id, user_id, name, prefix, secret_hash, scopes, expires_at)"
        " values (%s, %s, 'Program', %s, %s, %s, now() + %s::interval)",
        (location, user, prefix, hashlib.sha256(key.encode()).hexdigest(), list(scopes), life),
    )
    return key


class Maker:
    def __init__(self, db: Db, env: Mapping[str, str]) -> None:
        self.db, self.env = db, env
        self.anon = {"apikey": env["SUPABASE_ANON_KEY"]}

    def world(self) -> World:
        here, there, strict = (
            people.make_location(self.db, self.env, name=name)
            for name in ("Here", "There", "Strict")
        )
        self.db.execute(
            "update locations set second_factor_required = true where id = %s", (strict.id,)
        )
        return World(
            here=here,
            there=there,
            strict=strict,
            colleagues={place.id: self._colleague(place) for place in (here, there, strict)},
            members=self._members(here),
            outsiders=tuple(self._outsiders(here, there)),
            without_factor=self.actor("owner without second factor", strict.owner, stands=True),
            keys=self._keys(here),
        )

    def actor(
        self, name: str, person: Person, role: str = "", token: str = "", stands: bool = False
    ) -> Actor:
        stronger = retold(person.token, self.env["SUPABASE_JWT_SECRET"], aal="aal2")
        return Actor(
            name,
            self.bearer(token or person.token),
            role,
            person.id,
            second_factor=self.bearer(stronger),
            stands=stands,
        )

    def bearer(self, token: str) -> dict[str, str]:
        return self.anon | {"Authorization": f"Bearer {token}"}

    def _members(self, here: Location) -> dict[str, Actor]:
        members = {role: self.actor(role, person, role) for role, person in here.people.items()}
        key = self.env["SUPABASE_SERVICE_ROLE_KEY"]
        service = {"apikey": key, "Authorization": f"Bearer {key}"}
        return members | {"service_role": Actor("service_role", service, "service_role")}

    def _outsiders(self, here: Location, there: Location) -> Iterable[Actor]:
        secret = self.env["SUPABASE_JWT_SECRET"]
        yield Actor("anon", self.anon)
        yield replace(self.actor("owner elsewhere", there.owner, stands=True), member=True)
        yield self.actor("stranger", people.make_person(self.db, self.env, {}), stands=True)
        deactivated, dismissed, signed_out = (self._owner_of(here) for _ in range(3))
        self.db.execute(
            "update location_members set is_active = false where user_id = %s", (deactivated.id,)
        )
        self.db.execute("update profiles set is_active = false where id = %s", (dismissed.id,))
        self.db.execute("delete from auth.sessions where user_id = %s", (signed_out.id,))
        yield self.actor("deactivated owner", deactivated, stands=True)
        yield self.actor("dismissed owner", dismissed)
        yield self.actor("signed out owner", signed_out)
        forged = retold(here.owner.token, secrets.token_hex(32))
        yield self.actor("owner by a forged token", here.owner, token=forged)
        expired = retold(here.owner.token, secret, exp=1)
        yield self.actor("owner by an expired token", here.owner, token=expired)
        everything = self._every_scope()
        elsewhere = make_key(self.db, there.id, there.owner.id, everything)
        yield Actor(
            "key of elsewhere",
            self.anon | {"X-Api-Key": elsewhere},
            scopes=frozenset(),
            member=True,
        )
        ended = make_key(self.db, here.id, deactivated.id, everything)
        yield Actor("key of a deactivated owner", self.anon | {"X-Api-Key": ended})
        yield Actor("key that was guessed", self.anon | {"X-Api-Key": f"aac_{'0' * 8}_{'A' * 43}"})

    def _colleague(self, place: Location) -> str:
        return people.make_person(self.db, self.env, {place.id: "technician"}).id

    def _owner_of(self, place: Location) -> Person:
        return people.make_person(self.db, self.env, {place.id: "owner"})

    def _every_scope(self) -> list[str]:
        row = self.db.execute(
            "select array_agg(distinct scope) from (select scope from api_scopes"
            " union select scope from api_scope_functions) s"
        ).fetchone()
        assert row is not None
        scopes: list[str] = row[0]
        return scopes

    def _keys(self, here: Location) -> dict[str, Actor]:
        every = self._every_scope()
        wanted = {scope: [scope] for scope in every} | {"every scope": every}
        return {
            name: Actor(
                f"key for {name}",
                self.anon | {"X-Api-Key": make_key(self.db, here.id, here.owner.id, scopes)},
                "owner",
                here.owner.id,
                frozenset(scopes),
            )
            for name, scopes in wanted.items()
        }


def new_id() -> str:
    return str(uuid.uuid4())
