"""Requests as screens send them, at 1,000,000 people: how many a second, and how long each takes.

BENCH_SECONDS=1 shortens each measurement, for trying the bench itself.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from devstack.stack import Stack
from tests.bench import million, tokens
from tests.bench.load import Figures, load
from tests.bench.report import at_least, line, table
from tests.bench.served import Served, served
from tests.bench.targets import Targets

CLIENTS = (1, 8, 32)
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
ROUNDS = 5
BOUND = 0.6


def run(stack: Stack) -> bool:
    """True when the door keeps its promise."""
    million.fill(stack)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(stack, "noop_app") as ours,
        served(stack, "noop_bare") as bare,
    ):
        targets = Targets(stack, ours, bare, Path(folder))
        kept = _compare_noops(targets)
        _measure_all(targets)
        _weigh(ours, bare)
    rows = [[name, rate["new"], rate["again"]] for name, rate in tokens.rates().items()]
    table(["token verifications a second, one process", "new", "seen before"], rows)
    return kept


def _compare_noops(targets: Targets) -> bool:
    """The two take turns, so that whatever else the machine does meets both."""
    for target in (targets.noop(), targets.bare_noop()):
        load(target, 8, 1)
    seen = [
        (load(targets.noop(), 8, SECONDS), load(targets.bare_noop(), 8, SECONDS))
        for _ in range(ROUNDS)
    ]
    ratios = [ours.requests_s / bare.requests_s for ours, bare in seen]
    line(f"no-op ÷ bare no-op at 8 clients, in turn: {', '.join(f'{r:.2f}' for r in ratios)}")
    return at_least("authenticated no-op ÷ bare Flask no-op", statistics.median(ratios), BOUND)


def _measure_all(targets: Targets) -> None:
    rows = []
    for clients in CLIENTS:
        row_read: Figures | None = None
        for made in targets.all():
            target = made()
            load(target, clients, 1) if target.bodies is None else None
            figures = load(target, clients, SECONDS)
            row_read = figures if made == targets.row else row_read
            share = figures.requests_s / row_read.requests_s if row_read else ""
            shown = [figures.requests_s, figures.p50_ms, figures.p95_ms, figures.p99_ms]
            rows.append([target.name, clients, *shown, share])
    head = ["request", "clients", "requests/s", "p50 ms", "p95 ms", "p99 ms", "× bare row read"]
    table(head, sorted(rows, key=lambda row: [r[0] for r in rows].index(row[0])))


def _weigh(ours: Served, bare: Served) -> None:
    rows = [
        [name, *(statistics.mean(column) for column in zip(*weights, strict=True))]
        for name, weights in (("ours", ours.weight_mb()), ("bare Flask", bare.weight_mb()))
        if weights
    ]
    table(["gunicorn worker after the load", "PSS, MB", "RSS, MB"], rows)
