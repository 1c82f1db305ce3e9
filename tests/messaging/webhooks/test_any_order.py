"""Told again, out of order, by both systems and with nonsense between: the same end, exactly."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_jobs.webhooks import apply_webhooks
from tests.messaging.webhooks import end_state
from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.traffic import Body, traffic

Make = Callable[[], Inbox]


def take_in(inbox: Inbox, bodies: list[Body], step: int) -> None:
    for start in range(0, len(bodies), step):
        inbox.put_bodies(bodies[start : start + step])
        apply_webhooks(600.0)
    assert not [one for one in end_state.events(inbox).values() if one[0] in ("received", "parked")]


def same_end(make: Make, seed: int, count: int, step: int) -> None:
    orderly, wild = make(), make()
    take_in(orderly, traffic(orderly.office, seed, count).in_order, step)
    take_in(wild, traffic(wild.office, seed, count).as_it_comes, step)
    assert end_state.told(wild) == end_state.told(orderly), f"seed {seed}"
    became = end_state.events(wild)
    # What was told again by the other system is more, and no less went well.
    assert end_state.events(orderly).items() <= became.items()


def test_any_order_ends_alike(make: Make) -> None:
    same_end(make, random.SystemRandom().randrange(10**6), 250, 90)


def test_jobs_at_once_end_alike(make: Make) -> None:
    orderly, wild = make(), make()
    seed = random.SystemRandom().randrange(10**6)
    take_in(orderly, traffic(orderly.office, seed, 200).in_order, 300)
    wild.put_bodies(traffic(wild.office, seed, 200).as_it_comes)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(apply_webhooks, 60.0) for _ in range(4)]:
            done.result()
    wild.later()
    apply_webhooks(60.0)
    assert end_state.told(wild) == end_state.told(orderly), f"seed {seed}"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 6))
def test_ten_thousand_events_end_alike(make: Make, seed: int) -> None:
    same_end(make, seed, 10_000, 700)
