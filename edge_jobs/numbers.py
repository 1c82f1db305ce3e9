"""Numbers: one job has those checked that wait, a batch at a time.

A number is claimed before it is paid for and recorded soon after, so that two workers never ask for
the same one and a killed worker loses a few answers at most. No answer is "unknown", never "good".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import structlog

from app.integrations.http import VendorBusy, VendorError, VendorRefused, VendorUnknown
from app.integrations.numverify import NumVerify
from edge_jobs import runtime, vendors

log = structlog.get_logger(__name__)

BATCH = 100
# So many paid answers are lost at most when the worker is killed.
PART = 10
# A job makes way for others after so many batches; the sweep rings again.
BATCHES = 5
LEASE_S = 600
# After so many without an answer nobody waits for the next: others use this queue, too.
MOST_SILENT = 3
ACCOUNT_PAUSE_S = 60 * 60

Told = dict[str, Any]


def check_numbers() -> int:
    """Returns how many numbers became known."""
    try:
        numverify = vendors.numverify()
    except vendors.NotSetUp as error:
        log.warning("numbers_not_checked", setting=error.setting)
        return 0
    known = 0
    for _ in range(BATCHES):
        lease = str(uuid.uuid4())
        phones = runtime.rpc("numbers_to_check", p_lease=lease, p_limit=BATCH, p_lease_s=LEASE_S)
        if not phones:
            break
        found = _check(numverify, lease, phones)
        if not found:
            break
        known += found
    return known


def _check(numverify: NumVerify, lease: str, phones: Sequence[str]) -> int:
    known = 0
    part: list[Told] = []
    for told in _answers(numverify, phones):
        part.append(told)
        if len(part) == PART:
            known += _record(lease, part)
            part = []
    known += _record(lease, part)
    log.info("numbers_checked", asked=len(phones), known=known)
    return known


def _record(lease: str, part: Sequence[Told]) -> int:
    if not part:
        return 0
    found: int = runtime.rpc("record_number_checks", p_lease=lease, p_results=list(part))
    return found


def _answers(numverify: NumVerify, phones: Sequence[str]) -> Iterator[Told]:
    """One for each number. Once the service wants nothing of us, the rest is not asked."""
    stopped: VendorError | None = None
    silent = 0
    for phone in phones:
        error = stopped
        if error is None:
            try:
                yield asdict(numverify.validate(phone))
                silent = 0
                continue
            except VendorError as failed:
                error = failed
                silent = silent + 1 if isinstance(failed, VendorUnknown) else 0
                stopped = failed if _concerns_all(failed) or silent == MOST_SILENT else None
        yield _unknown(phone, error)
    if isinstance(stopped, VendorRefused):
        reason = f"NumVerify refuses our account ({stopped.detail or stopped.code})."
        runtime.rpc("number_checks_stopped", p_reason=reason)


def _concerns_all(error: VendorError) -> bool:
    refused = isinstance(error, VendorRefused) and error.is_about_account
    return refused or isinstance(error, VendorBusy)


def _unknown(phone: str, error: VendorError) -> Told:
    retry_after_s = ACCOUNT_PAUSE_S if isinstance(error, VendorRefused) else 0
    if isinstance(error, VendorBusy):
        retry_after_s = round(error.retry_after_s)
    return {"phone": phone, "error": error.reason, "retry_after_s": retry_after_s}
