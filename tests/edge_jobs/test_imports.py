"""The job itself: whose turn it is, when it gives up, and what it says of files it cannot use."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from app import queues
from app.errors import AppError
from app.imports.reading import ROWS_A_BREATH
from devstack.processes import wait_until
from devstack.stack import Stack
from edge_jobs import runtime
from edge_jobs.imports import ring_waiting_imports, rows_a_batch, run_import
from tests.faults import gates
from tests.faults.gates import READING, Gate
from tests.imports.desk import Desk
from tests.imports.fixtures import desk, flask_client, make_desk, worker
from tests.imports.sheets import house, sheet, street

__all__ = ["desk", "flask_client", "make_desk", "worker"]


@pytest.fixture(scope="module")
def gated(stack: Stack) -> Iterator[None]:
    with gates.scratch(stack.env):
        yield


def claim(import_id: str) -> str:
    """Takes the import as another worker would. Returns the lease."""
    lease = str(uuid.uuid4())
    assert runtime.rpc("claim_import", p_import=import_id, p_lease=lease)
    return lease


def expire(desk: Desk, import_id: str) -> None:
    desk.sql(
        "update imports set lease_expires_at = now() - interval '1 second' where id = %s", import_id
    )


def waiting(desk: Desk, import_id: str) -> bool:
    return bool(desk.sql("select 1 from imports_to_ring() i where i = %s", import_id))


def test_a_leased_import_is_nobody_elses(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(house()))
    claim(import_id)
    assert run_import(import_id) == "busy"
    assert not waiting(desk, import_id)
    expire(desk, import_id)
    assert waiting(desk, import_id)
    assert run_import(import_id) == "done"


def test_an_import_that_has_ended_is_not_run_again(desk: Desk) -> None:
    import_id = str(desk.done(sheet(house()))["id"])
    assert run_import(import_id) == "busy"
    assert run_import(str(uuid.uuid4())) == "busy"


@pytest.mark.parametrize(
    ("rows", "size"), [(1, 100), (2_000, 100), (2_180, 109), (20_000, 1_000), (10**6, 1_000)]
)
def test_batches_are_a_twentieth_within_bounds(rows: int, size: int) -> None:
    assert rows_a_batch(rows) == size


def test_progress_is_counted_in_rows(desk: Desk) -> None:
    row = desk.done(sheet(*street(250)))
    batches = desk.sql(
        "select batch_no, row_count from import_batches where import_id = %s order by 1", row["id"]
    )
    assert [(b["batch_no"], b["row_count"]) for b in batches] == [(0, 100), (1, 100), (2, 50)]
    assert row["processed_rows"] == row["total_rows"] == 250
    assert row["started_at"] <= row["finished_at"] and row["attempts"] == 0


def test_a_batch_told_twice_is_put_in_once(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(*street(2)))
    lease = claim(import_id)
    runtime.rpc(
        "begin_import", p_import=import_id, p_lease=lease, p_format="propertyradar",
        p_tier="database", p_header=["Type"], p_total_rows=1, p_ignored_rows=0,
    )  # fmt: skip
    rows = [{"row_no": 2, "property": {"address": "1 OAK ST"}, "people": []}]
    told = {"p_import": import_id, "p_lease": lease, "p_batch_no": 0, "p_rows": rows}
    first, second = (runtime.rpc("import_batch", **told) for _ in range(2))
    assert first == second and first["row_count"] == 1
    assert desk.count("properties") == 1 and desk.row(import_id)["processed_rows"] == 1


def at_once(*works: Callable[[], Any]) -> list[Future[Any]]:
    pool = ThreadPoolExecutor(len(works))
    futures = [pool.submit(work) for work in works]
    pool.shutdown(wait=False)
    return futures


def test_an_import_cancelled_in_the_middle_stops_and_stays_so(desk: Desk, gated: None) -> None:
    """The batch that is on its way goes in whole; none follows it."""
    import_id = desk.hand_in(sheet(*street(450)))
    gate = Gate(desk.env, import_id, 1)
    (running,) = at_once(lambda: run_import(import_id))
    with gate:
        path = "rpc/cancel_import"
        (cancelling,) = at_once(lambda: desk.write("POST", path, {"p_import": import_id}))
        held_up = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ %s"
        assert wait_until(lambda: bool(desk.sql(held_up, "cancel_import")), 20)
    assert cancelling.result(20)["status"] == "cancelled"
    assert running.result(20) == "lease_lost"
    row = desk.row(import_id)
    assert (row["status"], row["processed_rows"], row["total_rows"]) == ("cancelled", 200, 450)
    assert "stay" in row["error"] and desk.count("properties") == 200
    assert not waiting(desk, import_id) and run_import(import_id) == "busy"
    (found,) = desk.all("lists")
    assert found["status"] == "completed"
    assert desk.done(sheet(*street(450)))["properties_created"] == 250


def test_an_import_cancelled_before_its_turn_is_not_begun(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(house()))
    desk.write("POST", "rpc/cancel_import", {"p_import": import_id})
    assert run_import(import_id) == "busy" and desk.count("properties") == 0


@pytest.mark.parametrize(
    ("removal", "said"),
    [
        ("delete from import_rows where import_id = %s and row_no = 3", "rows in the file"),
        (
            "delete from properties where apn = 'E-3' and source_list_id ="
            " (select list_id from imports where id = %s)",
            "without their house",
        ),
        (
            "delete from contacts where id in (select contact_id from import_people"
            " where import_id = %s and row_no = 3)",
            "without their record",
        ),
        (
            "delete from list_members where import_id = %s and import_row_no = 3",
            "not in the list",
        ),
        (
            "delete from property_contacts where contact_id in (select contact_id from"
            " import_people where import_id = %s and row_no = 3)",
            "not linked",
        ),
    ],
)
def test_books_that_do_not_balance_fail_the_import(
    desk: Desk, gated: None, removal: str, said: str
) -> None:
    """Something goes missing after its batch, before the end."""
    import_id = desk.hand_in(sheet(*street(150)))
    gate = Gate(desk.env, import_id, 2)
    (running,) = at_once(lambda: run_import(import_id))
    with gate:
        desk.sql(removal, import_id)
    assert running.result(20) == "failed"
    row = desk.row(import_id)
    assert row["status"] == "failed" and said in row["error"]
    assert "do not balance" in row["error"] and "again" in row["error"]
    again = desk.done(sheet(*street(150)))
    assert again["properties_created"] + again["properties_unchanged"] == 150


def test_a_lease_is_renewed_while_a_long_file_is_read(desk: Desk, gated: None) -> None:
    """Here the renewal meets a database that gives up: the import is let go, to be taken up."""
    content = b"Type,Address,City,ZIP\n" + b"SFR,1 OAK ST,WESTCLIFF,02721\n" * (ROWS_A_BREATH + 10)
    import_id = desk.hand_in(content)
    gate = Gate(desk.env, import_id, READING)
    (running,) = at_once(lambda: run_import(import_id))
    with gate:
        assert desk.row(import_id)["total_rows"] is None, "still reading"
        gate.undo()
    assert running.result(20) != "done"
    assert desk.row(import_id)["status"] == "reading" and waiting(desk, import_id)


def test_ten_attempts_without_progress_are_enough(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(house()))
    for _ in range(10):
        claim(import_id)
        expire(desk, import_id)
    assert run_import(import_id) == "busy"
    row = desk.row(import_id)
    assert row["status"] == "failed" and "10 attempts" in row["error"]
    assert desk.one("select status from lists where id = %s", row["list_id"])["status"] == "failed"
    assert not waiting(desk, import_id)


def test_progress_forgives_earlier_attempts(desk: Desk, gated: None) -> None:
    import_id = desk.hand_in(sheet(*street(150)))
    for _ in range(9):
        claim(import_id)
        expire(desk, import_id)
    assert run_import(import_id) == "done" and desk.row(import_id)["attempts"] == 0


def test_an_import_whose_file_is_gone_is_let_go_and_given_up_in_the_end(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(house()))
    held = runtime.runtime()
    key = runtime.settings().service_role_key
    held.storage.remove(key, "imports", desk.row(import_id)["file_path"])
    for _ in range(10):
        assert run_import(import_id) != "done"
        row = desk.row(import_id)
        assert (row["status"], row["lease_id"]) == ("reading", None)
        assert "Interrupted" in row["error"]
        assert waiting(desk, import_id)
    assert run_import(import_id) == "busy"
    assert "10 attempts" in desk.row(import_id)["error"]


def test_the_sweep_rings_once_in_a_while_for_each_that_waits(
    desk: Desk, redis_conn: redis.Redis
) -> None:
    import_id = desk.hand_in(sheet(house()))
    later = datetime.now(UTC) + timedelta(hours=1)
    ring_waiting_imports(later)
    ring_waiting_imports(later)
    assert redis_conn.exists(f"rq:job:{queues.run_import(import_id, now=later).id}")
    ids = [value.decode() for value in redis_conn.lrange("rq:queue:imports", 0, -1)]
    assert ids.count(queues.run_import(import_id, now=later).id) == 1
    assert ring_waiting_imports(later + timedelta(seconds=queues.SWEEP_S)) >= 1
    run_import(import_id)
    assert not waiting(desk, import_id)


def test_a_lost_lease_is_a_refusal_with_its_code(desk: Desk) -> None:
    import_id = desk.hand_in(sheet(house()))
    first = claim(import_id)
    expire(desk, import_id)
    claim(import_id)
    for call, told in (
        ("import_batch", {"p_batch_no": 0, "p_rows": []}),
        ("finish_import", {}),
        ("fail_import", {"p_error": "late"}),
        ("renew_import", {}),
    ):
        with pytest.raises(AppError) as refused:
            runtime.rpc(call, p_import=import_id, p_lease=first, **told)
        assert (refused.value.status, refused.value.code) == (409, "lease_lost")
    assert desk.row(import_id)["status"] == "reading"
