"""Counting by the minute, on a real Redis, and without one."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from app import leases
from app.leases import AWAY_S, Leases, Standing
from devstack import ports
from devstack.processes import wait_until

START = 1_795_000_040.0  # twenty seconds into a minute
AWAY = "redis://127.0.0.1:9/0"


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def name() -> str:
    return f"test:{uuid.uuid4()}"


@pytest.fixture
def process(redis_conn: redis.Redis, clock: Clock) -> Leases:
    return Leases(redis_conn, clock)


def hits(process: Leases, name: str, quota: int, times: int) -> int:
    """How many of `times` were let pass."""
    return sum(not process.hit(name, quota).refused for _ in range(times))


def test_the_quota_passes_and_not_one_more(process: Leases, name: str) -> None:
    assert hits(process, name, 20, 30) == 20
    assert process.hit(name, 20) == Standing(refused=True, remaining=0, reset_s=40)


def test_it_says_how_many_are_left_and_until_when(process: Leases, name: str) -> None:
    assert process.hit(name, 20) == Standing(refused=False, remaining=19, reset_s=40)
    assert process.hit(name, 20).remaining == 18


def test_a_new_minute_starts_anew(process: Leases, name: str, clock: Clock) -> None:
    assert hits(process, name, 5, 6) == 5
    clock.at += 40
    assert process.hit(name, 5) == Standing(refused=False, remaining=4, reset_s=60)


def test_one_is_not_counted_for_another(process: Leases, name: str) -> None:
    assert hits(process, name, 3, 9) == 3
    assert hits(process, f"{name}-other", 3, 9) == 3


@pytest.mark.parametrize("quota", [1, 7, 50, 600, 5000])
def test_processes_together_never_pass_more_than_the_quota(
    redis_conn: redis.Redis, clock: Clock, name: str, quota: int
) -> None:
    processes = [Leases(redis_conn, clock) for _ in range(3)]
    passed = sum(not processes[i % 3].hit(name, quota).refused for i in range(2 * quota))
    assert quota - 3 * max(1, quota // 50) <= passed <= quota


def test_threads_together_never_pass_more_than_the_quota(process: Leases, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        passed = sum(pool.map(lambda _: hits(process, name, 400, 100), range(8)))
    assert 392 <= passed <= 400


def test_whoever_comes_often_makes_few_questions(
    process: Leases, redis_conn: redis.Redis, name: str
) -> None:
    before = redis_conn.info("commandstats")["cmdstat_incrby"]["calls"] if hits(
        process, f"{name}-first", 9, 1
    ) else 0  # fmt: skip
    assert hits(process, name, 5000, 5000) == 5000
    asked = redis_conn.info("commandstats")["cmdstat_incrby"]["calls"] - before
    assert asked <= 5000 / 100 + 10


def test_a_key_is_gone_soon_after_its_minute(
    process: Leases, redis_conn: redis.Redis, name: str
) -> None:
    process.hit(name, 5)
    (key,) = redis_conn.keys(f"crm:limit:{name}:*")
    assert 0 < redis_conn.ttl(key) <= 120


def test_what_is_spent_is_known(process: Leases, name: str) -> None:
    assert not process.is_spent(name, 3)
    hits(process, name, 3, 4)
    assert process.is_spent(name, 3)


def test_too_many_names_are_forgotten(
    process: Leases, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_NAMES", 10)
    for i in range(30):
        process.hit(f"{name}-{i}", 5)
    assert len(process._held) <= 11


def test_without_redis_each_process_counts_alone(clock: Clock, name: str) -> None:
    with leases.connect(AWAY) as away:
        process = Leases(away, clock)
        assert hits(process, name, 5, 9) == 5
        assert process.is_spent(name, 5)
        clock.at += 60
        assert hits(process, name, 5, 9) == 5


class CountingRedis:
    """Not ours: a Redis that does not answer, and how often that was noticed."""

    def __init__(self) -> None:
        self.asked = 0

    def pipeline(self, **_: object) -> redis.client.Pipeline:
        self.asked += 1
        raise redis.ConnectionError


def test_one_request_in_five_seconds_asks_a_redis_that_is_away(clock: Clock, name: str) -> None:
    away = CountingRedis()
    process = Leases(away, clock)  # type: ignore[arg-type]
    for _ in range(100):
        process.hit(name, 1000)
    assert away.asked == 1
    clock.at += AWAY_S
    hits(process, name, 1000, 100)
    assert away.asked == 2


@pytest.fixture
def own_redis() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis that may be killed."""
    port = ports.choose_free(set())
    words = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    with leases.connect(url) as probe:
        assert wait_until(lambda: answers(probe), 10)
    yield url, process
    process.kill()
    process.wait()


def answers(probe: redis.Redis) -> bool:
    try:
        return bool(probe.ping())
    except redis.RedisError:
        return False


def test_a_killed_redis_holds_up_nobody_and_its_successor_is_used(
    own_redis: tuple[str, subprocess.Popen[bytes]], clock: Clock, name: str
) -> None:
    url, server = own_redis
    with leases.connect(url) as connection:
        process = Leases(connection, clock)
        assert hits(process, name, 20, 5) == 5
        server.kill()
        server.wait()
        started = time.monotonic()
        assert hits(process, name, 20, 30) == 15
        assert time.monotonic() - started < 1
        port = url.rpartition(":")[2].partition("/")[0]
        words = ["redis-server", "--port", port, "--save", "", "--bind", "127.0.0.1"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as successor:
            assert wait_until(lambda: answers(connection), 10)
            clock.at += AWAY_S
            assert hits(process, f"{name}-new", 3, 9) == 3
            assert connection.keys(f"crm:limit:{name}-new:*")
            successor.kill()


def test_a_redis_that_hangs_costs_one_request_a_fifth_of_a_second(
    own_redis: tuple[str, subprocess.Popen[bytes]], clock: Clock, name: str
) -> None:
    url, server = own_redis
    with leases.connect(url) as connection:
        process = Leases(connection, clock)
        server.send_signal(19)  # SIGSTOP: connects, never answers
        started = time.monotonic()
        assert hits(process, name, 100, 100) == 100
        assert time.monotonic() - started < 3 * leases.TIMEOUT_S
