"""Runs through the vendor's records: the sandbox has the records, the database takes them in."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.errors import unavailable
from app.integrations.http import VendorUnknown
from edge_jobs import runtime, sync_pages, syncs, vendors
from edge_jobs.syncs import Run
from tests.people import Location
from tests.sandbox_driver import MAIN_NUMBER, Sandbox

PEOPLE = 12
COUNTS = ("conversations", "messages", "calls", "call_recordings", "voicemails")


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox, as_worker: Callable[..., None]) -> Sandbox:
    started.reset()
    started.at_once()
    as_worker(
        OPENPHONE_API_URL=started.url,
        OPENPHONE_API_KEY=started.key,
        OPENPHONE_HEALTH_NUMBER="+16175550101",
    )
    # Its own limit is what test_pace is about.
    pace = vendors.openphone().surface.turns
    pace.per_second = pace.reads_per_second = 1000  # type: ignore[attr-defined]
    return started


@pytest.fixture
def place(
    make_location: Callable[..., Location], db: psycopg.Connection[Any], sandbox: Sandbox
) -> Iterator[Location]:
    """A location that has the sandbox's number for the time of a test."""
    made = make_location(timezone="America/New_York")
    held = db.execute(
        "update phone_numbers set e164 = '+1998' || (1000000 + (random() * 8999999)::int),"
        " openphone_id = null where e164 = %s returning id",
        (MAIN_NUMBER,),
    ).fetchone()
    db.execute(
        "insert into phone_numbers (location_id, e164, openphone_id) values (%s, %s, 'PNdemo01')",
        (made.id, MAIN_NUMBER),
    )
    db.commit()
    yield made
    db.rollback()
    db.execute(
        "update phone_numbers set e164 = '+1999' || (1000000 + (random() * 8999999)::int),"
        " openphone_id = null, is_active = false where location_id = %s",
        (made.id,),
    )
    if held:
        db.execute(
            "update phone_numbers set e164 = %s, openphone_id = 'PNdemo01' where id = %s",
            (MAIN_NUMBER, held[0]),
        )
    db.commit()


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
