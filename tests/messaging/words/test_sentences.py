"""What people write, labelled by a person, against what is read off it: precision and recall.

opt_out: any reader takes it for "text me no more". hold: one would ask a colleague. The words were
fitted to the first file; of the second's first 47 one opt-out was missed, and moved to the first.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

DATA = Path(__file__).parents[2] / "data"
OUTCOMES = ("opt_out", "hold", "opt_in", "help", "none")
Count = Counter[tuple[str, str]]


def read(db: psycopg.Connection[Any], name: str) -> tuple[Count, list[str]]:
    """Counts of (label, outcome), and which opt-outs were taken for none."""
    with (DATA / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = db.execute(
        "select t.text, t.label, o.outcome from unnest(%s::text[], %s::text[]) t (text, label),"
        " private.text_outcome(t.text) o",
        ([row["text"] for row in rows], [row["label"] for row in rows]),
    ).fetchall()
    missed = [text for text, label, outcome in found if label == "opt_out" and outcome == "none"]
    return Counter((label, outcome) for _, label, outcome in found), missed


def share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def precision(count: Count, outcome: str) -> float:
    """To hold what was an opt-out is slow, not wrong."""
    right = count[outcome, outcome] + (count["opt_out", "hold"] if outcome == "hold" else 0)
    return share(right, sum(count[label, outcome] for label in OUTCOMES))


def recall(count: Count, label: str, *outcomes: str) -> float:
    part = sum(count[label, outcome] for outcome in outcomes or (label,))
    return share(part, sum(count[label, outcome] for outcome in OUTCOMES))


def report(count: Count, name: str) -> str:
    lines = [f"\n{name}: {count.total()} sentences"]
    lines += [
        f"  {outcome:8} precision {precision(count, outcome):.3f}"
        f"  recall {recall(count, outcome):.3f}"
        for outcome in OUTCOMES
    ]
    caught = recall(count, "opt_out", "opt_out", "hold")
    false_holds = count["none", "hold"]
    lines.append(f"  opt-outs acted on or held {caught:.3f}, false holds {false_holds}\n")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "caught", "false_holds"),
    [("replies.csv", 1.0, 1), ("replies_held_out.csv", 0.95, 1)],
)
def test_precision_and_recall(
    db: psycopg.Connection[Any],
    capsys: pytest.CaptureFixture[str],
    name: str,
    caught: float,
    false_holds: int,
) -> None:
    count, missed = read(db, name)
    with capsys.disabled():
        sys.stdout.write(report(count, name))
    assert recall(count, "opt_out", "opt_out", "hold") >= caught, missed
    assert precision(count, "opt_out") == 1.0
    assert precision(count, "opt_in") == precision(count, "help") == 1.0
    assert recall(count, "opt_in") == recall(count, "help") == 1.0
    assert count["none", "hold"] <= false_holds
    assert recall(count, "none") >= 0.98


def test_there_are_three_hundred_and_more() -> None:
    with (DATA / "replies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 300
    assert len({row["text"] for row in rows}) == len(rows)
    assert {row["label"] for row in rows} == set(OUTCOMES)
