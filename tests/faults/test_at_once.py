"""Two imports at once: the same file for one place, and files for two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from devstack.processes import wait_until
from tests.faults.conftest import Shop
from tests.imports.desk import Desk
from tests.imports.golden import assert_golden, assert_tables
from tests.imports.sheets import GOLDEN, SAMPLE, sheet, street

CREATED = [name for name in GOLDEN if name.endswith("_created")]


def test_the_same_file_twice_at_once_makes_everything_once(shop: Shop) -> None:
    """The second is held up by a batch of the first that is written and not yet committed."""
    ids = [shop.desk.hand_in(SAMPLE.read_bytes()) for _ in range(2)]
    shop.hire()
    with shop.gate(ids[0], 5, inside=True) as gate:
        (first,) = gate.waiting()
        shop.hire()
        held_up = (
            "select 1 from pg_locks"
            " where locktype = 'advisory' and %s = any (pg_blocking_pids(pid))"
        )
        assert wait_until(lambda: bool(shop.desk.sql(held_up, first)), 20)
        assert shop.batches(ids[1]) == 0, "one batch of a location at a time"
    rows = [shop.end(import_id) for import_id in ids]
    assert [row["status"] for row in rows] == ["done", "done"]
    assert_tables(shop.desk)
    for name in CREATED:
        assert sum(row[name] for row in rows) == GOLDEN[name], name
        unchanged = name.replace("_created", "_unchanged")
        assert {row[name] + row[unchanged] for row in rows} == {GOLDEN[name]}, name


def test_one_of_two_killed_does_not_hold_up_the_other(shop: Shop) -> None:
    ids = [shop.desk.hand_in(SAMPLE.read_bytes()) for _ in range(2)]
    shop.hire()
    with shop.gate(ids[0], 7) as gate:
        shop.hire()
        assert shop.end(ids[1])["status"] == "done"
        shop.workers[0].replace()
        gate.undo()
    shop.a_minute_later()
    assert shop.end(ids[0])["status"] == "done"
    assert_tables(shop.desk)


@pytest.mark.soak
def test_two_places_at_once_know_nothing_of_each_other(
    shop: Shop, make_desk: Callable[[], Desk]
) -> None:
    desks = [shop.desk, replace(make_desk(), db=shop.desk.db)]
    ids = [desk.hand_in(SAMPLE.read_bytes()) for desk in desks]
    gates = [shop.gate(import_id, 2) for import_id in ids]
    shop.hire()
    shop.hire()
    for gate in gates:
        gate.wait()
    for gate in gates:
        gate.open()
    for desk, import_id in zip(desks, ids, strict=True):
        shop.end(import_id)
        assert_golden(desk, import_id)


def test_the_owner_works_while_a_list_goes_in(shop: Shop) -> None:
    """Nobody waits for the import's end, nothing he types is lost, and the import is done."""
    content = sheet(*street(900))
    shop.desk.done(content)
    people = [str(person["id"]) for person in shop.desk.all("contacts", "id")]
    import_id = shop.desk.hand_in(content, duplicates="replace")
    shop.hire()
    edited = 0
    while edited < len(people) and shop.desk.row(import_id)["status"] != "done":
        edit = {"notes": f"called {edited}", "last_name": "Typed"}
        shop.desk.write("PATCH", f"contacts?id=eq.{people[edited]}", edit)
        edited += 1
    row = shop.end(import_id)
    assert (row["status"], row["contacts_unchanged"]) == ("done", 900) and edited > 10
    assert shop.desk.count("contacts", "last_name = 'Typed' and notes like 'called %%'") == edited
    assert shop.desk.count("contacts") == shop.desk.count("list_members") == 900


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(5))
def test_four_times_at_once_with_four_workers(shop: Shop, turn: int) -> None:
    ids = [shop.desk.hand_in(SAMPLE.read_bytes(), list_name=f"L{turn}") for _ in range(4)]
    for _ in ids:
        shop.hire()
    rows = [shop.end(import_id) for import_id in ids]
    assert {row["status"] for row in rows} == {"done"}
    assert_tables(shop.desk)
    assert {name: sum(row[name] for row in rows) for name in CREATED} == {
        name: GOLDEN[name] for name in CREATED
    }
