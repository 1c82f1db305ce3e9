"""Runs through the vendor's records: the sandbox has the records, the database takes them in."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from edge_jobs import sync_pages, syncs
from edge_jobs.syncs import Run
from tests.edge_jobs.records import PEOPLE, rows, run_out, run_row, start, told
from tests.people import Location
from tests.sandbox_driver import Sandbox


def test_history_takes_in_everything_once(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    made = sandbox.seed(PEOPLE, seed=random.randrange(10**9), messages=9, calls=10, stops=1)
    assert run_out(start(db, place, "history")) == "done"
    first = rows(db, place)
    assert first["conversations"] == PEOPLE
    assert first["messages"] == made["messages"]
    assert first["calls"] == made["calls"]
    again = start(db, place, "history")
    assert run_out(again) == "done"
    assert rows(db, place) == first
    counts = run_row(db, again)["counts"]
    assert counts["messages"]["seen"] == made["messages"]
    assert [counts[what]["new"] for what in ("messages", "calls", "call_files")] == [0, 0, 0]
    assert run_row(db, again)["warnings"] == []


def test_history_brings_what_was_said_in_calls(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    sandbox.customer_calls("+16175550123", events=[], recordings=2)
    sandbox.customer_calls("+16175550124", "voicemail", events=[])
    assert run_out(start(db, place, "history")) == "done"
    found = rows(db, place)
    assert (found["calls"], found["call_recordings"], found["voicemails"]) == (2, 2, 1)
    words = db.execute(
        "select count(*) from calls where location_id = %s and dialogue is not null", (place.id,)
    ).fetchone()
    assert words == (1,)


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_run_that_is_killed_goes_on_where_it_was(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    steps: int,
) -> None:
    """Killed before or after what the database was told, at each of its first calls."""
    made = sandbox.seed(PEOPLE, seed=random.randrange(10**9), messages=9, calls=3)
    run_id = start(db, place, "history")
    spoken, rpc = [], Run.rpc

    def killed(run: Run, name: str, **params: Any) -> Any:
        spoken.append(name)
        if len(spoken) == steps and steps % 2:
            raise KeyboardInterrupt
        answer = rpc(run, name, **params)
        if len(spoken) == steps:
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Run, "rpc", killed)
        with pytest.raises(KeyboardInterrupt):
            syncs.run_sync(run_id)
    assert syncs.run_sync(run_id) == "nothing"
    db.execute("update sync_runs set lease_until = now() where id = %s", (run_id,))
    db.commit()
    assert run_out(run_id) == "done"
    assert rows(db, place)["messages"] == made["messages"]
    assert run_row(db, run_id)["counts"]["messages"]["new"] == made["messages"]


def test_the_nightly_check_adds_what_is_missing_and_says_so(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    now = datetime.now(UTC)
    sandbox.customer_texts("+16175550123", "Hello", tell=False)
    old = (now - timedelta(hours=60)).isoformat().replace("+00:00", "Z")
    sandbox.customer_texts("+16175550124", "Long ago", tell=False, at=old)
    sandbox.customer_calls("+16175550125", "missed", events=[])
    run_id = start(db, place, "reconciliation", now - timedelta(hours=48))
    assert run_out(run_id) == "done"
    found = rows(db, place)
    assert (found["messages"], found["calls"]) == (1, 1)
    assert told(db, place) == ["reconciliation_differences"]
    todos = db.execute("select count(*) from todos where location_id = %s", (place.id,)).fetchone()
    db.commit()
    assert todos == (0,)


def test_a_number_the_vendor_knows_by_another_id_is_found_by_itself(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    db.execute("update phone_numbers set openphone_id = null where location_id = %s", (place.id,))
    db.commit()
    sandbox.customer_texts("+16175550123", "Hello", tell=False)
    run_id = start(db, place, "reconciliation", datetime.now(UTC) - timedelta(hours=48))
    assert run_out(run_id) == "done"
    assert rows(db, place)["messages"] == 1


def test_old_pictures_come_with_their_texts(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    sandbox.customer_texts(
        "+16175550123", "Look", tell=False, media=[{"kind": "jpeg"}, {"kind": "png"}]
    )
    assert run_out(start(db, place, "history")) == "done"
    found = db.execute("select count(*) from media where location_id = %s", (place.id,)).fetchone()
    db.commit()
    assert found == (2,)


def test_a_check_that_finds_nothing_is_quiet(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    run_id = start(db, place, "reconciliation", datetime.now(UTC) - timedelta(hours=48))
    assert run_out(run_id) == "done"
    assert told(db, place) == []


def test_a_limit_that_is_hit_is_told(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sync_pages.MOST_PAGES, "reconciliation", 1)
    sandbox.seed(PEOPLE, seed=random.randrange(10**9), messages=9)
    run_id = start(db, place, "reconciliation", datetime.now(UTC) - timedelta(days=400))
    assert run_out(run_id) == "done"
    assert rows(db, place)["messages"] == 50
    assert told(db, place) == ["reconciliation_differences", "sync_cut"]
    assert run_row(db, run_id)["warnings"][0]["code"] == "limit"


def test_the_scan_for_stop_goes_through_old_texts(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    sandbox.customer_texts("+16175550177", "STOP", tell=False)
    sandbox.customer_texts("+16175550178", "Stop by on Tuesday", tell=False)
    assert run_out(start(db, place, "history")) == "done"
    run_id = start(db, place, "stop_scan")
    assert run_out(run_id) == "done"
    assert run_row(db, run_id)["counts"]["texts"]["seen"] == 2
    in_force = db.execute(
        "select count(*) from opt_outs where phone = '+16175550177' and revoked_at is null"
    ).fetchone()
    db.commit()
    assert in_force == (1,)


@pytest.mark.soak
def test_seven_thousand_conversations_survive_kills(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies at every fiftieth word it has with the database, before or after it."""
    made = sandbox.seed(7000, seed=random.randrange(10**9), messages=15, calls=20, stops=3)
    run_id = start(db, place, "history")
    heard, rpc = itertools.count(1), Run.rpc

    def mortal(run: Run, name: str, **params: Any) -> Any:
        number = next(heard)
        if number % 100 == 0:
            raise KeyboardInterrupt
        answer = rpc(run, name, **params)
        if number % 100 == 50:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(Run, "rpc", mortal)
    status = "running"
    while status in ("running", "nothing"):
        try:
            status = syncs.run_sync(run_id)
        except KeyboardInterrupt:
            db.execute("update sync_runs set lease_until = now() where id = %s", (run_id,))
            db.commit()
    assert status == "done"
    found = rows(db, place)
    assert found["conversations"] == 7000
    assert (found["messages"], found["calls"]) == (made["messages"], made["calls"])
    counts = run_row(db, run_id)["counts"]
    assert (counts["conversations"]["new"], counts["messages"]["new"]) == (7000, made["messages"])
    assert [count["failed"] for count in counts.values()] == [0] * 5
