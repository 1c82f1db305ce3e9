"""One pace for all processes, on a real Redis, and without one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import redis

from app.integrations.http import Lane, VendorBusy
from app.integrations.pace import (
    ALONE_GAP_S,
    AWAY_S,
    LONGEST_WAIT_S,
    PERIOD_US,
    Pace,
)
from devstack.stack import Stack
from tests.integrations.conftest import Clock

CHECKOUT = Path(__file__).parents[2]
START_US = 1_795_000_000_000_000
AWAY = "redis://127.0.0.1:9/0"
MANY = """
import json, sys
from redis import Redis
from app.integrations.pace import Pace
pace = Pace(Redis.from_url(sys.argv[1]), "test", sys.argv[2])
print(json.dumps([pace.reserve("read", int(sys.argv[3])) for _ in range(int(sys.argv[4]))]))
"""


@pytest.fixture
def pace(redis_conn: redis.Redis, clock: Clock) -> Pace:
    return Pace(redis_conn, "test", uuid.uuid4().hex, clock=clock, wait=clock.wait)


@pytest.fixture
def alone(clock: Clock) -> Pace:
    return Pace(redis.Redis.from_url(AWAY), "test", "k", clock=clock, wait=clock.wait)


def most_in_a_period(turns_us: list[int]) -> int:
    return max(sum(at <= other < at + PERIOD_US for other in turns_us) for at in turns_us)


def taken(pace: Pace, lane: Lane, count: int, now_us: int = START_US) -> list[int]:
    """Instants of so many turns, all asked for at once."""
    return [now_us + round(pace.reserve(lane, now_us) * 1e6) for _ in range(count)]


def test_seven_reads_go_at_once_and_the_rest_in_order(pace: Pace) -> None:
    turns_us = taken(pace, "read", 30)
    assert turns_us[:7] == [START_US] * 7
    assert turns_us == sorted(turns_us)
    assert most_in_a_period(turns_us) == 7


def test_ten_sends_go_at_once_when_nobody_reads(pace: Pace) -> None:
    turns_us = taken(pace, "send", 15)
    assert turns_us[:10] == [START_US] * 10
    assert turns_us[10] == START_US + PERIOD_US


def test_a_send_does_not_queue_behind_reads(pace: Pace) -> None:
    reads_us = taken(pace, "read", 100)
    sends_us = taken(pace, "send", 3)
    assert sends_us == [START_US] * 3
    assert most_in_a_period(reads_us + sends_us) == 10
    later_us = taken(pace, "send", 1, START_US + PERIOD_US)
    assert later_us == [START_US + PERIOD_US]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_no_period_holds_more_than_the_vendor_allows(pace: Pace, seed: int) -> None:
    chance = random.Random(seed)
    now_us, turns_us, reads_us = START_US, [], []
    for _ in range(150):
        now_us += chance.choice([0, 0, 0, 40_000, 700_000])
        lane: Lane = chance.choice(["send", "read", "read"])
        wait_s = pace.reserve(lane, now_us)
        if wait_s >= 0:
            turns_us.append(now_us + round(wait_s * 1e6))
            reads_us += turns_us[-1:] if lane == "read" else []
    assert most_in_a_period(turns_us) <= 10
    assert most_in_a_period(reads_us) <= 7


def test_a_turn_too_far_away_is_not_given(pace: Pace) -> None:
    while pace.reserve("send", START_US) >= 0:
        pass
    wait_s = -pace.reserve("send", START_US)
    assert LONGEST_WAIT_S["send"] < wait_s < LONGEST_WAIT_S["send"] + 2 * PERIOD_US / 1e6
    assert pace.reserve("send", START_US + PERIOD_US) > 0


def test_several_processes_share_one_pace(stack: Stack, pace: Pace) -> None:
    arguments = [stack.env["REDIS_URL"], pace.key, str(START_US), "20"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, *arguments], cwd=CHECKOUT, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    waits_s: list[float] = []
    for process in processes:
        waits_s += json.loads(process.communicate(timeout=30)[0])
        assert process.returncode == 0
    assert len(waits_s) == 60
    assert most_in_a_period([round(wait * 1e6) for wait in waits_s]) == 7


def test_another_key_has_a_pace_of_its_own(pace: Pace, redis_conn: redis.Redis) -> None:
    taken(pace, "read", 30)
    other = Pace(redis_conn, "test", uuid.uuid4().hex)
    assert taken(other, "read", 7) == [START_US] * 7


def test_who_gets_a_turn_waits_for_it(pace: Pace, clock: Clock) -> None:
    for _ in range(9):
        pace.turn("read")
    assert len(clock.waited) == 2
    assert all(0 < wait_s <= PERIOD_US / 1e6 for wait_s in clock.waited)


def test_who_gets_none_is_told_when_to_come_back(pace: Pace) -> None:
    while pace.reserve("send") >= 0:
        pass
    with pytest.raises(VendorBusy) as caught:
        pace.turn("send", "send_message")
    assert (caught.value.operation, caught.value.reason) == ("send_message", "no_turn")
    assert caught.value.retry_after_s > 0


def test_a_pause_the_vendor_asked_for_holds_everybody(pace: Pace, redis_conn: redis.Redis) -> None:
    pace.hold(3)
    pace.hold(1)
    assert 2 < pace.reserve("read") <= 3
    other = Pace(redis_conn, "test", pace.key)
    assert 2 < other.reserve("send") <= 3


def test_the_name_in_redis_does_not_tell_the_key(pace: Pace, redis_conn: redis.Redis) -> None:
    pace.reserve("read")
    assert not list(redis_conn.scan_iter(f"*{pace.key}*"))


def test_without_redis_a_process_goes_slowly_by_itself(alone: Pace, clock: Clock) -> None:
    for _ in range(4):
        alone.turn("read")
    assert clock.waited == [ALONE_GAP_S] * 3
    alone.hold(5)


def test_without_redis_too_none_waits_for_ever(alone: Pace, clock: Clock) -> None:
    alone._next_alone_s = clock() + LONGEST_WAIT_S["send"] + 1
    with pytest.raises(VendorBusy) as caught:
        alone.turn("send")
    assert caught.value.retry_after_s == LONGEST_WAIT_S["send"] + 1


def test_redis_is_asked_again_after_a_while(alone: Pace, pace: Pace, clock: Clock) -> None:
    alone.turn("read")
    alone.redis = pace.redis
    alone.turn("read")
    assert clock.waited == [ALONE_GAP_S]
    clock.at_s += AWAY_S
    alone.turn("read")
    assert clock.waited == [ALONE_GAP_S]
