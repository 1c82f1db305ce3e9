"""What a bench prints: figures to record, promises kept or broken, tables for the record."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence


def line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def said(what: str, figures: Mapping[str, float]) -> Mapping[str, float]:
    line(f"{what}: {json.dumps(dict(figures))}")
    return figures


def at_most(name: str, value: float, bound: float) -> bool:
    return _told(name, f"{value:.2f} ≤ {bound}", value <= bound)


def at_least(name: str, value: float, bound: float) -> bool:
    return _told(name, f"{value:.2f} ≥ {bound}", value >= bound)


def _told(name: str, what: str, kept: bool) -> bool:
    line(f"{'kept' if kept else 'BROKEN':8}{name}: {what}")
    return kept


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Markdown, as it goes into docs/benchmarks.md."""
    for row in (head, ["---"] * len(head), *rows):
        line(f"| {' | '.join(_cell(cell) for cell in row)} |")
    line("")


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
