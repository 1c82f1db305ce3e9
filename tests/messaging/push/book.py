"""A location whose people the vendor is told of, and the vendor's address book."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

from edge_jobs import syncs
from tests import people
from tests.messaging.vendor_line import Line

Db = psycopg.Connection[Any]
Row = dict[str, Any]


@dataclass
class Book:
    db: Db
    place: people.Location
    line: Line
    number_id: str

    def switch(self, is_on: bool) -> None:
        self.db.execute(
            "insert into settings (location_id, key, value) values (%s, 'push_contacts', %s)"
            " on conflict (location_id, key) do update set value = excluded.value",
            (self.place.id, "true" if is_on else "false"),
        )

    def person(self, *, talks: bool = True, **columns: Any) -> str:
        """Known by a number, and with something said when he `talks`."""
        phone = f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"
        made = {"location_id": self.place.id, "phone": phone} | columns
        contact = self.value(
            f"insert into contacts ({', '.join(made)}) values ({', '.join(['%s'] * len(made))})"  # noqa: S608
            " returning id",
            *made.values(),
        )
        if talks:
            self.value(
                "insert into conversations (location_id, phone_number_id, participants,"
                " contact_id, last_at) values (%s, %s, array[%s], %s, now()) returning id",
                *(self.place.id, self.number_id, phone, contact),
            )
        return str(contact)

    def change(self, contact: str, column: str, value: Any) -> None:
        self.db.execute(
            f"update contacts set {column} = %s where id = %s".encode(),  # noqa: S608
            (value, contact),
        )

    def begin(self) -> str | None:
        """A run where somebody waits; None: nobody does. Others' locations are not looked at."""
        self.db.execute(
            "update settings set value = 'false' where key = 'push_contacts' and location_id <> %s",
            (self.place.id,),
        )
        if not self.value("select begin_contact_pushes()"):
            return None
        return str(
            self.value(
                "select id from sync_runs where location_id = %s and kind = 'contact_push'"
                " and status = 'waiting'",
                self.place.id,
            )
        )

    def push(self) -> Row:
        """A whole run. Returns how many people by what became of them."""
        run_id = self.begin()
        assert run_id is not None
        return self.go_on(run_id)

    def go_on(self, run_id: str) -> Row:
        self.db.execute(
            "update sync_runs set next_try_at = now(), lease_until = now() where id = %s", (run_id,)
        )
        assert syncs.run_sync(run_id) == "done"
        counts = self.value("select counts -> 'contacts' from sync_runs where id = %s", run_id)
        return dict(counts or {})

    def told(self, contact: str) -> list[Row]:
        """The vendor's contacts that carry our id."""
        path = f"/contacts?externalIds={contact}&maxResults=50"
        return list(self.line.sandbox.v1("GET", path).json()["data"])

    def one(self, contact: str) -> Row:
        (found,) = self.told(contact)
        return dict(found)

    def all(self) -> list[Row]:
        return list(self.line.sandbox.v1("GET", "/contacts?maxResults=50").json()["data"])

    def value(self, query: str, *values: Any) -> Any:
        row = self.db.execute(query.encode(), values).fetchone()
        return row and row[0]


def open_book(db: Db, place: people.Location, line: Line) -> Book:
    row = db.execute(
        "insert into phone_numbers (location_id, e164, is_active) values (%s, %s, false)"
        " returning id",
        (place.id, f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"),
    ).fetchone()
    assert row is not None
    made = Book(db, place, line, str(row[0]))
    made.switch(True)
    return made


def names(told: Row) -> tuple[Any, Any, Any]:
    fields = told["defaultFields"]
    return fields["firstName"], fields["lastName"], fields["company"]


def values(told: Row, kind: str) -> list[str]:
    return [item["value"] for item in told["defaultFields"][kind]]
