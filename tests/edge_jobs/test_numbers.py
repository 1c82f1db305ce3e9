"""Numbers, from a request to what is known: with the vendor's sandbox on the real database."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from edge_jobs import numbers, runtime, vendors
from tests.people import Location
from tests.sandbox_driver import Sandbox


@pytest.fixture
def sandbox(vendor: Sandbox, as_worker: Callable[..., None]) -> Sandbox:
    vendor.reset()
    as_worker(NUMVERIFY_API_URL=vendor.numverify_url, NUMVERIFY_API_KEY=vendor.numverify_key)
    return vendor


@pytest.fixture
def place(
    make_location: Callable[..., Location], db: psycopg.Connection[Any], sandbox: Sandbox
) -> Location:
    """A location of its own, and nobody else's numbers wait."""
    db.execute("delete from phone_validations")
    db.commit()
    return make_location()


def some_phones(count: int) -> list[str]:
    """Mobile, as long as the sandbox is told nothing else."""
    return [f"+1617555{number}" for number in random.sample(range(1000, 9000), count)]


def want(db: psycopg.Connection[Any], place: Location, phones: list[str]) -> None:
    db.execute("select private.want_number_checks(%s, %s, null, now())", (place.id, phones))
    db.commit()


def known(db: psycopg.Connection[Any], place: Location) -> dict[str, Any]:
    """By number: is it sendable, or unknown."""
    rows = db.execute(
        "select phone, case when status = 'checked' then is_valid::text || ' ' ||"
        " coalesce(line_type, '-') else status end from phone_validations where location_id = %s",
        (place.id,),
    ).fetchall()
    db.commit()
    return dict(rows)


def test_each_kind_of_number_is_told_apart(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    kinds = ["mobile", "landline", "voip", "toll_free", None, "invalid"]
    said = dict(zip(some_phones(6), kinds, strict=True))
    sandbox.line_types(said)
    want(db, place, list(said))
    assert numbers.check_numbers() == 6
    expected = {None: "true -", "invalid": "false -"}
    assert known(db, place) == {
        phone: expected.get(kind, f"true {kind}") for phone, kind in said.items()
    }


def test_nothing_is_paid_for_twice(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    phones = some_phones(12)
    for _ in range(2):
        want(db, place, phones)
        numbers.check_numbers()
    assert sorted(sandbox.numbers_asked()) == sorted(phones)


def test_what_a_killed_worker_held_is_asked_once_its_lease_is_over(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    phones = some_phones(3)
    want(db, place, phones)
    held = runtime.rpc("numbers_to_check", p_lease="00000000-0000-4000-8000-000000000001")
    assert sorted(held) == sorted(phones)
    assert numbers.check_numbers() == 0
    db.execute("update phone_validations set lease_until = now() - interval '1 second'")
    db.commit()
    assert numbers.check_numbers() == 3


def test_a_vendor_that_is_away_leaves_the_number_unknown(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    phones = some_phones(2)
    want(db, place, phones)
    sandbox.fault("error", path="/numverify/api/validate")
    assert numbers.check_numbers() == 1
    assert sorted(known(db, place).values()) == ["true mobile", "unknown"]


def test_a_vendor_that_stays_silent_is_not_waited_for_number_by_number(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    want(db, place, some_phones(20))
    sandbox.fault("error", count=None, path="/numverify/api/validate")
    assert numbers.check_numbers() == 0
    assert set(known(db, place).values()) == {"unknown"}
    assert len(sandbox.requests("/numverify/api/validate")) == numbers.MOST_SILENT


def test_a_rate_limit_that_stays_puts_the_rest_off(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(db, place, some_phones(3))
    waited: list[float] = []
    monkeypatch.setattr(vendors, "numverify", lambda: replace(patient, wait=waited.append))
    patient = vendors._numverify(runtime.runtime())
    sandbox.fault("rate_limit_reached", count=None, path="/numverify/api/validate")
    assert numbers.check_numbers() == 0
    assert set(known(db, place).values()) == {"unknown"}
    assert waited == [1.0, 2.0, 4.0]


def test_an_account_that_is_refused_is_not_tried_number_by_number(
    db: psycopg.Connection[Any], place: Location, sandbox: Sandbox
) -> None:
    phones = some_phones(30)
    want(db, place, phones)
    sandbox.fault("usage_limit_reached", path="/numverify/api/validate")
    assert numbers.check_numbers() == 0
    assert set(known(db, place).values()) == {"unknown"}
    assert sandbox.numbers_asked() == []
    told = db.execute(
        "select body from notifications where location_id = %s and kind = 'number_checks_stopped'",
        (place.id,),
    ).fetchall()
    db.commit()
    assert len(told) == 2
    assert "monthly" in told[0][0]
    soonest = db.execute(
        "select min(next_try_at) > now() + interval '50 minutes' from phone_validations"
    )
    assert soonest.fetchone() == (True,)


def test_without_a_key_nothing_is_asked_and_nothing_lost(
    db: psycopg.Connection[Any], place: Location, as_worker: Callable[..., None]
) -> None:
    as_worker()
    want(db, place, some_phones(1))
    assert numbers.check_numbers() == 0
    assert list(known(db, place).values()) == ["waiting"]
