"""What was found out about a credential, kept in this process for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 10_000


class Kept(Generic[T]):
    """By sha256. `now` gives seconds. Needs no lock: each step is one of the dictionary's own."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._found: dict[bytes, tuple[float, T]] = {}

    def get(self, credential: str) -> T | None:
        entry = self._found.get(_digest(credential))
        return entry[1] if entry and entry[0] > self._now() else None

    def keep(self, credential: str, what: T, *, until: float) -> None:
        if len(self._found) >= MOST:
            # Nobody has so many callers; whoever is still here is asked once more.
            self._found = {}
        self._found[_digest(credential)] = (until, what)


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()
