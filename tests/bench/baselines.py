"""What bounds an import from both sides: the merges alone in psql, a REST call for every row."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from app.db import Database, http_client
from app.imports import propertyradar
from app.imports.reading import FileFacts, data_rows, read_facts
from devstack.stack import Stack
from edge_jobs.imports import rows_a_batch

CHUNK_BYTES = 1 << 16
Begun = tuple[str, str, FileFacts]


def copy_and_merge(stack: Stack, path: Path) -> dict[str, float]:
    """{seconds}: psql alone, on rows already normalised: COPY, every batch, closing the books."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
        import_id, lease, facts = _begun(db, path)
        db.execute("create table private.bench_batches (batch_no int, rows jsonb)")
    staged = path.with_suffix(".batches")
    with staged.open("w") as file:
        for number, rows in enumerate(_batches(path, facts)):
            text = json.dumps(rows).replace("\\", "\\\\")
            file.write(f"{number}\t{text}\n")
    each = (
        f"select import_batch('{import_id}', '{lease}', batch_no, rows) from private.bench_batches"
    )
    numbers = range(-(-facts.total_rows // rows_a_batch(facts.total_rows)))
    script = [
        f"\\copy private.bench_batches from '{staged}'",
        *(f"{each} where batch_no = {number};" for number in numbers),
        f"select status from finish_import('{import_id}', '{lease}');",
        "drop table private.bench_batches;",
    ]
    started = time.monotonic()
    _psql(stack, "\n".join(script))
    return {"seconds": round(time.monotonic() - started, 1)}


def one_call_a_row(stack: Stack, path: Path, calls: int) -> dict[str, float]:
    """{calls, ms_a_row}: the same import in batches of one row, by the job's own client."""
    env = stack.env
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as db:
        import_id, lease, facts = _begun(db, path)
    reader = propertyradar.RowReader(facts.header)
    key, pool = env["SUPABASE_SERVICE_ROLE_KEY"], http_client()
    database = Database(env["SUPABASE_URL"], key, pool)
    with pool, _opened(path) as chunks:
        started = time.monotonic()
        for number, record in enumerate(islice(data_rows(chunks, facts), calls)):
            database.rpc(
                key,
                "import_batch",
                p_import=import_id,
                p_lease=lease,
                p_batch_no=number,
                p_rows=[reader.read(record.row_no, record.cells)],
            )
        seconds = time.monotonic() - started
    return {"calls": calls, "ms_a_row": round(1_000 * seconds / calls, 2)}


def _begun(db: psycopg.Connection[Any], path: Path) -> Begun:
    """(import, lease, facts): an import of its own location, claimed and begun."""
    facts = read_facts(lambda: _opened(path), None, lambda: None)
    lease = str(uuid.uuid4())
    location = _one(db, "insert into locations (name) values ('bench') returning id")
    found = _one(
        db, "insert into lists (location_id, name) values (%s, 'b') returning id", location
    )
    import_id = _one(
        db,
        "insert into imports (location_id, list_id, list_name, file_path, filename, size_bytes,"
        " sha256) values (%s, %s, 'b', '-', '-', 1, repeat('0', 64)) returning id",
        location,
        found,
    )
    db.execute("select claim_import(%s, %s)", (import_id, lease))
    db.execute(
        "select begin_import(%s, %s, 'propertyradar', %s, %s, %s, %s)",
        (import_id, lease, facts.tier, json.dumps(facts.header), facts.total_rows, 0),
    )
    return import_id, lease, facts


def _one(db: psycopg.Connection[Any], sql: str, *values: str) -> str:
    row = db.execute(sql.encode(), values).fetchone()
    assert row
    return str(row[0])


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    with path.open("rb") as file:
        yield iter(lambda: file.read(CHUNK_BYTES), b"")


def _batches(path: Path, facts: FileFacts) -> Iterator[list[dict[str, Any]]]:
    reader, size = propertyradar.RowReader(facts.header), rows_a_batch(facts.total_rows)
    with _opened(path) as chunks:
        records = data_rows(chunks, facts)
        while batch := [reader.read(r.row_no, r.cells) for r in islice(records, size)]:
            yield batch


def _psql(stack: Stack, script: str) -> None:
    done = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, stack.env["DATABASE_URL"]],
        input=script,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        raise SystemExit(f"psql: {done.stderr}")
