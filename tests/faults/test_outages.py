"""What an import leans on goes away in the middle of it, and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
import redis

from app import queues
from tests.faults.conftest import Shop
from tests.imports.golden import assert_golden
from tests.imports.sheets import SAMPLE, sheet, street


@pytest.mark.soak
def test_redis_flushed_in_the_middle_disturbs_no_running_import(
    shop: Shop, redis_conn: redis.Redis
) -> None:
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    shop.hire()
    with shop.gate(import_id, 10):
        redis_conn.flushall()
    assert shop.end(import_id)["status"] == "done"
    assert_golden(shop.desk, import_id)


def test_redis_flushed_and_the_worker_killed_is_rung_again(
    shop: Shop, redis_conn: redis.Redis
) -> None:
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    worker = shop.hire()
    with shop.gate(import_id, 10) as gate:
        redis_conn.flushall()
        worker.replace()
        gate.undo()
    assert shop.a_minute_later() == 1
    shop.end(import_id)
    assert_golden(shop.desk, import_id)


def test_a_ring_that_was_flushed_away_is_rung_again(shop: Shop, redis_conn: redis.Redis) -> None:
    import_id = shop.desk.hand_in(sheet(*street(3)))
    redis_conn.flushall()
    shop.hire()
    assert shop.a_minute_later() == 1
    assert shop.end(import_id)["properties_created"] == 3


@pytest.mark.soak
def test_redis_killed_in_the_middle_disturbs_no_running_import(shop: Shop) -> None:
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    shop.hire()
    with shop.gate(import_id, 10):
        shop.stack.restart("redis")
    assert shop.end(import_id)["status"] == "done"
    assert_golden(shop.desk, import_id)


@pytest.mark.parametrize("inside", [pytest.param(False, marks=pytest.mark.soak), True])
def test_postgres_restarted_in_the_middle(
    shop: Shop, reconnect: Callable[[], None], inside: bool
) -> None:
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    shop.hire()
    with shop.gate(import_id, 10, inside=inside):
        shop.stack.restart("postgres")
        shop.stack.wait_ready("postgrest")
    reconnect()
    # The gate's own connection may be ended first, and one batch slip through.
    assert shop.batches(import_id) in (10, 11)
    shop.a_minute_later()
    assert shop.end(import_id)["status"] == "done"
    assert_golden(shop.desk, import_id)


def test_the_gateway_killed_in_the_middle_of_a_download(shop: Shop) -> None:
    """The notice at the end is larger than what any socket holds: the file is still coming."""
    notice = f'"{"For your own use only. " * 1_500_000}"\r\n'.encode()
    import_id = shop.desk.hand_in(sheet(*street(300)) + notice)
    shop.hire()
    with shop.gate(import_id, 1):
        shop.stack.kill("gateway", signal.SIGKILL)
        shop.stack.wait_ready("gateway")
    shop.a_minute_later()
    row = shop.end(import_id)
    assert (row["status"], row["total_rows"], row["ignored_rows"]) == ("done", 300, 1)
    assert (row["properties_created"], row["contacts_created"]) == (300, 300)
    assert shop.desk.count("properties") == shop.desk.count("contacts") == 300


def test_an_import_resumes_by_itself_within_a_minute(shop: Shop) -> None:
    """The lease of a dead worker plus the pause of the sweep: what is left starts the worker."""
    import_id = shop.desk.hand_in(sheet(*street(3)))
    worker = shop.hire()
    with shop.gate(import_id, 0) as gate:
        held = "lease_expires_at - clock_timestamp() as lease from imports where id = %s"
        lease_s = shop.desk.one(f"select {held}", import_id)["lease"].total_seconds()
        worker.kill()
        gate.undo()
    assert 0 < lease_s <= 30
    assert 30 + queues.SWEEP_S <= 60 - 10
    assert shop.desk.sql("select imports_to_ring()") == [], "the dead worker still has its lease"


@pytest.mark.soak
@pytest.mark.parametrize("batches", [0, 10, 20])
def test_it_really_takes_less_than_a_minute(shop: Shop, batches: int) -> None:
    """With the real clock and the real sweep, and nothing moved on by the test."""
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    worker = shop.hire()
    shop.hire("worker-maintenance")
    shop.hire("clock")
    with shop.gate(import_id, batches) as gate:
        worker.replace()
        killed = time.monotonic()
        gate.undo()
    shop.end(import_id)
    assert time.monotonic() - killed < 60
    assert_golden(shop.desk, import_id)
