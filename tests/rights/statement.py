"""supabase/permissions.csv: what is meant, cell by cell.

One line says, of one object and one verb, who may: a word for each role, the API scopes that let a
program do it too (`any`: each key), the columns it goes for (`*`: all of them), and a condition
that a row must meet, or `second factor`.
The words: none; location (rows of the caller's own location, or a call with its ids); self (what is
the caller's own); all. service_role's columns are always all. A verb may take several lines with
different columns. Nobody else is ever let in, so nobody else has a column here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parents[2] / "supabase" / "permissions.csv"
ROLES = ("owner", "admin", "marketer", "technician", "service_role")
PEOPLE = ROLES[:4]
WORDS = ("none", "location", "self", "all")
VERBS = {
    "table": ("select", "insert", "update", "delete"),
    "view": ("select",),
    "function": ("execute",),
}


@dataclass(frozen=True)
class Line:
    object: str
    kind: str
    verb: str
    words: dict[str, str]
    scopes: frozenset[str]
    columns: tuple[str, ...]
    condition: str

    def __str__(self) -> str:
        return f"{self.verb} {self.object}"

    @property
    def is_open(self) -> bool:
        return any(self.words[role] != "none" for role in PEOPLE)

    def names(self, column: str) -> bool:
        return self.columns == ("*",) or column in self.columns


def read(text: str | None = None) -> list[Line]:
    rows = csv.DictReader(io.StringIO(PATH.read_text() if text is None else text))
    return [_line(row) for row in rows]


def _line(row: dict[str, str]) -> Line:
    return Line(
        object=row["object"],
        kind=row["kind"],
        verb=row["verb"],
        words={role: row[role] for role in ROLES},
        scopes=frozenset(row["scopes"].split()),
        columns=tuple(row["columns"].split()),
        condition=row["condition"],
    )


def of(lines: Iterable[Line], name: str, verb: str) -> list[Line]:
    return [line for line in lines if (line.object, line.verb) == (name, verb)]


def word(lines: Iterable[Line], role: str, column: str | None = None) -> str:
    """What `role` may with the column, or with any at all. `lines` are those of one verb."""
    found = [
        line.words[role]
        for line in lines
        if column is None or role == "service_role" or line.names(column)
    ]
    return next((said for said in found if said != "none"), "none")


def complaints(lines: list[Line]) -> list[str]:
    """What is wrong with the file itself."""
    wrong = []
    for line in lines:
        if line.verb not in VERBS.get(line.kind, ()):
            wrong.append(f"{line}: no such verb for a {line.kind}")
        wrong += [
            f"{line}: {role} {said!r}" for role, said in line.words.items() if said not in WORDS
        ]
        if line.kind != "function" and line.verb != "delete" and line.is_open != bool(line.columns):
            wrong.append(f"{line}: columns belong to a verb that somebody has, and only there")
        if line.scopes - {"any"} and line.words["owner"] == "none":
            wrong.append(f"{line}: a scope opens nothing that its maker may not do")
    return wrong
