"""A desk to import from: hands in as the owner, runs the real job, looks at the tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx
import psycopg
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from app import create_app
from app.config import Config, Quotas
from edge_jobs.imports import run_import
from tests.people import Location

Found = dict[str, Any]
JSON = "application/json"


@dataclass(frozen=True)
class Desk:
    """Everything goes through the doors people use: the route, PostgREST, the job itself."""

    env: Mapping[str, str]
    client: FlaskClient
    db: psycopg.Connection[Any]
    location: Location

    def hand_in(self, content: bytes, **form: str) -> str:
        """POST /api/v1/imports as the owner. Returns the import's id."""
        told = {"list_name": "Westcliff", "filename": "list.csv", **form}
        file = (told.pop("filename"), content, "text/csv")
        # Werkzeug's own encoder leaves a temporary file open when the body is large.
        form_data = httpx.Request("POST", "http://test", data=told, files={"file": file})
        answer = self.client.post(
            "/api/v1/imports",
            data=form_data.read(),
            headers=self.location.owner.bearer,
            content_type=form_data.headers["Content-Type"],
        )
        answer.request.close()
        assert answer.status_code == 202, answer.text
        return str(answer.json["id"])

    def run(self, content: bytes, **form: str) -> Found:
        """Hands in, runs the job in this process, and returns the row of `imports`."""
        import_id = self.hand_in(content, **form)
        run_import(import_id)
        return self.row(import_id)

    def done(self, content: bytes, **form: str) -> Found:
        """As `run`, for files that must go in."""
        row = self.run(content, **form)
        assert row["status"] == "done", row["error"]
        return row

    def row(self, import_id: str) -> Found:
        return self.one("select * from imports where id = %s", import_id)

    def report(self, import_id: str, outcome: str = "") -> list[dict[str, str]]:
        """GET …/rows.csv as the owner sees it, by column name."""
        answer = self.client.get(
            f"/api/v1/imports/{import_id}/rows.csv",
            query_string={"outcome": outcome} if outcome else {},
            headers=self.location.owner.bearer,
        )
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))

    def sql(self, query: str, *values: Any) -> list[Found]:
        with self.db.cursor(row_factory=dict_row) as cursor:
            done = cursor.execute(query.encode(), values)
            return done.fetchall() if done.description else []

    def one(self, query: str, *values: Any) -> Found:
        (found,) = self.sql(query, *values)
        return found

    def count(self, table: str, where: str = "true") -> int:
        """Rows of this location's table."""
        query = f"select count(*) from {table} where location_id = %s and {where}"
        return cast(int, self.one(query, self.location.id)["count"])

    def all(self, table: str, order: str = "created_at", where: str = "true") -> list[Found]:
        query = f"select * from {table} where location_id = %s and {where} order by {order}"
        return self.sql(query, self.location.id)

    def person(self, phone: str) -> Found:
        """The contact of this location with this number (E.164)."""
        return self.one(
            "select c.* from contacts c join contact_phones n on n.contact_id = c.id"
            " where n.location_id = %s and n.phone = %s",
            self.location.id,
            phone,
        )

    def write(self, method: str, path: str, body: Any, who: str = "owner") -> Found:
        """Through PostgREST as one of the location's people; the row as it now is."""
        person = self.location.people[who]
        answer = httpx.request(
            method,
            f"{self.env['SUPABASE_URL']}/rest/v1/{path}",
            json=body,
            headers={
                "apikey": self.env["SUPABASE_ANON_KEY"],
                "Prefer": "return=representation",
                **person.bearer,
            },
        )
        assert answer.is_success, answer.text
        found = answer.json()
        return cast(Found, found[0] if isinstance(found, list) else found)


@contextmanager
def open_client(env: Mapping[str, str]) -> Iterator[FlaskClient]:
    """Without limits: what one test is refused must not be counted for the next."""
    app = create_app(replace(Config.from_env(env), quotas=Quotas(0, 0, 0, 0, 0)))
    try:
        yield app.test_client()
    finally:
        app.extensions["clients"].close()


@contextmanager
def open_db(env: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """As `postgres`, each statement committed at once."""
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        yield connection
