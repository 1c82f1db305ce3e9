"""Work that goes on after an answer, and a way to wait until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

# What is due later than this is not waited for: a retry in five minutes, say.
NEAR_S = 2.0


class Tasks:
    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._near = 0

    def soon(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self._start(work, near=True)

    def later(self, delay_s: float, act: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        async def wait_and_act() -> None:
            await asyncio.sleep(delay_s)
            await act()

        return self._start(wait_and_act(), near=delay_s <= NEAR_S)

    async def idle(self, timeout_s: float) -> bool:
        """True once nothing is under way but what is due much later."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._near and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)
        return not self._near

    def cancel(self) -> None:
        for task in self._running:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, Any], near: bool) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        self._near += near

        def ended(_: asyncio.Task[Any]) -> None:
            self._running.discard(task)
            self._near -= near

        task.add_done_callback(ended)
        return task
