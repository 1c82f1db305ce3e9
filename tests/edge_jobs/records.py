"""A run through the vendor's records, begun, run out and looked at."""

from __future__ import annotations

from typing import Any

import psycopg

from edge_jobs import syncs
from tests.people import Location

PEOPLE = 12
COUNTS = ("conversations", "messages", "calls", "call_recordings", "voicemails")


def start(db: psycopg.Connection[Any], place: Location, kind: str, since: Any = None) -> str:
    row = db.execute(
        "select private.new_sync(%s, %s, %s, null, now())", (place.id, kind, since)
    ).fetchone()
    db.commit()
    assert row and row[0]
    return str(row[0])


def run_out(run_id: str) -> str:
    """Until it is done, one job after the other."""
    status = "running"
    while status == "running":
        status = syncs.run_sync(run_id)
    return status


def rows(db: psycopg.Connection[Any], place: Location) -> dict[str, int]:
    found = {}
    for table in COUNTS:
        row = db.execute(f"select count(*) from {table} where location_id = %s", (place.id,))
        found[table] = row.fetchone()[0]  # type: ignore[index]
    db.commit()
    return found


def run_row(db: psycopg.Connection[Any], run_id: str) -> dict[str, Any]:
    row = db.execute("select to_jsonb(r) from sync_runs r where id = %s", (run_id,)).fetchone()
    db.commit()
    assert row
    return dict(row[0])


def told(db: psycopg.Connection[Any], place: Location) -> list[str]:
    found = db.execute(
        "select distinct kind from notifications where location_id = %s order by 1", (place.id,)
    ).fetchall()
    db.commit()
    return [kind for (kind,) in found]
