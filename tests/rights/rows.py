"""Makes sample rows past every policy, and looks at them there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.rights.world import Db

Body = dict[str, Any]
# A moment for timestamps, a word for texts …: what a column takes that has no rule of its own.
BY_TYPE: dict[str, Any] = {
    "boolean": True,
    "integer": 7,
    "bigint": 7,
    "numeric": 7,
    "date": "2026-01-02",
    "timestamp with time zone": "2026-01-02T03:04:05Z",
    "jsonb": {"sample": 1},
    "text[]": ["sample"],
    "text": "sample",
}


@dataclass(frozen=True)
class Place:
    """Where a row goes, and whose it is where it is somebody's."""

    id: str
    user: str


@dataclass(frozen=True)
class Record:
    """`body` makes the parents at once; `values` are for columns that it leaves out."""

    body: Callable[[Rows, Place], Body]
    key: tuple[str, ...] = ("id",)
    values: dict[str, Any] = field(default_factory=dict)
    new: Callable[[Rows, Place], Body] | None = None
    """`body` names a row that is there, a person or a location: this makes another."""
    is_fixed: bool = False
    """`body` names a row of a migration, and the test makes no other."""
    restored: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """What it is and what to try, where only a real change is guarded. Set back at once."""


class Rows:
    """Makes rows as `postgres` and looks at them past every policy."""

    def __init__(
        self, db: Db, types: dict[str, dict[str, str]], records: dict[str, Record]
    ) -> None:
        self.db, self.types, self.records = db, types, records

    def make(self, table: str, place: Place, new: bool = False) -> Body:
        """A row's key: of a new one, except for what is there already unless `new` is asked for."""
        record = self.records[table]
        if record.is_fixed or (record.new and not new):
            body = record.body(self, place)
            return {column: body[column] for column in record.key}
        return self.insert(table, self.body(table, place), record.key)

    def body(self, table: str, place: Place) -> Body:
        record = self.records[table]
        return (record.new or record.body)(self, place)

    def insert(self, table: str, body: Body, key: tuple[str, ...] = ("id",)) -> Body:
        columns = ", ".join(body)
        answer = ", ".join(f"'{column}', {column}" for column in key)
        row = self.db.execute(
            f"insert into {table} ({columns}) select {columns}"
            f" from jsonb_populate_record(null::{table}, %s)"
            f" returning jsonb_build_object({answer})",
            (json.dumps(body),),
        ).fetchone()
        assert row is not None
        found: Body = row[0]
        return found

    def restore(self, table: str, key: Body, column: str) -> None:
        where = " and ".join(f"{name} = %s" for name in key)
        old = self.records[table].restored[column][0]
        self.db.execute(f"update {table} set {column} = %s where {where}", [old, *key.values()])

    def version(self, table: str, key: Body) -> Any:
        """Changes with every write to the row; None when there is no such row."""
        return self._find(table, "array[xmin::text, ctid::text]", key)

    def now(self, table: str, column: str, key: Body) -> Any:
        return self._find(table, f"to_jsonb({column})", key)

    def _find(self, table: str, what: str, key: Body) -> Any:
        where = " and ".join(f"{column} = %s" for column in key)
        row = self.db.execute(
            f"select {what} from {table} where {where}", list(key.values())
        ).fetchone()
        return row and row[0]

    def there(self, table: str, body: Body) -> int:
        """How many rows hold what the body says: by its key, where it says one."""
        key = {column: body[column] for column in self.records[table].key if column in body}
        if len(key) == len(self.records[table].key):
            return self.version(table, key) is not None
        row = self.db.execute(
            f"select count(*) from jsonb_populate_record(null::{table}, %s) b, {table} t"
            f" where ({', '.join(f't.{c}' for c in body)}) is not distinct from"
            f" ({', '.join(f'b.{c}' for c in body)})",
            (json.dumps(body),),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def value(self, table: str, column: str, place: Place) -> Any:
        """Something a new row takes in the column: nothing, where it would name another row."""
        given = self.records[table].values.get(column)
        if given is not None:
            return given(self, place) if callable(given) else given
        kind = self.types[table][column]
        return None if kind == "uuid" else BY_TYPE[kind]

    def change(self, table: str, column: str, key: Body) -> Any:
        """What the row has there already: writing that needs the right, and breaks no rule."""
        return self.records[table].restored.get(column, [self.now(table, column, key)])[-1]

    def one(self, table: str, place: Place) -> str:
        """A new parent's id."""
        return str(self.make(table, place)["id"])
