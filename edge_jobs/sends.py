"""Texts leave here: claim → start → one call of the vendor → finish, until nothing waits.

A job may be killed at any line. Postgres gives each text to one worker and starts its call once;
what was started and not finished is in doubt, and is settled by asking, never by sending again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from app import queues
from app.errors import AppError
from app.integrations.http import VendorBusy, VendorError, VendorRefused, VendorUnknown
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_fields import safe
from edge_jobs import runtime, vendors

log = structlog.get_logger(__name__)

Row = dict[str, Any]

# One by one: an answer to a customer waits for no more than the call that is going on.
BATCH = 1
LEASE_S = 120
# The call ends before the lease of its text does, with room for a slow answer of ours.
CALL_LEASE_S = 45
CALL_TIMEOUT_S = 20.0
# Between start_send and the first byte: a worker that stood still for longer gives up.
STALE_AFTER_S = 8.0
DRAINING_S = 60.0
# After so many questions without an answer nobody waits for the next: others use this queue, too.
MOST_SILENT = 3


def send_texts(draining_s: float = DRAINING_S) -> dict[str, int]:
    """Sends what may leave now until nothing waits. Returns how many by how they ended."""
    counts: dict[str, int] = {}
    try:
        phone = vendors.openphone()
        until = time.monotonic() + draining_s
        while time.monotonic() < until and not runtime.must_stop():
            claim = runtime.rpc("claim_outbound", p_limit=BATCH, p_lease_s=LEASE_S)
            for text in claim["claimed"]:
                ended = _send(phone, text["id"], text["lease"])
                counts[ended] = counts.get(ended, 0) + 1
            if not claim["looked_at"]:
                return counts
    except vendors.NotSetUp as error:
        _tell_what_waits(error.setting)
        return counts
    except AppError as error:
        # The database is away: what is reserved goes back when its lease is over.
        log.warning("texts_let_go", code=error.code)
        return counts
    queues.ring(runtime.redis(), queues.send_texts(now=datetime.now(UTC)))
    return counts


def free_sends() -> dict[str, int]:
    """Takes from dead workers what they held. Returns how many are freed, and how many in doubt."""
    found = {"freed": 0, "doubted": 0}
    # One by one: each is a transaction that waits for no other's text.
    while any((reaped := runtime.rpc("reap_outbound", p_limit=1)).values()):
        found = {key: found[key] + reaped[key] for key in found}
    if found["freed"]:
        queues.ring(runtime.redis(), queues.send_texts(now=datetime.now(UTC)))
    return found


def settle_sends() -> dict[str, int]:
    """Asks whether the vendor lists what is in doubt. Returns how many by what became of them."""
    counts: dict[str, int] = {}
    try:
        phone = vendors.openphone()
    except vendors.NotSetUp:
        return counts
    for text in runtime.rpc("outbound_to_reconcile"):
        state = _settle(phone, text)
        counts[state] = counts.get(state, 0) + 1
        if counts.get("no_answer") == MOST_SILENT:
            break
    return counts


def _tell_what_waits(setting: str) -> None:
    """An installation without texting hears nothing of it."""
    held = runtime.runtime()
    key = held.config.service_role_key
    with suppress(AppError):
        if held.database.rows(key, "outbound", "id", {"state": "queued"}, limit=1):
            log.warning("texts_wait", setting=setting)


def _send(phone: OpenPhone, outbound_id: str, lease: str) -> str:
    started_s = time.monotonic()
    text = runtime.rpc("start_send", p_outbound=outbound_id, p_lease=lease, p_lease_s=CALL_LEASE_S)
    if not text:
        return "held_back"
    outcome = _call(phone, text, lambda: time.monotonic() - started_s < STALE_AFTER_S)
    state: str = runtime.rpc("finish_send", p_outbound=outbound_id, p_lease=lease, **outcome)
    log.info("text_ended", outbound_id=outbound_id, outcome=outcome["p_outcome"], state=state)
    return state


def _call(phone: OpenPhone, text: Row, still_valid: Callable[[], bool]) -> Row:
    """One call, and how it ended in the words of finish_send."""
    try:
        sent = phone.send_message(
            from_=text["from"],
            to=text["to"],
            content=text["body"],
            still_valid=still_valid,
            timeout_s=CALL_TIMEOUT_S,
        )
    except VendorRefused as error:
        code, detail = (safe(said) if said else None for said in (error.code, error.detail))
        told = {"p_status": error.status, "p_code": code, "p_text": detail}
        return {"p_outcome": "refused"} | told
    except VendorBusy as error:
        return {"p_outcome": "busy", "p_retry_after_s": error.retry_after_s}
    except VendorUnknown as error:
        return {"p_outcome": "unknown", "p_code": "no_answer", "p_text": error.reason[:200]}
    return {"p_outcome": "accepted", "p_external_id": sent.id}


def _settle(phone: OpenPhone, text: Row) -> str:
    try:
        found = phone.find_sent(
            from_=text["from"],
            to=text["to"],
            text=text["body"],
            after=datetime.fromisoformat(text["call_started_at"]),
        )
    except VendorError as error:
        # Not answered, so not counted: it is due again in a minute.
        log.warning("text_not_asked_for", outbound_id=text["id"], why=error.reason)
        return "refused" if isinstance(error, VendorRefused) else "no_answer"
    ids = [sent.id for sent in found]
    state: str = runtime.rpc("reconcile_send", p_outbound=text["id"], p_external_ids=ids)
    log.info("text_asked_for", outbound_id=text["id"], found=len(ids), state=state)
    return state
