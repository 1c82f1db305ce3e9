"""SIGKILL at every place of an import: whoever takes it up again ends with the golden numbers."""

from __future__ import annotations

import os
import random
import signal
import threading

import pytest

from devstack.processes import wait_until
from tests.faults.conftest import Shop
from tests.faults.gates import READING
from tests.faults.workers import Worker
from tests.imports.golden import assert_golden
from tests.imports.sheets import SAMPLE

BATCHES = 20
# Before the first batch, after it, in the middle, before the last, after it.
SOME = (0, 1, 10, 19, 20)


def strike(worker: Worker, victim: str) -> None:
    if victim == "horse":
        worker.kill_horse()
    else:
        worker.replace()


def kill_at(shop: Shop, places: list[int], victim: str, *, inside: bool, undone: bool) -> None:
    """One import, its worker killed at each of the places in turn."""
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    worker = None
    for place in places:
        with_gate = shop.gate(import_id, place, inside=inside)
        worker = worker or shop.hire()
        with with_gate as gate:
            assert shop.batches(import_id) == max(place, 0)
            strike(worker, victim)
            if undone:
                gate.undo()
        # Not undone, the call of the dead worker goes on and commits: nobody can take it back.
        assert shop.a_minute_later() == 1
    assert shop.end(import_id)["status"] == "done"
    assert_golden(shop.desk, import_id)


@pytest.mark.parametrize("victim", [pytest.param("horse", marks=pytest.mark.soak), "worker"])
def test_killed_at_batch_boundaries(shop: Shop, victim: str) -> None:
    kill_at(shop, [READING, *SOME], victim, inside=False, undone=True)


def test_killed_inside_batches_that_are_rolled_back(shop: Shop) -> None:
    kill_at(shop, [10], "worker", inside=True, undone=True)


def test_killed_while_a_batch_waits_for_another_file(shop: Shop) -> None:
    """One batch of a location at a time: here it is the test that holds the location."""
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    shop.hire()
    key = f"import:{shop.desk.location.id}"
    with shop.gate(import_id, 5):
        shop.desk.sql("select pg_advisory_lock(hashtextextended(%s, 0))", key)
    held_up = "select 1 from pg_locks where pg_backend_pid() = any (pg_blocking_pids(pid))"
    assert wait_until(lambda: bool(shop.desk.sql(held_up)), 20)
    shop.workers[0].replace()
    shop.desk.sql("select pg_advisory_unlock(hashtextextended(%s, 0))", key)
    shop.a_minute_later()
    shop.end(import_id)
    assert_golden(shop.desk, import_id)


def test_an_orphaned_job_goes_on_and_nobody_does_its_work_twice(shop: Shop) -> None:
    """Only the worker dies; its job lives, holds its lease, and ends the import."""
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    first = shop.hire()
    with shop.gate(import_id, 3):
        first.kill_parent()
        shop.hire()
        shop.ring(import_id)
    shop.end(import_id)
    assert shop.desk.row(import_id)["attempts"] == 0, "nobody else has taken it up"
    assert_golden(shop.desk, import_id)


def test_a_frozen_worker_that_wakes_up_has_lost_its_lease(shop: Shop) -> None:
    """Stopped longer than its lease, it comes back to an import that somebody else has ended."""
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    frozen = shop.hire()
    with shop.gate(import_id, 4):
        (horse,) = frozen.horses()
        os.kill(horse, signal.SIGSTOP)
    shop.hire()
    shop.a_minute_later()
    shop.end(import_id)
    assert_golden(shop.desk, import_id)
    os.kill(horse, signal.SIGCONT)
    frozen.stop()
    assert_golden(shop.desk, import_id)


@pytest.mark.soak
@pytest.mark.parametrize("undone", [True, False])
@pytest.mark.parametrize("victim", ["horse", "worker"])
@pytest.mark.parametrize("inside", [True, False])
def test_killed_at_every_place(shop: Shop, victim: str, inside: bool, undone: bool) -> None:
    """A call that goes on after the death moves the import on by one: every other place then."""
    places = range(BATCHES) if undone else range(0, BATCHES, 2)
    ends = [] if inside else [BATCHES]
    kill_at(shop, [*places, *(ends if undone else [])], victim, inside=inside, undone=undone)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_time(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    import_id = shop.desk.hand_in(SAMPLE.read_bytes())
    worker = shop.hire()
    for _ in range(4):
        # The one wait by the clock there is: any moment may be the last.
        threading.Event().wait(dice.uniform(0.3, 2.5))
        strike(worker, "worker")
        shop.a_minute_later()
    shop.end(import_id)
    assert_golden(shop.desk, import_id)
