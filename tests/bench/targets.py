"""What the door bench asks for: screens' own requests, and the row read each is compared with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from devstack.stack import Stack
from tests.bench import million
from tests.bench.load import Target
from tests.bench.million import BIG
from tests.bench.served import Served

COLUMNS = "id,display_name,phone,email,created_at"
SEARCHES, INSERTS = 500, 40_000
# Beginnings and whole words, rare and common, as people type them.
ASKED = """
    select case n %% 6 when 0 then last_name when 1 then first_name || ' ' || left(last_name, 3)
      when 2 then right(phone, 4) when 3 then left(email, 12) when 4 then lower(left(last_name, 4))
      else phone end from (select *, row_number() over () as n from contacts tablesample system (2)
      where location_id = %s and last_name is not null limit %s) x
"""
Connection = psycopg.Connection[Any]


class Targets:
    """As the owner of the large location. `folder` takes the bodies that are posted."""

    def __init__(self, stack: Stack, ours: Served, bare: Served, folder: Path) -> None:
        self._env = stack.env
        self._rest = stack.env["POSTGREST_URL"]
        self._folder = folder
        self.ours, self.bare = ours, bare
        self._bearer = {"Authorization": f"Bearer {million.token(stack, BIG)}"}
        self._service = {"Authorization": f"Bearer {stack.env['SUPABASE_SERVICE_ROLE_KEY']}"}
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
            self._one, self._at = _middle(db)
            self._import = _import(db)
            self._searches = self._bodies("searches", _searches(db))
        self._inserted = 0

    def noop(self) -> Target:
        return Target("authenticated no-op (Flask)", f"{self.ours.url}/noop", self._bearer)

    def bare_noop(self) -> Target:
        return Target("bare Flask no-op", f"{self.bare.url}/noop", self._bearer)

    def row(self) -> Target:
        url = f"{self._rest}/contacts?id=eq.{self._one}&select={COLUMNS}"
        return Target("bare row read (PostgREST)", url, self._service)

    def row_by_gateway(self) -> Target:
        url = f"{self._env['SUPABASE_URL']}/rest/v1/contacts?id=eq.{self._one}&select={COLUMNS}"
        key = {"apikey": self._env["SUPABASE_SERVICE_ROLE_KEY"]}
        return Target("bare row read by the stand-in gateway", url, self._service | key)

    def page(self) -> Target:
        at = quote(self._at)
        url = (
            f"{self._rest}/contacts?select={COLUMNS}&location_id=eq.{BIG.location}"
            f"&deleted_at=is.null&order=created_at.desc,id&limit=50&created_at=lte.{at}"
            f"&or=(created_at.lt.{at},and(created_at.eq.{at},id.gt.{self._one}))"
        )
        return Target("contact page, 50 rows, by keyset (PostgREST)", url, self._bearer)

    def search(self) -> Target:
        url = f"{self._rest}/rpc/search_contacts"
        return Target("search of 902,000 people (PostgREST)", url, self._json(), self._searches)

    def insert(self) -> Target:
        """Another file of people each time: none may be there already."""
        first, self._inserted = self._inserted, self._inserted + INSERTS
        people = [_person(n) for n in range(first, first + INSERTS)]
        url, headers = f"{self._rest}/contacts", self._json() | {"Prefer": "return=minimal"}
        return Target("single insert (PostgREST)", url, headers, self._bodies("people", people))

    def import_status(self) -> Target:
        url = f"{self.ours.url}/api/v1/imports/{self._import}"
        return Target("import status (Flask, gateway, PostgREST)", url, self._bearer)

    def all(self) -> list[Callable[[], Target]]:
        flask = [self.bare_noop, self.noop]
        direct = [self.row, self.page, self.search, self.insert]
        return [*flask, *direct, self.row_by_gateway, self.import_status]

    def _json(self) -> dict[str, str]:
        return self._bearer | {"Content-Type": "application/json"}

    def _bodies(self, name: str, bodies: list[dict[str, Any]]) -> Path:
        path = self._folder / name
        path.write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
        return path


def _middle(db: Connection) -> tuple[str, str]:
    row = db.execute(
        "select id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        " from contacts where location_id = %s and deleted_at is null"
        " order by created_at desc, id offset %s limit 1",
        (BIG.location, BIG.people // 2),
    ).fetchone()
    assert row
    return str(row[0]), str(row[1])


def _import(db: Connection) -> str:
    row = db.execute(
        "with l as (insert into lists (location_id, name)"
        " values (%s, gen_random_uuid()) returning id)"
        " insert into imports (location_id, list_id, list_name, file_path, filename, size_bytes,"
        " sha256) select %s, id, 'bench', '-', '-', 1, repeat('0', 64) from l returning id",
        (BIG.location, BIG.location),
    ).fetchone()
    assert row
    return str(row[0])


def _searches(db: Connection) -> list[dict[str, Any]]:
    asked = db.execute(ASKED.encode(), (BIG.location, SEARCHES)).fetchall()
    return [{"p_location": BIG.location, "p_query": text} for (text,) in asked]


def _person(n: int) -> dict[str, Any]:
    name = {"first_name": "Bench", "last_name": f"Person{n}", "display_name": f"Bench Person{n}"}
    return name | {"location_id": BIG.location, "phone": f"+1989{2_000_000 + n}"}
