"""Every route that is not open to all, tried by everybody who has no business there.

A new route fails here until a request for it and the answers to outsiders are written down.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config
from devstack.stack import Stack
from tests import people
from tests.people import Location, Person

Db = psycopg.Connection[Any]
Said = tuple[int, str | None]
SIGNED_OUT: Said = (401, "invalid_token")
HIDDEN: Said = (404, "not_found")
FORBIDDEN: Said = (403, "not_permitted")


@dataclass(frozen=True)
class Route:
    """A request that the owner of the location may make, and what others are answered.

    outsider: whose membership is not for this location, or ended. member: a technician of it.
    program: a key of another location.
    """

    owner: int
    outsider: Said
    member: Said
    program: Said
    form: Callable[[Location], dict[str, Any]] = field(default=lambda here: {})
    json: bool = True


def upload(here: Location) -> dict[str, Any]:
    file = (io.BytesIO(b"APN,Address\r\n1,1 Oak St\r\n"), "list.csv")
    return {"file": file, "list_name": "Oak", "location_id": here.id}


def invitation(here: Location) -> dict[str, Any]:
    email = f"{secrets.token_hex(6)}@example.com"
    return {"location_id": here.id, "email": email, "role": "admin"}


def a_run(here: Location) -> dict[str, Any]:
    return {"location_id": here.id, "kind": "stop_scan"}


def a_place(here: Location) -> dict[str, Any]:
    return {"location_id": here.id}


def text(here: Location) -> dict[str, Any]:
    return {"location_id": here.id, "phone": "+16175550123", "body": "Hello"}


NO_SCOPE: Said = (403, "scope_missing")
ROUTES = {
    ("GET", "identity.me"): Route(200, (200, None), (200, None), (200, None)),
    ("POST", "identity.invite"): Route(201, FORBIDDEN, FORBIDDEN, NO_SCOPE, form=invitation),
    ("POST", "identity.resend"): Route(200, HIDDEN, HIDDEN, NO_SCOPE),
    ("POST", "identity.revoke"): Route(200, HIDDEN, HIDDEN, NO_SCOPE),
    ("POST", "imports.create"): Route(
        202, FORBIDDEN, FORBIDDEN, (403, "keys_cannot_upload"), form=upload, json=False
    ),
    ("GET", "imports.show"): Route(200, HIDDEN, HIDDEN, HIDDEN),
    ("GET", "imports.rows"): Route(200, HIDDEN, HIDDEN, HIDDEN),
    ("POST", "imports.cancel"): Route(200, HIDDEN, HIDDEN, HIDDEN),
    # The owner is let in as far as the rules: his location has no number to send from.
    ("POST", "messages.send"): Route(422, FORBIDDEN, FORBIDDEN, FORBIDDEN, form=text),
    ("POST", "messages.preview"): Route(200, FORBIDDEN, FORBIDDEN, FORBIDDEN, form=text),
    ("GET", "opt_outs.download"): Route(200, FORBIDDEN, FORBIDDEN, FORBIDDEN, form=a_place),
    ("POST", "sync_runs.start"): Route(202, FORBIDDEN, FORBIDDEN, NO_SCOPE, form=a_run),
}


def closed_routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if not getattr(app.view_functions[rule.endpoint], "open_to_all", False)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_closed_route_is_tried_below(config: Config) -> None:
    assert closed_routes(create_app(config)) == set(ROUTES)


def test_what_is_open_is_written_down(config: Config) -> None:
    app = create_app(config)
    closed = {endpoint for _, endpoint in closed_routes(app)}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - closed == {
        "api-docs.openapi_json",
        "docs.page",
        "docs.part",
        "health.live",
        "health.ready",
        "metrics.show",
        "webhooks.not_that_way",
        "webhooks.openphone",
    }


@dataclass(frozen=True)
class World:
    live: FlaskClient
    db: Db
    env: dict[str, str]
    here: Location
    there: Location
    ids: dict[str, str]

    def ask(self, method: str, endpoint: str, headers: dict[str, str]) -> TestResponse:
        route = ROUTES[method, endpoint]
        form = route.form(self.here)
        with self.live.application.test_request_context():
            rule = next(self.live.application.url_map.iter_rules(endpoint))
            path = self.live.application.url_for(
                endpoint, **{name: self.ids[name] for name in rule.arguments}
            )
        told = {"json": form} if route.json else {"data": form}
        if method == "GET":
            told = {"query_string": form}
        return self.live.open(path, method=method, headers=headers, **(told if form else {}))

    def said(self, method: str, endpoint: str, headers: dict[str, str]) -> Said:
        answer = self.ask(method, endpoint, headers)
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        body = answer.json if answer.is_json else {}
        problem = answer.content_type == "application/problem+json"
        assert problem == (answer.status_code >= 400)
        return answer.status_code, body["code"] if problem else None

    def owner(self) -> Person:
        """One more owner of the location."""
        return people.make_person(self.db, self.env, {self.here.id: "owner"})

    def key(self, at: Location, revoked: str = "null") -> dict[str, str]:
        prefix = f"aac_{secrets.token_hex(4)}"
        key = f"{prefix}_{secrets.token_urlsafe(32)}"
        query = (
            "insert into api_keys (location_id, user_id, name, prefix, secret_hash, scopes,"
            f" expires_at, revoked_at) select %s, %s, 'All', %s, %s, array_agg(distinct scope),"
            f" now() + interval '1 day', {revoked} from api_scopes"
        )
        digest = hashlib.sha256(key.encode()).hexdigest()
        self.db.execute(query.encode(), (at.id, at.owner.id, prefix, digest))
        return {"X-Api-Key": key}


def an_import(db: Db, here: Location) -> str:
    row = db.execute(
        "insert into imports (location_id, list_name, created_by, file_path, filename, size_bytes,"
        " sha256) values (%s, 'Oak', %s, 'x', 'x.csv', 1, repeat('a', 64)) returning id",
        (here.id, here.owner.id),
    ).fetchone()
    assert row is not None
    return str(row[0])


def an_invite(db: Db, here: Location) -> str:
    row = db.execute(
        "insert into invites (location_id, email, role, created_by)"
        " values (%s, %s, 'marketer', %s) returning id",
        (here.id, f"{secrets.token_hex(6)}@example.com", here.owner.id),
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture
def world(live: FlaskClient, db: Db, stack: Stack) -> World:
    here, there = (people.make_location(db, stack.env) for _ in range(2))
    ids = {"import_id": an_import(db, here), "invite_id": an_invite(db, here)}
    return World(live, db, stack.env, here, there, ids)


def forged(world: World, person: Person, **changes: Any) -> dict[str, str]:
    """The person's token with other claims; signed by another unless they say by whom."""
    secret = changes.pop("secret", secrets.token_hex(32))
    claims = jwt.decode(person.token, options={"verify_signature": False})
    return {"Authorization": f"Bearer {jwt.encode(claims | changes, secret)}"}


