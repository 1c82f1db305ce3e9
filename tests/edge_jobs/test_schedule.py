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


# Waits again and again, SIGTERM coming one instruction later each time, until a wait was over
# before its signal came.
TOLD_AT_ANY_STEP = """
import signal, sys
from edge_jobs import schedule

def told_at(step):
    left = [step]
    def look(frame, event, argument):
        frame.f_trace_opcodes = True
        if event == "opcode":
            left[0] -= 1
            if left[0] == 0:
                signal.raise_signal(signal.SIGTERM)
        return look
    wait = schedule.until_told()
    sys.settrace(look)
    told = wait(0.01)
    sys.settrace(None)
    assert left[0] > 0 or told or wait(0), step
    return left[0] <= 0

step = 1
while told_at(step):
    step += 1
print(step)
"""


def test_sigterm_at_any_step_of_the_waiting_ends_it() -> None:
    child = [sys.executable, "-c", TOLD_AT_ANY_STEP]
    said = subprocess.run(child, cwd=CHECKOUT, capture_output=True, text=True, timeout=20)
    assert said.stderr == ""
    assert int(said.stdout) > 10


def test_each_tick_rings_the_sweep_once_however_many_clocks_run(stack: Stack) -> None:
    at = START + timedelta(seconds=random.randrange(10**9))
    with queues.connect(stack.env["REDIS_URL"]) as redis:
        for now in (at, at, at + timedelta(seconds=15)):
            schedule.ring_all(redis, now)
        waiting = Queue("maintenance", connection=redis, serializer=JSONSerializer).job_ids
        for now in (at, at + timedelta(seconds=15)):
            assert waiting.count(queues.ring_waiting_imports(now=now).id) == 1
