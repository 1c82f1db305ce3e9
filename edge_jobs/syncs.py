"""Runs through the vendor's records: history, the nightly reconciliation, the scan for STOP, the
push of our contacts.

A run goes on page by page. Its facts and where it then stands are written in one transaction, so it
may be killed at any line, paused, or go on in another worker; what comes twice changes nothing.
After a minute a job makes way and rings again, for the queue has one worker.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from app import queues
from app.errors import AppError
from app.integrations.http import VendorBusy, VendorError, VendorRefused
from app.integrations.openphone import OpenPhone
from edge_jobs import contact_push, runtime, sync_pages, vendors
from edge_jobs.media_rings import ring_waiting_media
from edge_jobs.sync_pages import Position, Step

log = structlog.get_logger(__name__)

SLICE_S = 60.0
CALLS_AT_ONCE = 10
PHASES = {
    "history": ("numbers", "conversations", "messages", "calls", "call_files"),
    "reconciliation": ("numbers", "messages", "calls", "call_files"),
    "stop_scan": ("stop_scan",),
    "contact_push": ("contacts",),
}
PAGES: Mapping[str, Callable[..., Step]] = {
    "conversations": sync_pages.list_conversations,
    "messages": sync_pages.list_messages,
    "calls": sync_pages.list_calls,
}


@dataclass(slots=True)
class Run:
    """A run in this worker's hands."""

    id: str
    kind: str
    phase: str
    position: Position
    numbers: dict[str, str]
    lease: str

    def rpc(self, name: str, **params: Any) -> Any:
        return runtime.rpc(name, p_run=self.id, p_lease=self.lease, **params)


def ring_vendor_work(now: datetime | None = None) -> int:
    """Rings for the runs and numbers that wait. Returns how many rings."""
    at = now or datetime.now(UTC)
    work = runtime.rpc("vendor_work")
    rings = [queues.run_sync(str(run_id), now=at) for run_id in work["runs"]]
    rings += [queues.check_numbers(now=at)] if work["numbers"] else []
    return sum(queues.ring(runtime.redis(), ring) for ring in rings)


def run_sync(run_id: str, slice_s: float = SLICE_S) -> str:
    """Returns the run's status, or "nothing" when it is not ours."""
    lease = str(uuid.uuid4())
    told = runtime.rpc("claim_sync", p_run=run_id, p_lease=lease)
    if not told:
        return "nothing"
    kind = told["kind"]
    run = Run(
        run_id, kind, told["phase"] or PHASES[kind][0], told["cursor"], told["numbers"], lease
    )
    try:
        return _go(run, time.monotonic() + slice_s)
    except vendors.NotSetUp as error:
        return _let_go(run, str(error), final=True)
    except VendorError as error:
        return _let_go_of_vendor(run, error)
    except AppError as error:
        if error.code == "lease_lost":
            return "nothing"
        return _let_go(run, f"Interrupted: {error.code}.")


def _go(run: Run, until_s: float) -> str:
    turn = {"stop_scan": _scan, "contact_push": contact_push.push_some}.get(run.kind, _step)
    while time.monotonic() < until_s:
        status = turn(run)
        if status == "done":
            run.rpc("finish_sync")
            log.info("sync_done", run_id=run.id, kind=run.kind)
        if status != "running":
            return status
    status = str(run.rpc("let_sync_go"))
    queues.ring(runtime.redis(), queues.run_sync(run.id, now=datetime.now(UTC)))
    return status


def _scan(run: Run) -> str:
    return str(run.rpc("scan_keywords"))


def _step(run: Run) -> str:
    """One page taken in. Returns "done" when there is nothing after it."""
    phone = vendors.openphone()
    step = _next(phone, run)
    phase: str | None = run.phase
    position = step.position
    if position is None:
        phase, position = _following(run), _start(run.position)
    state: dict[str, Any] = {
        "phase": phase or run.phase,
        "cursor": position,
        "item": step.item,
        "counted": step.counted,
        "seen": len(step.objects),
        "warnings": step.warnings,
    }
    if run.phase == "conversations":
        state["conversations"] = _conversations(step)
    status = str(run.rpc("sync_step", p_facts=step.facts, p_state=state))
    if step.facts and run.phase in ("messages", "call_files"):
        ring_waiting_media()
    if status == "running" and phase is None:
        return "done"
    run.phase, run.position = phase or run.phase, position
    return status


def _next(phone: OpenPhone, run: Run) -> Step:
    if run.phase == "numbers":
        return _numbers(phone, run)
    if run.phase == "call_files":
        return _call_files(phone, run)
    return PAGES[run.phase](phone, run.kind, run.position, run.numbers)


def _numbers(phone: OpenPhone, run: Run) -> Step:
    """The ids the vendor knows our numbers by; a number that is not ours yet is warned of."""
    listed = phone.list_phone_numbers()
    told = [{"id": n.get("id"), "e164": n.get("number"), "name": n.get("name")} for n in listed]
    found = run.rpc("take_numbers", p_numbers=told)
    run.numbers = found["numbers"]
    health = runtime.settings().openphone_health_number
    warnings = [
        {"code": "unknown_number", "what": f"{number} is the vendor's, but none of our numbers."}
        for number in found["unknown"]
        if number != health
    ]
    return Step("numbers", listed, [], None, warnings=warnings)


def _call_files(phone: OpenPhone, run: Run) -> Step:
    """A call at a time is asked for, ten at a time are written."""
    calls = run.rpc("calls_to_complete", p_after=run.position.get("after"), p_limit=CALLS_AT_ONCE)
    facts = [fact for call in calls for fact in sync_pages.call_files(phone, call)]
    position = {**run.position, "after": calls[-1]["id"]} if calls else None
    return Step("call_files", calls, facts, position)


def _conversations(step: Step) -> list[dict[str, Any]]:
    return [
        {
            "id": told.get("id"),
            "number_id": told.get("phoneNumberId"),
            "participants": [
                each for each in told.get("participants") or [] if isinstance(each, str)
            ],
        }
        for told in step.objects
        if not told.get("deletedAt")
    ]


def _following(run: Run) -> str | None:
    phases = PHASES[run.kind]
    later = phases[phases.index(run.phase) + 1 :]
    return later[0] if later else None


def _start(position: Position) -> Position:
    return {"since": position["since"]} if "since" in position else {}


def _let_go_of_vendor(run: Run, error: VendorError) -> str:
    refused = isinstance(error, VendorRefused) and error.is_about_account
    wait_s = round(error.retry_after_s) if isinstance(error, VendorBusy) else 0
    return _let_go(run, str(error), retry_after_s=wait_s, final=refused)


def _let_go(run: Run, error: str, *, retry_after_s: int = 0, final: bool = False) -> str:
    log.warning("sync_interrupted", run_id=run.id, kind=run.kind, error=error, final=final)
    try:
        status: str = run.rpc(
            "let_sync_go", p_error=error, p_retry_after_s=retry_after_s, p_final=final
        )
    except AppError as failed:
        # The database is away; the run is due again when the lease is over.
        log.warning("sync_not_let_go", code=failed.code)
        return "nothing"
    return status
