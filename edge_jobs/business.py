"""Figures for whoever watches the business, counted by the database and left in Redis."""

from __future__ import annotations

from app import shared_counts
from edge_jobs import runtime


def count_business() -> None:
    """Counts once. What it leaves is forgotten after an hour without another count."""
    shared_counts.keep_business(runtime.redis(), runtime.rpc("business_counts"))
