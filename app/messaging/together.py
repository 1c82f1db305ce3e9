"""One call for many: what comes while a call is under way goes with the next one.

Nobody waits for company: alone, a caller's call begins at once; the busier it is, the more go in
one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from app.errors import AppError, unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
AWAY = 503
MOST = 50
# With the longest call of the inbox less than the ten seconds a vendor waits for its answer.
PATIENCE_S = 2.0


@dataclass
class Waiting(Generic[Item, Result]):
    item: Item
    result: Result | None = None
    error: AppError | None = None
    over: bool = False


class Together(Generic[Item, Result]):
    """`call` answers for each item in order. Threads of one process share it."""

    def __init__(
        self,
        call: Callable[[Sequence[Item]], Sequence[Result]],
        what: str,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._call = call
        self._what = what
        self._patience_s = patience_s
        self._calling = threading.Lock()
        self._waiting: SimpleQueue[Waiting[Item, Result]] = SimpleQueue()

    def do(self, item: Item) -> Result:
        """Raises AppError: of the item's own call, or 503 when the call of all came to nothing."""
        mine: Waiting[Item, Result] = Waiting(item)
        self._waiting.put(mine)
        with self._calling:
            # Somebody before us may have taken it along, or more wait before us than go in one.
            while not mine.over:
                self._answer(self._take())
        if mine.error:
            raise mine.error
        if mine.result is None:
            raise unavailable("database_unavailable", self._what)
        return mine.result

    def _take(self) -> list[Waiting[Item, Result]]:
        taken: list[Waiting[Item, Result]] = []
        try:
            while len(taken) < MOST:
                taken.append(self._waiting.get_nowait())
        except Empty:
            pass
        return taken

    def _answer(self, taken: Sequence[Waiting[Item, Result]]) -> None:
        began_s = time.monotonic()
        try:
            results = self._call([waiting.item for waiting in taken])
            for waiting, result in zip(taken, results, strict=True):
                waiting.result = result
        except AppError as error:
            if error.status == AWAY and time.monotonic() - began_s > self._patience_s:
                # Who waited for this one would wait too long for another.
                taken = [*taken, *self._take()]
            self._apart(taken, error)
        finally:
            for waiting in taken:
                waiting.over = True

    def _apart(self, taken: Sequence[Waiting[Item, Result]], error: AppError) -> None:
        """One that cannot be taken must not cost the others theirs; whoever is away is away."""
        if len(taken) == 1 or error.status == AWAY:
            for waiting in taken:
                waiting.error = error
        else:
            for waiting in taken:
                self._answer([waiting])
