"""How a run through the vendor's records waits, makes way, is given up, and ends."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from app.errors import unavailable
from app.integrations.http import VendorUnknown
from edge_jobs import runtime, sync_pages, syncs
from edge_jobs.syncs import Run
from tests.edge_jobs.records import COUNTS, PEOPLE, rows, run_out, run_row, start, told
from tests.people import Location
from tests.sandbox_driver import Sandbox


def test_a_paused_run_waits_until_it_is_resumed(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = sandbox.seed(PEOPLE, seed=random.randrange(10**9), messages=9)
    run_id = start(db, place, "history")
    list_messages = sync_pages.list_messages

    def interrupted(*arguments: Any) -> Any:
        db.execute("update sync_runs set status = 'paused' where id = %s", (run_id,))
        db.commit()
        return list_messages(*arguments)

    with monkeypatch.context() as patched:
        patched.setitem(syncs.PAGES, "messages", interrupted)  # type: ignore[misc]
        assert syncs.run_sync(run_id) == "paused"
    assert rows(db, place)["messages"] == 0
    assert syncs.run_sync(run_id) == "nothing"
    db.execute("update sync_runs set status = 'waiting' where id = %s", (run_id,))
    db.commit()
    assert run_out(run_id) == "done"
    assert rows(db, place)["messages"] == made["messages"]


def test_a_job_makes_way_after_its_time(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    run_id = start(db, place, "history")
    assert syncs.run_sync(run_id, slice_s=0) == "running"
    assert run_row(db, run_id)["lease"] is None
    assert run_out(run_id) == "done"


def test_a_vendor_that_is_away_is_asked_later_and_given_up_in_the_end(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = start(db, place, "reconciliation", datetime.now(UTC))

    def away(*_: Any) -> Any:
        raise VendorUnknown("openphone", "list_messages", "status 503")

    monkeypatch.setitem(syncs.PAGES, "messages", away)  # type: ignore[misc]
    for tries in range(1, 6):
        db.execute("update sync_runs set next_try_at = now() where id = %s", (run_id,))
        db.commit()
        assert syncs.run_sync(run_id) == ("failed" if tries == 5 else "running")
    assert run_row(db, run_id)["error"] == "openphone list_messages: status 503"
    assert told(db, place) == ["sync_failed"]


@pytest.mark.parametrize("end", [KeyError("id"), KeyboardInterrupt()])
def test_a_worker_that_breaks_off_five_times_in_a_row_ends_the_run(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
) -> None:
    """By a defect of ours, or killed: nobody says that it failed but the lease that ran out."""
    run_id = start(db, place, "history")
    list_messages = sync_pages.list_messages
    ends = [end] * 4 + [None] + [end] * 5

    def broken(*arguments: Any) -> Any:
        if how := ends.pop(0):
            raise how
        sandbox.customer_texts("+16175550123", "Hello", tell=False)
        return replace(list_messages(*arguments), position={"since": "1970-01-01T00:00:00Z"})

    sandbox.customer_texts("+16175550123", "Hello", tell=False)
    monkeypatch.setitem(syncs.PAGES, "messages", broken)  # type: ignore[misc]
    for _ in range(9):
        with pytest.raises(type(end)):
            syncs.run_sync(run_id)
        assert run_row(db, run_id)["status"] == "running"
        db.execute("update sync_runs set lease_until = now() where id = %s", (run_id,))
        db.commit()
    assert syncs.run_sync(run_id) == "nothing"
    row = run_row(db, run_id)
    assert (row["status"], row["error_count"], row["lease"]) == ("failed", 5, None)
    assert row["error"] == "Its worker broke off in the middle of it."
    assert told(db, place) == ["sync_failed"]
    assert run_id not in runtime.rpc("vendor_work")["runs"]


def test_an_account_the_vendor_refuses_ends_the_run(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    as_worker: Callable[..., None],
) -> None:
    run_id = start(db, place, "history")
    as_worker(OPENPHONE_API_URL=sandbox.url, OPENPHONE_API_KEY="wrong")
    assert syncs.run_sync(run_id) == "failed"


def test_without_a_key_a_run_says_what_is_missing(
    db: psycopg.Connection[Any], place: Location, as_worker: Callable[..., None]
) -> None:
    run_id = start(db, place, "history")
    as_worker()
    assert syncs.run_sync(run_id) == "failed"
    assert "OPENPHONE_API_KEY" in run_row(db, run_id)["error"]


def test_a_worker_that_lost_its_lease_leaves_the_run_alone(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = start(db, place, "reconciliation", datetime.now(UTC))
    list_calls = sync_pages.list_calls

    def robbed(*arguments: Any) -> Any:
        db.execute("update sync_runs set lease = %s where id = %s", (str(uuid.uuid4()), run_id))
        db.commit()
        return list_calls(*arguments)

    monkeypatch.setitem(syncs.PAGES, "calls", robbed)  # type: ignore[misc]
    assert syncs.run_sync(run_id) == "nothing"
    assert run_row(db, run_id)["status"] == "running"


def test_a_database_that_is_away_leaves_the_run_to_the_next(
    db: psycopg.Connection[Any],
    place: Location,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = start(db, place, "history")
    rpc = Run.rpc

    def away(run: Run, name: str, **params: Any) -> Any:
        if name == "sync_step":
            raise unavailable("database_away", "The database")
        return rpc(run, name, **params)

    def gone(run: Run, name: str, **params: Any) -> Any:
        raise unavailable("database_away", "The database")

    with monkeypatch.context() as patched:
        patched.setattr(Run, "rpc", away)
        assert syncs.run_sync(run_id) == "running"
    assert run_row(db, run_id)["error"] == "Interrupted: database_away."
    db.execute("update sync_runs set next_try_at = now() where id = %s", (run_id,))
    db.commit()
    with monkeypatch.context() as patched:
        patched.setattr(Run, "rpc", gone)
        assert syncs.run_sync(run_id) == "nothing"
    db.execute("update sync_runs set lease_until = now() where id = %s", (run_id,))
    db.commit()
    assert run_out(run_id) == "done"


def test_a_location_without_numbers_has_no_history(
    db: psycopg.Connection[Any], make_location: Callable[..., Location], sandbox: Sandbox
) -> None:
    made = make_location()
    run_id = start(db, made, "history")
    assert run_out(run_id) == "done"
    assert rows(db, made) == dict.fromkeys(COUNTS, 0)


def test_what_waits_is_rung_for(db: psycopg.Connection[Any], place: Location) -> None:
    run_id = start(db, place, "history")
    db.execute("select private.want_number_checks(%s, '{+16175550199}', null, now())", (place.id,))
    db.commit()
    assert syncs.ring_vendor_work() >= 2
    for key in runtime.redis().scan_iter(f"rq:job:run_sync-{run_id}*"):
        runtime.redis().delete(key)


def test_a_number_of_the_vendors_that_is_not_ours_is_warned_of(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    sandbox.add_number("+16175550109", "PNother")
    run_id = start(db, place, "history")
    assert run_out(run_id) == "done"
    assert [warning["code"] for warning in run_row(db, run_id)["warnings"]] == ["unknown_number"]
