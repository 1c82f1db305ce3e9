"""The cells are worth something only if a difference shows: each is made once here, both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.rights import catalog, statement
from tests.rights.cells import Cells
from tests.rights.statement import Line
from tests.rights.world import World

Db = psycopg.Connection[Any]


@contextmanager
def changed(db: Db, doing: str, undoing: str) -> Iterator[None]:
    db.execute(doing)
    try:
        yield
    finally:
        db.execute(undoing)


def stated(lines: list[Line], name: str, verb: str, **changes: Any) -> list[Line]:
    """The lines as they would be if somebody had meant something else."""
    return [dataclasses.replace(line, **changes) for line in statement.of(lines, name, verb)]


@pytest.mark.parametrize("role", ["owner", "marketer", "technician", "service_role"])
def test_a_word_that_is_not_so_is_noticed(cells: Cells, lines: list[Line], role: str) -> None:
    [line] = statement.of(lines, "contact_cards", "select")
    other = "none" if line.words[role] != "none" else "location"
    wrong = stated(lines, "contact_cards", "select", words=line.words | {role: other})
    found = cells.differences(wrong)
    assert found and all(difference.startswith(f"{role}: ") for difference in found)


@pytest.mark.parametrize(
    ("verb", "less", "more"),
    [("insert", "notes", "credit_limit"), ("update", "notes", "created_by")],
)
def test_a_column_too_few_or_too_many_is_noticed(
    cells: Cells, lines: list[Line], verb: str, less: str, more: str
) -> None:
    [line] = statement.of(lines, "contacts", verb)
    columns = (*(name for name in line.columns if name != less), more)
    found = cells.differences(stated(lines, "contacts", verb, columns=columns))
    people = {
        difference.split(" is ")[0] for difference in found if not difference.startswith("key")
    }
    assert people == {
        f"{role}: {verb} contacts ({column})"
        for role in ("owner", "admin")
        for column in (less, more)
    }


def test_a_column_that_every_row_needs_is_noticed_too(cells: Cells, lines: list[Line]) -> None:
    [line] = statement.of(lines, "notes", "insert")
    columns = tuple(name for name in line.columns if name != "body")
    assert cells.differences(stated(lines, "notes", "insert", columns=columns)) == [
        f"{role}: insert notes (body) is allowed, stated: refused" for role in ("owner", "admin")
    ]


def test_a_grant_nobody_stated_is_noticed(cells: Cells, lines: list[Line], rights_db: Db) -> None:
    with changed(
        rights_db,
        "grant update (created_by) on contacts to authenticated",
        "revoke update (created_by) on contacts from authenticated",
    ):
        assert cells.differences(statement.of(lines, "contacts", "update")) == [
            f"{role}: update contacts (created_by) is allowed, stated: refused"
            for role in ("owner", "admin")
        ]


def test_a_policy_that_lets_everybody_in_is_noticed(
    cells: Cells, lines: list[Line], world: World, rights_db: Db
) -> None:
    with changed(
        rights_db,
        "create policy leak on notes for select to authenticated using (true)",
        "drop policy leak on notes",
    ):
        found = cells.differences(statement.of(lines, "notes", "select"))
    refused = {"owner", "admin", "marketer", "technician", "owner elsewhere", "stranger"}
    refused |= {"deactivated owner", "owner without second factor"}
    assert refused <= {difference.split(":")[0] for difference in found}


def test_a_policy_that_shuts_everybody_out_is_noticed(
    cells: Cells, lines: list[Line], rights_db: Db
) -> None:
    with changed(
        rights_db,
        "create policy shut on tags as restrictive for delete to authenticated using (false)",
        "drop policy shut on tags",
    ):
        found = cells.differences(statement.of(lines, "tags", "delete"))
    assert "owner: delete tags is refused, stated: allowed" in found


def test_a_function_opened_to_everybody_is_noticed(
    cells: Cells, lines: list[Line], rights_db: Db
) -> None:
    form = "imports_to_ring()"
    with changed(
        rights_db,
        f"grant execute on function {form} to authenticated",
        f"revoke execute on function {form} from authenticated",
    ):
        found = cells.differences(statement.of(lines, "imports_to_ring", "execute"))
    assert "technician: execute imports_to_ring is allowed, stated: refused" in found


def test_a_scope_that_opens_more_is_noticed(cells: Cells, lines: list[Line], rights_db: Db) -> None:
    with changed(
        rights_db,
        "insert into api_scopes values ('lists:read', 'notes', false)",
        "delete from api_scopes where (scope, resource) = ('lists:read', 'notes')",
    ):
        found = cells.differences(statement.of(lines, "notes", "select"))
    assert found == ["key for lists:read: select notes (location_id) is allowed, stated: refused"]


def test_a_new_table_nobody_stated_is_noticed(lines: list[Line], rights_db: Db) -> None:
    with rights_db.transaction(force_rollback=True):
        rights_db.execute("create table public.newcomer (id int primary key)")
        rights_db.execute("create function public.novelty() returns int language sql return 1")
        assert "newcomer" in catalog.relations(rights_db)
        assert "novelty" in catalog.functions(rights_db)
    assert not {"newcomer", "novelty"} & {line.object for line in lines}


def test_a_line_that_cannot_be_right_is_noticed() -> None:
    head = (
        "object,kind,verb,owner,admin,marketer,technician,service_role,scopes,columns,condition\n"
    )
    for wrong in (
        "notes,table,truncate,none,none,none,none,none,,,",
        "notes,table,select,everything,none,none,none,none,,*,",
        "notes,table,select,location,none,none,none,none,,,",
        "notes,table,select,none,none,none,none,none,contacts:read,,",
    ):
        assert statement.complaints(statement.read(head + wrong)), wrong


def test_a_wrong_name_or_argument_is_no_refusal(cells: Cells, world: World) -> None:
    """Else a cell of a function that is called wrongly would pass for every role."""
    owner = world.members["owner"]
    assert "PGRST202" in cells.trial.call(owner, "cancel_import", {"nothing": 1})
    assert cells.trial.select(owner, "nothing", {"id": "1"}, "id").startswith("404")
