"""Instants as the vendors write them: ISO 8601 in UTC with milliseconds, which sort as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    return stamp(datetime.now(UTC))


def read(text: str) -> str:
    """The same instant in our form. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return stamp(found.replace(tzinfo=found.tzinfo or UTC))


def later(text: str, seconds: float) -> str:
    return stamp(datetime.fromisoformat(text) + timedelta(seconds=seconds))