def outsiders(world: World) -> Iterator[tuple[str, dict[str, str]]]:
    yield "the owner of another location", world.there.owner.bearer
    yield "a stranger", people.make_person(world.db, world.env, {}).bearer
    ended = world.owner()
    query = "update location_members set is_active = false where user_id = %s"
    world.db.execute(query, (ended.id,))
    yield "an owner whose membership was ended", ended.bearer


def signed_out(world: World) -> Iterator[tuple[str, dict[str, str]]]:
    left = world.owner()
    world.db.execute("delete from auth.sessions where user_id = %s", (left.id,))
    yield "an owner whose session was ended", left.bearer
    dismissed = world.owner()
    world.db.execute("update profiles set is_active = false where id = %s", (dismissed.id,))
    yield "an owner whose account was ended", dismissed.bearer


def without_credentials(world: World) -> Iterator[tuple[str, dict[str, str], str]]:
    owner, secret = world.here.owner, world.env["SUPABASE_JWT_SECRET"]
    yield "nobody", {}, "missing_token"
    yield "a forger", forged(world, owner), "invalid_token"
    yield "yesterday's token", forged(world, owner, secret=secret, exp=1), "expired_token"
    other = forged(world, owner, secret=secret, iss="https://other.supabase.co/auth/v1")
    yield "another project's token", other, "invalid_token"
    yield (
        "the service role",
        forged(world, owner, secret=secret, role="service_role"),
        ("invalid_token"),
    )
    for name in ("SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY"):
        yield name, {"Authorization": f"Bearer {world.env[name]}"}, "invalid_token"
    yield "a made-up key", {"X-Api-Key": f"aac_00000000_{'x' * 43}"}, "invalid_api_key"
    yield "a revoked key", world.key(world.here, revoked="now()"), "invalid_api_key"


@pytest.mark.parametrize(("method", "endpoint"), sorted(ROUTES), ids=lambda part: part)
def test_it_lets_in_its_owner_and_nobody_else(world: World, method: str, endpoint: str) -> None:
    route = ROUTES[method, endpoint]
    found: dict[str, Said] = {}
    expected: dict[str, Said] = {}
    for who, headers, code in without_credentials(world):
        found[who], expected[who] = world.said(method, endpoint, headers), (401, code)
    for who, headers in outsiders(world):
        found[who], expected[who] = world.said(method, endpoint, headers), route.outsider
    for who, headers in signed_out(world):
        found[who], expected[who] = world.said(method, endpoint, headers), SIGNED_OUT
    for role in ("marketer", "technician"):
        headers = world.here.people[role].bearer
        found[role], expected[role] = world.said(method, endpoint, headers), route.member
    elsewhere = world.said(method, endpoint, world.key(world.there))
    found["another location's key"], expected["another location's key"] = elsewhere, route.program
    assert found == expected
    assert world.ask(method, endpoint, world.here.owner.bearer).status_code == route.owner


def test_what_me_tells_an_outsider_is_nothing_of_here(world: World) -> None:
    for _, headers in outsiders(world):
        told = world.ask("GET", "identity.me", headers)
        assert world.here.id not in told.text
