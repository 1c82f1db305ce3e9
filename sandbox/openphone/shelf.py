"""Things kept by id and in the order they were made; pages of 100,000 without sorting."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

_counter = itertools.count(1)


def next_seq() -> int:
    """Orders what was made in the same millisecond."""
    return next(_counter)


class Dated(Protocol):
    id: str
    created_at: str
    seq: int


T = TypeVar("T", bound=Dated)
Key = tuple[str, int]


def key_of(item: Dated) -> Key:
    return (item.created_at, item.seq)


class Shelf(Generic[T]):
    def __init__(self) -> None:
        self.by_id: dict[str, T] = {}
        self._keys: list[Key] = []
        self._items: list[T] = []

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        key = key_of(item)
        at = bisect.bisect(self._keys, key)
        self._keys.insert(at, key)
        self._items.insert(at, item)
        self.by_id[item.id] = item

    def remove(self, item: T) -> None:
        at = bisect.bisect_left(self._keys, key_of(item))
        del self._keys[at], self._items[at], self.by_id[item.id]

    def newest_first(self, before: Key | None = None) -> Iterator[T]:
        at = len(self._keys) if before is None else bisect.bisect_left(self._keys, before)
        while at > 0:
            at -= 1
            yield self._items[at]
