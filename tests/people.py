"""A location of its own for a test, with one person in each role and their access tokens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import psycopg

ROLES = ("owner", "admin", "marketer", "technician")
PASSWORD = "demo-password"
TOKEN_LIFE_S = 3600


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Location:
    id: str
    owner: Person
    admin: Person
    marketer: Person
    technician: Person

    @property
    def people(self) -> dict[str, Person]:
        return {role: getattr(self, role) for role in ROLES}


def make_person(
    db: psycopg.Connection[Any], env: Mapping[str, str], memberships: Mapping[str, str]
) -> Person:
    """A user who can sign in with PASSWORD. `memberships` is location id → role."""
    user = str(uuid.uuid4())
    email = f"{user[:13]}@example.com"
    db.execute(
        "insert into auth.users (instance_id, id, aud, role, email, encrypted_password,"
        " email_confirmed_at, raw_app_meta_data, raw_user_meta_data)"
        " values (%s, %s, 'authenticated', 'authenticated', %s, crypt(%s, gen_salt('bf', 4)),"
        """ now(), '{"provider": "email", "providers": ["email"]}', '{}')""",
        (str(uuid.UUID(int=0)), user, email, PASSWORD),
    )
    db.execute(
        "insert into auth.identities (provider_id, user_id, provider, identity_data)"
        " values (%s, %s, 'email', jsonb_build_object('sub', %s::text, 'email', %s::text))",
        (user, user, user, email),
    )
    for location, role in memberships.items():
        db.execute(
            "insert into location_members (user_id, location_id, role) values (%s, %s, %s)",
            (user, location, role),
        )
    return Person(user, email, sign_token(db, env, user, email, memberships))


def sign_token(
    db: psycopg.Connection[Any],
    env: Mapping[str, str],
    user: str,
    email: str,
    memberships: Mapping[str, str],
) -> str:
    """An access token as Supabase Auth signs it, from before its session got a second factor."""
    row = db.execute(
        "insert into auth.sessions (user_id, aal) values (%s, 'aal2') returning id", (user,)
    ).fetchone()
    assert row is not None
    now = int(time.time())
    locations = [{"id": location, "role": role} for location, role in memberships.items()]
    claims = {
        "iss": f"{env['SUPABASE_URL']}/auth/v1",
        "aud": "authenticated",
        "sub": user,
        "role": "authenticated",
        "email": email,
        "phone": "",
        "session_id": str(row[0]),
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "is_anonymous": False,
        "app_metadata": {"provider": "email", "providers": ["email"], "locations": locations},
        "user_metadata": {},
        "iat": now,
        "exp": now + TOKEN_LIFE_S,
    }
    return jwt.encode(claims, env["SUPABASE_JWT_SECRET"], algorithm="HS256")


def make_location(
    db: psycopg.Connection[Any],
    env: Mapping[str, str],
    name: str = "Test location",
    timezone: str = "America/New_York",
) -> Location:
    row = db.execute(
        "insert into locations (name, timezone) values (%s, %s) returning id", (name, timezone)
    ).fetchone()
    assert row is not None
    location = str(row[0])
    people = {role: make_person(db, env, {location: role}) for role in ROLES}
    return Location(id=location, **people)
