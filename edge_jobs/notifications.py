"""Notifications that were read long ago are forgotten."""

from __future__ import annotations

from edge_jobs import runtime


def forget_notifications() -> int:
    """Forgets what was read 90 days ago. Returns how many; the rest of many goes next time."""
    count: int = runtime.rpc("forget_notifications")
    return count
