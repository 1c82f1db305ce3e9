"""An office with conversations, and its people at their browsers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from supabase import Client, ClientOptions, create_client
from tests import people
from tests.people import Location, Person
from tests.rights.world import make_key

Row = dict[str, Any]


@dataclass(frozen=True)
class Office:
    db: psycopg.Connection[Any]
    env: Mapping[str, str]
    connections: httpx.Client
    place: Location
    number: str
    """The id of its own number."""

    def browser(self, person: Person) -> Client:
        return self._client(person.bearer)

    def program(self, *scopes: str) -> Client:
        key = make_key(self.db, self.place.id, self.place.owner.id, scopes)
        return self._client({"X-Api-Key": key})

    def _client(self, headers: dict[str, str]) -> Client:
        url, key = self.env["SUPABASE_URL"], self.env["SUPABASE_ANON_KEY"]
        options = ClientOptions(
            headers=headers, httpx_client=self.connections, auto_refresh_token=False
        )
        return create_client(url, key, options)

    def talk(self, phone: str, name: str = "") -> str:
        """A conversation without a word, with somebody named or not."""
        row = self.db.execute(
            "select private.conversation_for(%s, %s, %s)", (self.place.id, self.number, [phone])
        ).fetchone()
        assert row is not None
        if name:
            self.db.execute(
                "update contacts set first_name = %s where phone = %s and location_id = %s",
                (name, phone, self.place.id),
            )
        return str(row[0])

    def incoming(self, talk: str, text: str, on: psycopg.Connection[Any] | None = None) -> str:
        row = (
            (on or self.db)
            .execute(
                "insert into messages (location_id, conversation_id, phone_number_id, contact_id,"
                " external_id, direction, from_phone, to_phone, to_phones, status, source,"
                " occurred_at, body) select location_id, id, phone_number_id, contact_id, %s,"
                " 'incoming', participants[1], participants[1], participants, 'received', 'vendor',"
                " clock_timestamp(), %s from conversations where id = %s returning id",
                (secrets.token_hex(8), text, talk),
            )
            .fetchone()
        )
        assert row is not None
        return str(row[0])


def inbox(client: Client, office: Office, **filters: Any) -> list[Row]:
    asked = {"p_location": office.place.id, "p_filters": filters}
    rows: list[Row] = client.rpc("list_inbox", asked).execute().data  # type: ignore[assignment]
    return rows


def fresh_phone() -> str:
    return f"+1555{secrets.randbelow(8_000_000) + 2_000_000}"


def make_office(
    db: psycopg.Connection[Any], env: Mapping[str, str], connections: httpx.Client
) -> Office:
    place = people.make_location(db, env)
    row = db.execute(
        "insert into phone_numbers (location_id, e164) values (%s, %s) returning id",
        (place.id, fresh_phone()),
    ).fetchone()
    assert row is not None
    return Office(db, env, connections, place, str(row[0]))
