"""Imports: one job carries a file into the database, batch by batch; another finds who waits.

A job may be killed at any line. Each batch is one transaction that Postgres does once, the lease
keeps a second worker away, and whoever takes the import up again skips what is already in.
"""

from __future__ import annotations

import math
import resource
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
import structlog

from app import queues
from app.errors import AppError
from app.imports import propertyradar
from app.imports.csv_rows import Record, UnreadableFile
from app.imports.reading import FileFacts, data_rows, read_facts
from edge_jobs import runtime

log = structlog.get_logger(__name__)

CHUNK_BYTES = 1 << 16


def run_import(import_id: str) -> str:
    """Works on the import until it is done. Returns how it ended; "busy" when it is not ours."""
    lease = str(uuid.uuid4())
    claimed = runtime.rpc("claim_import", p_import=import_id, p_lease=lease)
    if not claimed:
        return "busy"
    try:
        status = _carry_in(claimed[0], lease)
        log.info("import_ended", import_id=import_id, status=status, max_rss_kb=_max_rss_kb())
        return status
    except UnreadableFile as error:
        runtime.rpc("fail_import", p_import=import_id, p_lease=lease, p_error=str(error))
        return "failed"
    except (AppError, httpx.HTTPError) as error:
        return _let_go(import_id, lease, error)


def ring_waiting_imports(now: datetime | None = None) -> int:
    """Rings for every import that waits or whose worker is gone. Returns how many were rung."""
    waiting = [str(import_id) for import_id in runtime.rpc("imports_to_ring")]
    at = now or datetime.now(UTC)
    return sum(
        queues.ring(runtime.redis(), queues.run_import(import_id, now=at)) for import_id in waiting
    )


def _let_go(import_id: str, lease: str, error: AppError | httpx.HTTPError) -> str:
    """Storage or database away: released, the sweep rings again. Lease lost: another has it."""
    code = error.code if isinstance(error, AppError) else type(error).__name__
    log.warning("import_let_go", import_id=import_id, code=code)
    if code != "lease_lost":
        runtime.rpc(
            "release_import", p_import=import_id, p_lease=lease, p_error=f"Interrupted: {code}."
        )
    return code


def _carry_in(row: dict[str, Any], lease: str) -> str:
    import_id = row["id"]
    url = runtime.signed_url("imports", row["file_path"])

    @contextmanager
    def open_file() -> Iterator[Iterator[bytes]]:
        with runtime.http().stream("GET", url) as answer:
            answer.raise_for_status()
            yield answer.iter_bytes(CHUNK_BYTES)

    def breathe() -> None:
        runtime.rpc("renew_import", p_import=import_id, p_lease=lease)

    facts = read_facts(open_file, row["tier"], breathe)
    done = _begin(import_id, lease, facts)
    with open_file() as chunks:
        _send_batches(import_id, lease, facts, data_rows(chunks, facts), done)
    status: str = runtime.rpc("finish_import", p_import=import_id, p_lease=lease)["status"]
    return status


def _max_rss_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _begin(import_id: str, lease: str, facts: FileFacts) -> set[int]:
    """Tells what the file holds. Returns the numbers of the batches an earlier worker put in."""
    return set(
        runtime.rpc(
            "begin_import",
            p_import=import_id,
            p_lease=lease,
            p_format=propertyradar.NAME,
            p_tier=facts.tier,
            p_header=facts.header,
            p_total_rows=facts.total_rows,
            p_ignored_rows=facts.ignored_rows,
            p_warnings=facts.warnings,
        )
    )


def rows_a_batch(total_rows: int) -> int:
    """A twentieth of the file, so that progress is seen, within 100 … 1,000 rows.

    Depends on nothing but the file: a second worker must cut the same batches.
    """
    return max(100, min(1_000, math.ceil(total_rows / 20)))


def _send_batches(
    import_id: str, lease: str, facts: FileFacts, records: Iterator[Record], done: set[int]
) -> None:
    """Puts in what is not in yet. While Postgres works on one batch, the next is normalised."""
    reader = propertyradar.RowReader(facts.header)
    size = rows_a_batch(facts.total_rows)
    flying: Future[Any] | None = None
    with ThreadPoolExecutor(max_workers=1) as postman:
        for batch_no, batch in enumerate(_cut(records, size)):
            if batch_no in done:
                continue
            rows = [reader.read(record.row_no, record.cells) for record in batch]
            if flying:
                flying.result()
            flying = postman.submit(
                runtime.rpc,
                "import_batch",
                p_import=import_id,
                p_lease=lease,
                p_batch_no=batch_no,
                p_rows=rows,
            )
        if flying:
            flying.result()


def _cut(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while batch := list(islice(records, size)):
        yield batch
