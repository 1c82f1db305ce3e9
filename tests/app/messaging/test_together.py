"""What comes while a call is under way goes with the next one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from app import clients, db
from app.config import Config
from app.errors import AppError, unavailable
from app.messaging import together
from app.messaging.together import Together

WITHIN_S = 10
Calls = list[list[int]]


class Slow:
    """Answers with the double; the first call waits until it is let go."""

    def __init__(self, fail: Callable[[Sequence[int]], None] = lambda _: None) -> None:
        self.calls: Calls = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._fail = fail

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.calls.append(sorted(items))
        if len(self.calls) == 1:
            self.begun.set()
            assert self.go_on.wait(WITHIN_S)
        self._fail(items)
        return [2 * item for item in items]


def crowd(slow: Slow, count: int, patience_s: float = WITHIN_S) -> list[Future[int]]:
    """One who calls, and `count` who come meanwhile; all of them have come when he is let go."""
    line = Together(slow, "The double", patience_s)
    pool = ThreadPoolExecutor(count + 1)
    futures = [pool.submit(line.do, 0)]
    assert slow.begun.wait(WITHIN_S)
    futures += [pool.submit(line.do, n + 1) for n in range(count)]
    while line._waiting.qsize() < count:
        threading.Event().wait(0.001)
    slow.go_on.set()
    pool.shutdown()
    return futures


def test_alone_it_goes_at_once() -> None:
    slow = Slow()
    slow.go_on.set()
    assert Together(slow, "The double").do(21) == 42
    assert slow.calls == [[21]]


def test_who_comes_meanwhile_goes_together_and_gets_his_own() -> None:
    slow = Slow()
    assert [future.result() for future in crowd(slow, 5)] == [0, 2, 4, 6, 8, 10]
    assert slow.calls == [[0], [1, 2, 3, 4, 5]]


def test_who_comes_behind_more_than_go_in_one_call_is_answered_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "MOST", 2)
    slow = Slow()
    slow.go_on.set()
    line = Together(slow, "The double")
    for n in range(3):
        line._waiting.put(together.Waiting(n))
    assert line.do(3) == 6
    assert slow.calls == [[0, 1], [2, 3]]


def test_one_that_cannot_be_taken_costs_the_others_nothing() -> None:
    def fail(items: Sequence[int]) -> None:
        if 3 in items:
            raise AppError(500, "internal_error", "No.")

    futures = crowd(Slow(fail), 4)
    with pytest.raises(AppError, match="internal_error"):
        futures[3].result()
    assert [futures[n].result() for n in (0, 1, 2, 4)] == [0, 2, 4, 8]


def test_when_the_database_is_away_nobody_asks_again() -> None:
    def fail(items: Sequence[int]) -> None:
        if 0 not in items:
            raise unavailable("database_unavailable", "The database")

    slow = Slow(fail)
    futures = crowd(slow, 3)
    assert {type(future.exception()) for future in futures[1:]} == {AppError}
    assert len(slow.calls) == 2


@pytest.mark.parametrize(("patience_s", "calls"), [(0.0, [[0]]), (WITHIN_S, [[0], [1, 2, 3]])])
def test_who_waited_long_for_a_database_that_hung_is_not_held_by_another_call(
    patience_s: float, calls: Calls
) -> None:
    def fail(items: Sequence[int]) -> None:
        if 0 in items:
            raise unavailable("database_unavailable", "The database")

    slow = Slow(fail)
    futures = crowd(slow, 3, patience_s)
    assert [future.exception() is None for future in futures[1:]] == [patience_s > 0] * 3
    assert slow.calls == calls


def test_a_database_that_hangs_frees_its_threads_in_time(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "INBOX_TIMEOUT", httpx.Timeout(0.5))
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        away = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        held = clients.build(replace(config, supabase_url=away))

        def receive(items: Sequence[int]) -> list[int]:
            kept: list[int] = held.inbox.inbox("key", "receive_webhooks", p_events=list(items))
            return kept

        line = Together(receive, "The inbox", 0.1)
        with ThreadPoolExecutor(8) as threads:
            futures = [threads.submit(line.do, 0)]
            called, _ = hanging.accept()
            futures += [threads.submit(line.do, n) for n in range(1, 8)]
            told = [future.exception(WITHIN_S) for future in futures]
        called.close()
        held.close()
    assert [error.status for error in told if isinstance(error, AppError)] == [503] * 8


def test_a_fault_of_ours_leaves_nobody_waiting() -> None:
    def fail(items: Sequence[int]) -> None:
        if 0 not in items:
            raise ZeroDivisionError

    futures = crowd(Slow(fail), 3)
    errors = sorted(type(future.exception()).__name__ for future in futures[1:])
    assert errors == ["AppError", "AppError", "ZeroDivisionError"]
