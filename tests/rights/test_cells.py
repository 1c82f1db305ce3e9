"""Every cell of supabase/permissions.csv, tried through PostgREST by everyone."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.rights import statement
from tests.rights.cells import Cells
from tests.rights.statement import Line

VERBS = [
    (f"{name}-{verb}", list(found))
    for (name, verb), found in groupby(statement.read(), lambda line: (line.object, line.verb))
]


@pytest.mark.parametrize("lines", [found for _, found in VERBS], ids=[name for name, _ in VERBS])
def test_the_database_does_what_is_stated(cells: Cells, lines: list[Line]) -> None:
    assert cells.differences(lines) == []
