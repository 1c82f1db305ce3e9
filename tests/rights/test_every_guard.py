"""A guard that lets everybody by is noticed by what stands behind it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.rights import statement
from tests.rights.cells import Cells
from tests.rights.statement import Line

YES, NOTHING = "return true;", "return;"
# The function, what it would say to everybody, and where somebody would get by.
GUARDS = [
    ("private.session_stands()", YES, "contacts", "select", "signed out owner"),
    ("private.second_factor_given()", YES, "contacts", "select", "owner without second factor"),
    ("private.require_role(uuid,text[])", NOTHING, "my_settings", "execute", "stranger"),
    ("private.require_role(uuid,text[])", NOTHING, "create_api_key", "execute", "marketer"),
    ("private.require_role(uuid,text[])", NOTHING, "search_contacts", "execute", "technician"),
    ("private.require_role(uuid,text[])", NOTHING, "import_location", "execute", "marketer"),
    ("private.require_grant(uuid,text)", NOTHING, "create_invite", "execute", "technician"),
    ("door.check_request()", NOTHING, "lists", "select", "key for lists:read"),
]


@pytest.mark.parametrize(("guard", "says", "name", "verb", "who"), GUARDS)
def test_a_guard_that_lets_everybody_by_is_noticed(
    cells: Cells,
    lines: list[Line],
    rights_db: psycopg.Connection[Any],
    guard: str,
    says: str,
    name: str,
    verb: str,
    who: str,
) -> None:
    row = rights_db.execute("select pg_get_functiondef(%s::regprocedure)", (guard,)).fetchone()
    assert row is not None
    head = row[0].partition("AS $function$")[0].replace("LANGUAGE sql", "LANGUAGE plpgsql")
    rights_db.execute(f"{head} as $weak$ begin {says} end $weak$")
    try:
        found = cells.differences(statement.of(lines, name, verb))
    finally:
        rights_db.execute(row[0])
    assert [difference for difference in found if difference.startswith(f"{who}: ")]
