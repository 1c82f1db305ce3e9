"""`make bench`: the import of large files, timed beside what bounds it, on a stack of its own.

Ratios to a baseline of the same run are promises and fail the run; absolute figures are recorded.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack.stack import Stack
from tests.bench import baselines, product
from tests.bench.rows import write_file

ROWS, MANY_ROWS = 100_000, 1_000_000
SINGLE_CALLS = 400


def main() -> int:
    os.environ.setdefault("UPLOAD_LIMIT_MB", "600")
    with tempfile.TemporaryDirectory() as folder, _stack() as stack:
        small, large = Path(folder, "100k.csv"), Path(folder, "1m.csv")
        write_file(small, ROWS)
        imported = _said("import over HTTP, file to done", product.import_file(stack, small))
        merged = _said("COPY plus the same merges in psql", baselines.copy_and_merge(stack, small))
        single = _said("one REST call a row", baselines.one_call_a_row(stack, small, SINGLE_CALLS))
        write_file(large, MANY_ROWS, without_emails=True)
        many = _said("import of 1,000,000 rows", product.import_file(stack, large))
    kept = [
        _at_most("time ÷ (COPY + the same merges)", imported["seconds"] / merged["seconds"], 3),
        _at_least(
            "× faster than one REST call a row", single["ms_a_row"] / imported["ms_a_row"], 15
        ),
        _at_most("worker memory, 1M ÷ 100k rows", many["worker_mb"] / imported["worker_mb"], 1.3),
    ]
    return 0 if all(kept) else 1


def _at_most(name: str, value: float, bound: float) -> bool:
    return _told(name, f"{value:.2f} ≤ {bound}", value <= bound)


def _at_least(name: str, value: float, bound: float) -> bool:
    return _told(name, f"{value:.2f} ≥ {bound}", value >= bound)


def _told(name: str, what: str, kept: bool) -> bool:
    sys.stdout.write(f"{'kept' if kept else 'BROKEN':8}{name}: {what}\n")
    sys.stdout.flush()
    return kept


def _said(what: str, figures: Mapping[str, float]) -> Mapping[str, float]:
    sys.stdout.write(f"{what}: {json.dumps(dict(figures))}\n")
    sys.stdout.flush()
    return figures


@contextmanager
def _stack() -> Iterator[Stack]:
    stack = Stack("bench")
    stack.down(destroy=True)
    try:
        stack.up()
        yield stack
    finally:
        stack.down(destroy=True)


if __name__ == "__main__":
    sys.exit(main())
