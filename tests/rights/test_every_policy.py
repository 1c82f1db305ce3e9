"""No policy may be opened or shut without a cell that notices: each is tried both ways."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.rights import statement
from tests.rights.cells import Cells
from tests.rights.statement import Line

VERBS = {"r": "select", "a": "insert", "w": "update", "d": "delete"}


def policies(db: psycopg.Connection[Any]) -> list[tuple[str, str, str, str, str]]:
    """Table, name, command, and both conditions, of those that let somebody in."""
    return db.execute(
        "select relname, polname, polcmd::text, pg_get_expr(polqual, polrelid),"
        " pg_get_expr(polwithcheck, polrelid) from pg_policy join pg_class c on c.oid = polrelid"
        " where relnamespace = 'public'::regnamespace and polpermissive order by 1, 2"
    ).fetchall()


def alter(
    db: psycopg.Connection[Any], table: str, name: str, using: str | None, check: str | None
) -> None:
    parts = [sql.SQL("alter policy {} on public.{}").format(*map(sql.Identifier, (name, table)))]
    if using:
        parts.append(sql.SQL("using ({})").format(sql.SQL(using)))  # type: ignore[arg-type]
    if check:
        parts.append(sql.SQL("with check ({})").format(sql.SQL(check)))  # type: ignore[arg-type]
    db.execute(sql.SQL(" ").join(parts))


@pytest.mark.soak
@pytest.mark.parametrize("instead", ["true", "false"])
def test_a_changed_policy_is_noticed(
    cells: Cells, lines: list[Line], rights_db: psycopg.Connection[Any], instead: str
) -> None:
    unnoticed = []
    for table, name, command, using, check in policies(rights_db):
        alter(rights_db, table, name, using and instead, check and instead)
        try:
            if not cells.differences(statement.of(lines, table, VERBS[command])):
                unnoticed.append(f"{name} on {table}")
        finally:
            alter(rights_db, table, name, using, check)
    assert unnoticed == [], "\n".join(unnoticed)
