"""A location with a text, a call and a voicemail, and this process as the worker that fetches."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from edge_jobs import runtime
from edge_jobs.media import fetch_media
from tests.people import Location

Row = dict[str, Any]


@dataclass
class Office:
    db: psycopg.Connection[Any]
    location: Location
    number: str = ""
    conversation: str = ""

    def __post_init__(self) -> None:
        ours = f"+1617{secrets.randbelow(8_000_000) + 2_000_000}"
        self.number = self._insert(
            "phone_numbers", e164=ours, openphone_id=f"PN{secrets.token_hex(6)}"
        )
        self.conversation = self._insert(
            "conversations", phone_number_id=self.number, participants=["+16175550123"]
        )

    def message(self, external_id: str | None = None) -> str:
        return self._insert(
            "messages",
            conversation_id=self.conversation,
            phone_number_id=self.number,
            external_id=external_id or f"AC{secrets.token_hex(8)}",
            direction="incoming",
            from_phone="+16175550123",
            to_phone="+16175550100",
            to_phones=["+16175550100"],
            status="received",
            source="vendor",
            occurred_at="2026-11-20T14:30:00Z",
        )

    def call(self, external_id: str) -> str:
        return self._insert(
            "calls",
            conversation_id=self.conversation,
            phone_number_id=self.number,
            external_id=external_id,
            direction="incoming",
            phone="+16175550123",
            status="completed",
            occurred_at="2026-11-20T14:30:00Z",
        )

    def recording(self, call_id: str, external_id: str) -> str:
        return self._insert("call_recordings", call_id=call_id, external_id=external_id)

    def voicemail(self, call_external_id: str | None, external_id: str) -> str:
        return self._insert(
            "voicemails",
            conversation_id=self.conversation,
            external_id=external_id,
            call_external_id=call_external_id,
            phone="+16175550123",
            occurred_at="2026-11-20T14:30:00Z",
        )

    def media(self, url: str, **owner: Any) -> str:
        """A file that waits to be fetched; without an owner it came with a text."""
        given = owner or {"message_id": self.message()}
        return self._insert("media", conversation_id=self.conversation, source_url=url, **given)

    def row(self, media_id: str) -> Row:
        with self.db.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute("select * from media where id = %s", (media_id,)).fetchone()
        assert found is not None
        return found

    def fetch(self, url: str, **owner: Any) -> Row:
        """What becomes of a file that the worker fetches."""
        media_id = self.media(url, **owner)
        fetch_media(media_id)
        return self.row(media_id)

    def later(self, media_id: str) -> None:
        """Whoever waits to try again, or has died over it, has had his time."""
        self.db.execute(
            "update media set next_try_at = now(), lease_until = now() where id = %s", (media_id,)
        )

    def objects(self) -> list[str]:
        """The names of what lies in storage for this location."""
        found = self.db.execute(
            "select name from storage.objects where bucket_id = 'media' and name like %s"
            " order by name",
            (f"{self.location.id}/%",),
        )
        return [name for (name,) in found.fetchall()]

    def bytes_of(self, path: str) -> bytes:
        url = runtime.signed_url("media", path)
        return runtime.http().get(url).raise_for_status().content

    def todos(self) -> list[tuple[str, str]]:
        """(title, status) of what the office must do."""
        query = "select title, status from todos where location_id = %s order by created_at"
        return self.db.execute(query, (self.location.id,)).fetchall()

    def _insert(self, table: str, **values: Any) -> str:
        values = {"id": str(uuid.uuid4()), "location_id": self.location.id, **values}
        names, holes = ", ".join(values), ", ".join(["%s"] * len(values))
        self.db.execute(
            f"insert into {table} ({names}) values ({holes})".encode(), list(values.values())
        )
        return str(values["id"])
