"""What a key would gain by embedding: every table beside every table its scope opens.

The door looks at the address, which names the first table only; the policies must do the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.rights.attacks.conftest import Ask
from tests.rights.records import RECORDS
from tests.rights.rows import Place, Rows
from tests.rights.statement import Line
from tests.rights.world import Actor, World

PARENTS = "profiles lists imports properties contacts companies conversations".split()
AREAS = ["contacts", "properties", "lists", "opt_outs", "imports", "messages"]


class Tie(NamedTuple):
    """A foreign key of `child` into `parent`, by its first column."""

    name: str
    child: str
    column: str
    parent: str


@pytest.fixture(scope="module")
def ties(rows: Rows, world: World) -> list[Tie]:
    """Every foreign key of public between two tables, with a row at `here` that uses it."""
    place = Place(world.here.id, world.here.owner.id)
    for table, record in RECORDS.items():
        if not record.is_fixed:
            rows.make(table, place)
    found = rows.db.execute(
        "select conname, conrelid::regclass::text, attname::text, confrelid::regclass::text"
        " from pg_constraint c join pg_attribute a on attrelid = conrelid and attnum = conkey[1]"
        " where contype = 'f' and connamespace = 'public'::regnamespace"
        " and conrelid <> confrelid and confrelid::regclass::text not like 'auth.%%' order by 1"
    )
    made = [Tie(*row) for row in found]
    for tie in made:
        _tie(rows, world, tie)
    return made


def _tie(rows: Rows, world: World, tie: Tie) -> None:
    """Fills the column where the sample left it empty."""
    if "location_id" not in rows.types[tie.child] or tie.column == "location_id":
        return
    at = {"here": world.here.id, "owner": world.here.owner.id}
    some = f"(select id from {tie.parent} where location_id = %(here)s limit 1)"
    other = "%(owner)s" if tie.parent == "profiles" else some
    if tie.parent in (
        "profiles",
        "lists",
        "imports",
        "properties",
        "contacts",
        "companies",
        "conversations",
    ):
        rows.db.execute(
            f"update {tie.child} set {tie.column} = {other}"
            f" where location_id = %(here)s and {tie.column} is null",
            at,
        )


def embeds(ties: list[Tie]) -> Iterator[tuple[str, str, str]]:
    """(first table, table embedded in it, how it is written)."""
    for tie in ties:
        yield tie.child, tie.parent, f"x:{tie.parent}!{tie.name}"
        yield tie.parent, tie.child, f"x:{tie.child}!{tie.name}"


def shown(lines: list[Line]) -> dict[str, str]:
    """What to ask of each table: everything, or a column where some are nobody's."""
    return {ln.object: ln.columns[0] for ln in lines if ln.verb == "select" and ln.is_open}


def embedded(ask: Ask, actor: Actor, first: str, how: str, column: str) -> list[Any]:
    """What came along with the first table's rows, without what is nothing."""
    answer: httpx.Response = ask(actor, f"/{first}?select={how}({column})")
    if answer.status_code in (401, 403):
        return []
    assert answer.status_code == 200, answer.text
    return [row["x"] for row in answer.json() if row["x"] not in (None, [])]


@pytest.mark.parametrize(
    "area", ["contacts", "properties", "lists", "opt_outs", "imports", "messages"]
)
def test_embedding_what_the_scope_does_not_open(
    ask: Ask, world: World, lines: list[Line], ties: list[Tie], area: str
) -> None:
    scope = f"{area}:write"
    columns = shown(lines)
    opened = {ln.object for ln in lines if ln.verb == "select" and scope in ln.scopes}
    escaped = [
        f"{other} through {first}"
        for first, other, how in embeds(ties)
        if first in opened and other not in opened
        if embedded(ask, world.keys[scope], first, how, columns.get(other, "*"))
    ]
    assert escaped == []


def test_every_table_beside_a_scope_has_a_row_to_embed(
    ask: Ask, owner: Actor, lines: list[Line], ties: list[Tie]
) -> None:
    """The owner sees it there; else the test above would try nothing."""
    scopes = {ln.object: ln.scopes for ln in lines if ln.verb == "select" and ln.is_open}
    beside = [
        (first, other, how)
        for first, other, how in embeds(ties)
        if scopes.get(first) and other in scopes and scopes[other] != scopes[first]
    ]
    columns = shown(lines)
    seen = {o for first, o, how in beside if embedded(ask, owner, first, how, columns[o])}
    assert seen == {other for _, other, _ in beside}
