"""The two surfaces of OpenPhone's API under one key: v1, by which texts are sent, and the dated
one. Read 2026-11-20 at https://www.quo.com/docs.

Every request waits for its turn. Reads are tried again a few times, writes never.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.integrations.http import (
    Lane,
    Params,
    Turns,
    Vendor,
    VendorBusy,
    VendorError,
    VendorRefused,
    VendorUnknown,
)

API_VERSION = "2026-03-30"
TIMEOUT_S = 20.0
READ_TRIES = 4
LONGEST_PAUSE_S = 30.0

Found = TypeVar("Found")
Object = dict[str, Any]


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is what to give for the page after this one; None at the end."""

    items: list[Object]
    next: str | None


@dataclass(slots=True)
class Pages:
    """All pages of a list, one after the other, from `cursor` on.

    Ends after `most_pages`; then `was_cut` says that there was more, and `cursor` where.
    """

    fetch: Callable[[str | None], Page]
    most_pages: int
    cursor: str | None = None
    was_cut: bool = False

    def __iter__(self) -> Iterator[Page]:
        for _ in range(self.most_pages):
            page = self.fetch(self.cursor)
            if page.next is not None and page.next == self.cursor:
                raise VendorUnknown("openphone", "pages", "the same page again")
            self.cursor = page.next
            yield page
            if page.next is None:
                return
        self.was_cut = True

    def items(self) -> Iterator[Object]:
        for page in self:
            yield from page.items


@dataclass(frozen=True, slots=True, repr=False)
class Surface:
    """`key` goes into the header as it is, without "Bearer". `wait` is for pauses between tries."""

    url: str
    key: str
    vendor: Vendor
    turns: Turns
    wait: Callable[[float], None] = time.sleep

    def v1(self, operation: str, path: str, params: Params | None = None) -> Any:
        return self._read(operation, f"/v1{path}", params or {}, {})

    def dated(self, operation: str, path: str, params: Params | None = None) -> Any:
        return self._read(operation, path, params or {}, {"Quo-Api-Version": API_VERSION})

    def v1_write(self, operation: str, method: str, path: str, body: Object | None = None) -> Any:
        return self.write(operation, method, f"/v1{path}", body)

    def dated_write(
        self, operation: str, method: str, path: str, body: Object | None = None
    ) -> Any:
        version = {"Quo-Api-Version": API_VERSION}
        return self.write(operation, method, path, body, headers=version)

    def write(
        self,
        operation: str,
        method: str,
        path: str,
        body: Object | None,
        *,
        headers: Mapping[str, str] | None = None,
        lane: Lane = "read",
        timeout_s: float = TIMEOUT_S,
        still_valid: Callable[[], bool] = always,
    ) -> Any:
        """Once. The wait for the turn is part of `timeout_s`: VendorBusy when nothing is left."""
        started_s = self.vendor.clock()
        self.turns.turn(lane, operation)
        left_s = timeout_s - (self.vendor.clock() - started_s)
        if left_s <= 0:
            raise VendorBusy("openphone", operation, 0.0, "too_late")
        return self._held(
            lambda: self.vendor.write(
                operation,
                method,
                self.url + path,
                headers={"Authorization": self.key, **(headers or {})},
                body=body,
                timeout_s=left_s,
                still_valid=still_valid,
            )
        )

    def v1_page(self, operation: str, path: str, params: Params) -> Page:
        return _page(operation, self.v1(operation, path, params), "nextPageToken")

    def dated_page(self, operation: str, path: str, params: Params) -> Page:
        return _page(operation, self.dated(operation, path, params), "nextCursor")

    def _read(self, operation: str, path: str, params: Params, headers: Mapping[str, str]) -> Any:
        def once() -> Any:
            return self.vendor.read(
                operation,
                self.url + path,
                headers={"Authorization": self.key, **headers},
                params=params,
                timeout_s=TIMEOUT_S,
            )

        for attempt in range(READ_TRIES - 1):
            self.turns.turn("read", operation)
            try:
                return self._held(once)
            except (VendorBusy, VendorUnknown) as error:
                self.wait(_pause_s(attempt, error))
        self.turns.turn("read", operation)
        return self._held(once)

    def _held(self, call: Callable[[], Any]) -> Any:
        """A 429 is an answer to all processes that use the key."""
        try:
            return call()
        except VendorBusy as error:
            if error.reason == "status 429":
                self.turns.hold(error.retry_after_s)
            raise


def one(operation: str, answer: Any) -> Object:
    """The object in `data`. Raises VendorUnknown when there is none."""
    found = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise VendorUnknown("openphone", operation, "unreadable")
    return found


def many(operation: str, answer: Any) -> list[Object]:
    """The objects in `data`. Raises VendorUnknown when that is no list."""
    found = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise VendorUnknown("openphone", operation, "unreadable")
    return [item for item in found if isinstance(item, dict)]


def or_none(call: Callable[[], Found]) -> Found | None:
    """None where the vendor has nothing: that many calls have no summary is no error."""
    try:
        return call()
    except VendorRefused as error:
        if error.status == 404:
            return None
        raise


def _page(operation: str, answer: Any, next_name: str) -> Page:
    items = many(operation, answer)
    following = answer.get(next_name)
    return Page(items, following if isinstance(following, str) and following else None)


def _pause_s(attempt: int, error: VendorError) -> float:
    """Twice as long each time, and never all processes at once."""
    asked_s = error.retry_after_s if isinstance(error, VendorBusy) else 0.0
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - for spreading, not for secrets
    return min(max(asked_s, 0.0) + spread * 2.0**attempt, LONGEST_PAUSE_S)
