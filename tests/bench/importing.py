"""The import of large files, timed beside what bounds it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from devstack.stack import Stack
from tests.bench import baselines, product
from tests.bench.report import at_least, at_most, said
from tests.bench.rows import write_file

ROWS, MANY_ROWS = 100_000, 1_000_000
SINGLE_CALLS = 400


def run(stack: Stack) -> bool:
    """True when every promise is kept."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "100k.csv"), Path(folder, "1m.csv")
        write_file(small, ROWS)
        imported = said("import over HTTP, file to done", product.import_file(stack, small))
        merged = said("COPY plus the same merges in psql", baselines.copy_and_merge(stack, small))
        single = said("one REST call a row", baselines.one_call_a_row(stack, small, SINGLE_CALLS))
        write_file(large, MANY_ROWS, without_emails=True)
        many = said("import of 1,000,000 rows", product.import_file(stack, large))
    against_copy = imported["seconds"] / merged["seconds"]
    against_calls = single["ms_a_row"] / imported["ms_a_row"]
    memory = many["worker_mb"] / imported["worker_mb"]
    kept = [
        at_most("time ÷ (COPY + the same merges)", against_copy, 3),
        at_least("× faster than one REST call a row", against_calls, 15),
        at_most("worker memory, 1M ÷ 100k rows", memory, 1.3),
    ]
    return all(kept)
