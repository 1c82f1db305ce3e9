"""Several workers killed at any instant, a vendor in a bad mood: its ledger has nobody twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from edge_jobs.sends import free_sends
from tests.messaging.send.office import Db, Fork, Office
from tests.sandbox_driver import Sandbox

SENDING = {"path": "/v1/messages", "method": "POST"}
WORKERS = 4
PEOPLE = 90
CAP = 60
MOODS = ("done_then_error", "done_then_drop", "error", "drop", "busy", "slow", "malformed")


@pytest.fixture
def open_hours(office: Office) -> Iterator[Office]:
    """Cold texts leave every day here, whatever the hour elsewhere is."""
    office.db.execute(
        "insert into send_hours (location_id, kind, weekdays, opens, closes, skips_holidays)"
        " values (%s, 'cold', '{1,2,3,4,5,6,7}', '08:00', '21:00', false)",
        (office.place.id,),
    )
    query = "update phone_numbers set daily_cold_cap = %s where id = %s"
    office.db.execute(query, (CAP, office.number_id))
    zones = "update send_kinds set minds_recipient_zone = %s where kind = 'cold'"
    office.db.execute(zones.encode(), (False,))
    yield office
    office.db.execute(zones.encode(), (True,))


def place_all(office: Office) -> list[str]:
    """More than the cap allows, and answers that do not count against it."""
    office.db.execute(
        "update phone_numbers set daily_cold_cap = %s where id = %s", (PEOPLE, office.number_id)
    )
    placed = [office.text(kind="cold") for _ in range(PEOPLE)]
    # Lowered while they wait, and all of them charged anew when they are claimed.
    office.db.execute(
        "update outbound set quota_day = null where location_id = %s", (office.place.id,)
    )
    office.db.execute("delete from number_days where phone_number_id = %s", (office.number_id,))
    office.db.execute(
        "update phone_numbers set daily_cold_cap = %s where id = %s", (CAP, office.number_id)
    )
    return placed


def resume(office: Office) -> None:
    """So many errors pause the number; the owner insists. The dead lose their leases."""
    office.db.execute(
        "update phone_numbers set paused_at = null where id = %s and paused_at is not null",
        (office.number_id,),
    )
    office.worker_dies()
    office.db.execute(
        "update outbound set not_before = null where location_id = %s and state = 'queued'"
        " and rule in ('vendor_busy', 'number_paused')",
        (office.place.id,),
    )


def killed_at_random(office: Office, sandbox: Sandbox, draw: random.Random, kills: int) -> int:
    """Kills one of the workers every few hundredths of a second. Returns how many were killed."""
    workers = [Fork() for _ in range(WORKERS)]
    for _ in range(kills):
        if draw.random() < 0.3:
            sandbox.fault(draw.choice(MOODS), seconds=0.1, **SENDING)
        time.sleep(draw.uniform(0.005, 0.12))
        unlucky = draw.randrange(WORKERS)
        workers[unlucky].kill()
        workers[unlucky] = Fork()
        if draw.random() < 0.2:
            resume(office)
    for worker in workers:
        worker.kill()
    return kills


def states(db: Db, office: Office) -> dict[str, set[str]]:
    rows = db.execute(
        "select coalesce(state || ':' || rule, state), array_agg(to_phones[1]) from outbound"
        " where location_id = %s group by 1",
        (office.place.id,),
    ).fetchall()
    return {state: set(phones) for state, phones in rows}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_a_night_of_kills(
    open_hours: Office,
    sandbox: Sandbox,
    redis_conn: redis.Redis,
    make_office: Callable[[], Office],
    seed: int,
) -> None:
    office, draw = open_hours, random.Random(seed)
    place_all(office)
    for part in range(3):
        killed_at_random(office, sandbox, draw, 25)
        if part == 1:
            redis_conn.flushall()
    sandbox.clear_faults()
    for _ in range(30):
        resume(office)
        worker = Fork(3.0)
        worker.wait()
    free_sends()
    # Twenty at a time, each three times.
    office.ask(12)
    check(office, states(office.db, office))


def check(office: Office, found: dict[str, set[str]]) -> None:
    taken = office.taken()
    assert not [phone for phone, times in taken.items() if times > 1], taken
    assert len(taken) <= CAP
    assert office.used("cold") <= CAP
    # Whoever was sent to is accepted, and no other; for what nobody knows a person is asked.
    assert found.get("accepted", set()) == set(taken)
    todos = "select count(*) from todos where location_id = %s and dedupe_key ~ '^send_in_doubt'"
    assert office.value(todos, office.place.id) == len(found.get("unconfirmed", ()))
    waits = {state for state in found if state.startswith("queued:")}
    assert set(found) - waits <= {"accepted", "unconfirmed"}
    assert waits <= {"queued:daily_cap", "queued:rolling_cap"}
