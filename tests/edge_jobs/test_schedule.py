from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rq import Queue
from rq.serializers import JSONSerializer

from app import queues
from devstack.stack import Stack
from edge_jobs import schedule

CHECKOUT = Path(__file__).parents[2]
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
# Nothing listens there: a clock must go on without Redis.
AWAY = "redis://127.0.0.1:9/0"


class Time:
    """A clock that moves when it is waited on, and says stop after some waits."""

    def __init__(self, waits: int) -> None:
        self.at = START
        self.waits_left = waits
        self.asked: list[float] = []

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> bool:
        self.asked.append(seconds)
        self.at += timedelta(seconds=seconds)
        self.waits_left -= 1
        return self.waits_left <= 0


def test_it_ticks_every_fifteen_seconds_and_goes_on_while_redis_is_away() -> None:
    time = Time(waits=3)
    redis = queues.connect(AWAY)
    schedule.run(redis, time.now, time.wait)
    redis.close()
    assert time.asked == [15.0, 15.0, 15.0]


def stop(number: int, environment: dict[str, str]) -> tuple[int, str]:
    clock = subprocess.Popen(
        [sys.executable, "-m", "edge_jobs.schedule"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert clock.stdout
    read = [clock.stdout.readline()]
    clock.send_signal(number)
    rest, _ = clock.communicate(timeout=10)
    return clock.returncode, "".join([*read, rest])


def environment(redis_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "SUPABASE_URL": "http://127.0.0.1:9",
        "SUPABASE_SERVICE_ROLE_KEY": "service",
        "REDIS_URL": redis_url,
        "SITE_URL": "http://127.0.0.1:5173",
    }


def test_sigterm_stops_the_clock_long_before_its_next_tick() -> None:
    code, said = stop(signal.SIGTERM, environment(AWAY))
    assert code == 0
    assert "clock_started" in said
    assert "clock_stopped" in said


def test_each_tick_rings_the_sweep_once_however_many_clocks_run(stack: Stack) -> None:
    at = START + timedelta(seconds=random.randrange(10**9))
    with queues.connect(stack.env["REDIS_URL"]) as redis:
        for now in (at, at, at + timedelta(seconds=15)):
            schedule.ring_all(redis, now)
        waiting = Queue("maintenance", connection=redis, serializer=JSONSerializer).job_ids
        for now in (at, at + timedelta(seconds=15)):
            assert waiting.count(queues.ring_waiting_imports(now=now).id) == 1
