"""Requests that were remembered for a day are forgotten."""

from __future__ import annotations

from edge_jobs import runtime


def forget_requests() -> int:
    """Forgets what is older than 24 hours. Returns how many; the rest of many goes next time."""
    count: int = runtime.rpc("forget_requests")
    return count
