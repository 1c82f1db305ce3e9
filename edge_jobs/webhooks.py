"""The webhook inbox's jobs: take in what waits, ask for what is missing, tell of failures.

A job may be killed at any line: rows it had in hand are due again when its lease is over, and what
is applied twice changes nothing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from redis.exceptions import RedisError

from app import queues, shared_counts
from app.errors import AppError
from app.integrations import openphone_calls, openphone_objects
from app.integrations.http import VendorError
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_events import Fact, Malformed, normalise
from edge_jobs import runtime, vendors
from edge_jobs.media_rings import ring_waiting_media

log = structlog.get_logger(__name__)

Row = dict[str, Any]

# Few enough that the first of them is seen at once.
BATCH = 50
LEASE_S = 30
DRAINING_S = 60.0
# What comes within this goes together: most of a call's cost is the same for one event and for ten.
GATHER_S = 0.03
# Stands among the counts by status where answers of ours wait to be sent.
TEXTS_PLACED = "texts_placed"
# What reading a body of any form may raise beside Malformed: it costs that one event, not the job.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(slots=True)
class Taken:
    """What a job has taken in: how many by what became of them, and whether files came along."""

    counts: dict[str, int] = field(default_factory=dict)
    files: bool = False

    def add(self, counts: Mapping[str, int]) -> None:
        for status, number in counts.items():
            self.counts[status] = self.counts.get(status, 0) + number


def apply_webhooks(draining_s: float = DRAINING_S) -> dict[str, int]:
    """Takes in what waits until nothing does. Returns how many by what became of them."""
    taken = Taken()
    try:
        if not _drain(taken, time.monotonic() + draining_s):
            queues.ring(runtime.redis(), queues.apply_webhooks(now=datetime.now(UTC)))
    except AppError as error:
        # The database is away; what was claimed is due again when the lease is over.
        log.warning("webhooks_let_go", code=error.code)
    if taken.files:
        # The sweep rings for them too.
        with suppress(AppError):
            ring_waiting_media()
    return taken.counts


def _drain(taken: Taken, until: float) -> bool:
    """True when nothing waits any more."""
    while time.monotonic() < until and not runtime.must_stop():
        claimed = runtime.rpc("claim_webhook_events", p_limit=BATCH, p_lease_s=LEASE_S)
        if not claimed["events"]:
            return True
        _take_in(claimed, taken)
        if len(claimed["events"]) < BATCH:
            time.sleep(GATHER_S)
    return False


def ask_for_webhooks() -> int:
    """Asks the vendor for calls and texts of which too little was said. Returns how many came."""
    try:
        phone = vendors.openphone()
    except vendors.NotSetUp:
        return 0
    numbers = _numbers()
    return sum(_ask_for(phone, each, numbers) for each in runtime.rpc("webhooks_to_ask"))


def watch_webhooks() -> None:
    """Keeps what the web process refused, opens the inbox to it, reports what is dead."""
    _keep_refusals()
    runtime.open_inbox()
    runtime.rpc("watch_webhooks")


def _ask_for(phone: OpenPhone, wanted: str, numbers: Mapping[str, str]) -> bool:
    """What fails costs nobody else his turn, which comes once in half an hour."""
    kind, _, vendors_id = wanted.partition(":")
    if not re.fullmatch(r"[\w-]+", vendors_id):
        return False
    read = openphone_calls.call if kind == "call" else openphone_objects.message
    try:
        found = (phone.get_call if kind == "call" else phone.get_message)(vendors_id)
        if found:
            facts = [read(openphone_objects.rest(found, numbers))]
            runtime.rpc("apply_facts", p_location=None, p_facts=facts, p_source="webhook")
    except (VendorError, Malformed, AppError) as error:
        log.warning("vendor_not_asked", kind=kind, error=type(error).__name__)
        return False
    return bool(found)


def _numbers() -> dict[str, str]:
    """Our numbers, E.164 by the vendor's id."""
    held = runtime.runtime()
    key = held.config.service_role_key
    rows = held.database.rows(key, "phone_numbers", "openphone_id,e164", {})
    return {row["openphone_id"]: row["e164"] for row in rows if row["openphone_id"]}


def _take_in(claimed: Row, taken: Taken) -> None:
    events = [_read(event, claimed["numbers"]) for event in claimed["events"]]
    counts = _apply(claimed["lease"], events)
    if counts.pop(TEXTS_PLACED, 0):
        # Who says STOP is answered at once.
        queues.ring_unless_waiting(runtime.redis(), queues.send_texts(now=datetime.now(UTC)))
    taken.add(counts)
    taken.files |= any(_brings_files(fact) for event in events for fact in event.get("facts", []))


def _read(event: Row, numbers: Mapping[str, str]) -> Row:
    try:
        body = json.loads(event["body"], parse_constant=lambda _: None)
        return {"id": event["id"], "facts": normalise(body, numbers=numbers)}
    except Malformed as error:
        return {"id": event["id"], "malformed": error.reason}
    except UNREADABLE as error:
        log.error("webhook_unreadable", webhook=event["id"], error=type(error).__name__)
        return {"id": event["id"], "malformed": type(error).__name__}


def _brings_files(fact: Fact) -> bool:
    return bool(fact.get("media") or fact.get("url"))


def _apply(lease: str, events: Sequence[Row]) -> dict[str, int]:
    """What cannot go together goes one by one, so that nobody waits for another for ever."""
    try:
        return _send(lease, events)
    except AppError as error:
        log.warning("webhooks_one_by_one", code=error.code, count=len(events))
    alone = Taken()
    for event in events:
        alone.add(_apply_alone(lease, event))
    return alone.counts


def _apply_alone(lease: str, event: Row) -> dict[str, int]:
    """One that fails by itself too, as by taking too long, has had one of its five tries."""
    try:
        return _send(lease, [event])
    except AppError as error:
        log.error("webhook_failed", webhook=event["id"], code=error.code)
        return _send(lease, [{"id": event["id"], "failed": error.code}])


def _send(lease: str, events: Sequence[Row]) -> dict[str, int]:
    counts: dict[str, int] = runtime.rpc("apply_webhook_events", p_lease=lease, p_events=events)
    return counts


def _keep_refusals() -> None:
    """Whoever dies between the two has them counted twice, and not lost."""
    try:
        counts = shared_counts.webhook_refusals(runtime.redis())
    except RedisError as error:
        log.warning("refusals_not_read", error=type(error).__name__)
        return
    rows = [
        {"day": day, "provider": provider, "reason": reason, "count": int(number)}
        for (day, provider, reason), number in counts.items()
    ]
    if not rows:
        return
    runtime.rpc("count_webhook_refusals", p_counts=rows)
    try:
        shared_counts.settle_webhook_refusals(runtime.redis(), counts)
    except RedisError as error:
        log.warning("refusals_counted_again", error=type(error).__name__)
