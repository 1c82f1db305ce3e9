"""Whatever the vendor sends: the job goes on, and no row is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from devstack.stack import Stack
from edge_jobs import runtime
from edge_jobs.webhooks import apply_webhooks
from tests.messaging.webhooks import end_state
from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.traffic import Body, traffic
from tests.messaging.webhooks.vendor import Vendor

JUNK: tuple[Any, ...] = (
    None, True, -1, 10**40, 1e308, "", " ", "\x00", "\ud800", "x" * 3000, "never", "+", "+0", "٣",
    "Anonymous", [], {}, [[]], [None], [{"url": 1}], {"id": {}}, "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "{}", "'; drop table messages; --",
)  # fmt: skip


def spoilt(value: Any, draw: random.Random, share: float) -> Any:
    """The same with something else here and there."""
    if draw.random() < share:
        return draw.choice(JUNK)
    if isinstance(value, dict):
        return {key: spoilt(inner, draw, share) for key, inner in value.items()}
    return [spoilt(one, draw, share) for one in value] if isinstance(value, list) else value


def spoilt_bodies(inbox: Inbox, seed: int, count: int) -> list[Body]:
    draw = random.Random(seed)
    found = []
    for nth, (_, scheme, kind, body) in enumerate(traffic(inbox.office, seed, count).in_order):
        text = json.dumps(spoilt(json.loads(body), draw, 0.06))
        found.append((f"odd{inbox.office.mark}{nth}", scheme, kind, text))
    return found


def test_odd_events_end_somewhere_and_stop_nobody(inbox: Inbox) -> None:
    seed = random.SystemRandom().randrange(10**6)
    bodies = spoilt_bodies(inbox, seed, 300)
    inbox.put_bodies(bodies)
    good = inbox.tell.text(inbox.phone(99), "And a good one")
    inbox.take_in(good)
    became = end_state.events(inbox)
    assert len(became) == len(bodies) + 1
    odd = Counter(code for status, code, _ in became.values() if status == "received")
    assert not odd, f"seed {seed}: refused by the database, {odd}"
    assert inbox.event(good)["status"] == "processed"


def test_one_delivery_posted_by_many_at_once_is_one(
    stack: Stack, inbox: Inbox, worker: None
) -> None:
    runtime.open_inbox()
    told = inbox.tell.text(inbox.phone(), "Hello")
    body = (told.delivery_id("dated"), "dated", told.type, told.body("dated"))
    vendors = [Vendor(stack) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for posted in [pool.submit(vendor.post, body, body) for vendor in vendors]:
            posted.result()
    with ThreadPoolExecutor(3) as pool:
        for applied in [pool.submit(apply_webhooks) for _ in range(3)]:
            applied.result()
    for vendor in vendors:
        vendor.close()
        assert not vendor.unanswered
    assert len(end_state.events(inbox)) == len(inbox.all("messages")) == 1
