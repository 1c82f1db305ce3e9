"""The statement speaks of everything there is, and of nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg

from tests.rights import catalog, statement
from tests.rights.calls import CALLS
from tests.rights.cells import FAILS, SECOND_FACTOR
from tests.rights.records import RECORDS, VIEWS
from tests.rights.statement import VERBS, Line


def test_every_line_can_be_read(lines: list[Line]) -> None:
    assert statement.complaints(lines) == []


def test_every_table_view_and_function_is_stated(
    rights_db: psycopg.Connection[Any], lines: list[Line]
) -> None:
    """A new one fails here until somebody has said what is meant; so does a line about nothing."""
    there = {
        (name, kind, verb)
        for name, kind in catalog.relations(rights_db).items()
        for verb in VERBS[kind]
    } | {(name, "function", "execute") for name in catalog.functions(rights_db)}
    assert {(line.object, line.kind, line.verb) for line in lines} == there


def test_nothing_is_stated_twice(lines: list[Line]) -> None:
    said = Counter((line.object, line.verb, line.columns) for line in lines)
    assert [what for what, count in said.items() if count > 1] == []


def test_no_function_has_two_forms(rights_db: psycopg.Connection[Any]) -> None:
    """Which one PostgREST calls would be the caller's choice, and the statement has one line."""
    assert [n for n, count in Counter(catalog.functions(rights_db)).items() if count > 1] == []


def test_every_column_named_exists_and_is_named_once(
    rights_db: psycopg.Connection[Any], lines: list[Line]
) -> None:
    there = catalog.columns(rights_db)
    named = Counter((line.object, line.verb, name) for line in lines for name in line.columns)
    assert [what for what, count in named.items() if count > 1] == []
    assert [w for w in named if w[2] not in ("*", *there.get(w[0], ()))] == []


def test_every_condition_has_a_row_that_fails_it(lines: list[Line]) -> None:
    assert {line.condition for line in lines} - {"", SECOND_FACTOR, *FAILS} == set()


def test_there_is_a_sample_of_everything_stated(lines: list[Line]) -> None:
    assert {ln.object for ln in lines if ln.kind == "function"} == set(CALLS)
    assert {ln.object for ln in lines if ln.kind == "table"} == set(RECORDS)
    assert {ln.object for ln in lines if ln.kind == "view"} == set(VIEWS)


def test_scopes_are_those_of_the_database(
    rights_db: psycopg.Connection[Any], lines: list[Line]
) -> None:
    """As data they open a table for reading or writing; the statement says the same by the verb."""
    tables = rights_db.execute("select scope, resource, may_write from api_scopes").fetchall()
    calls = rights_db.execute("select scope, function from api_scope_functions").fetchall()
    for line in lines:
        if line.kind == "function":
            opening = {scope for scope, name in calls if name == line.object}
        else:
            reads = line.verb == "select"
            opening = {s for s, name, writes in tables if name == line.object and (writes or reads)}
        if line.words["owner"] != "none" and line.scopes != {"any"}:
            assert line.scopes == opening, line
