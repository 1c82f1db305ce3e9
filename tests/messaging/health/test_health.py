"""The system texts itself: the sandbox carries the text, a webhook brings it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from devstack.stack import Stack
from edge_jobs.health_check import watch_messaging
from edge_jobs.sends import free_sends, send_texts
from tests.messaging.vendor_line import Killed, Line, die_at
from tests.people import Location, Person
from tests.sandbox_driver import HEALTH_NUMBER, MAIN_NUMBER
from tests.worker import hang_up

Db = psycopg.Connection[Any]


@pytest.fixture
def not_ours_to_say(db: Db) -> Iterator[None]:
    """The clock as production has it."""
    db.execute("update private.switches set turned_on = false where name = 'given_time'")
    yield
    db.execute("update private.switches set turned_on = true where name = 'given_time'")


def check(db: Db, place: Location) -> dict[str, Any]:
    row = db.execute(
        "select to_jsonb(h) from health_checks h where location_id = %s", (place.id,)
    ).fetchone()
    assert row is not None
    return dict(row[0])


def told(db: Db, place: Location) -> list[str]:
    rows = db.execute(
        "select kind from notifications where user_id = %s order by created_at, kind",
        (place.owner.id,),
    ).fetchall()
    return [kind for (kind,) in rows]


def health(stack: Stack, place: Location, person: Person) -> dict[str, Any]:
    answer = httpx.post(
        f"{stack.env['SUPABASE_URL']}/rest/v1/rpc/messaging_health",
        json={"p_location": place.id},
        headers={"apikey": stack.env["SUPABASE_ANON_KEY"]} | person.bearer,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return dict(json.loads(answer.text))


def two_minutes_pass(db: Db, place: Location) -> None:
    db.execute(
        "update outbound set call_started_at = call_started_at - interval '121 s'"
        " where location_id = %s and kind = 'health'",
        (place.id,),
    )


def test_a_text_to_ourselves_is_heard_and_seen_by_nobody(
    stack: Stack, db: Db, place: Location, line: Line, not_ours_to_say: None
) -> None:
    assert watch_messaging() == 1
    assert send_texts()["accepted"] == 1
    (sent,) = line.sandbox.ledger()
    assert (sent["sender"], sent["to"]) == (HEALTH_NUMBER, [MAIN_NUMBER])
    assert line.webhooks_come(db) > 0
    assert watch_messaging() == 0
    assert check(db, place)["status"] == "heard"
    assert told(db, place) == []
    seen = db.execute(
        "select (select count(*) from conversations where location_id = %(at)s"
        " and last_at is not null),"
        " (select count(*) from messages where location_id = %(at)s and direction = 'incoming'),"
        " (select count(*) from contacts where location_id = %(at)s)",
        {"at": place.id},
    ).fetchone()
    assert seen == (0, 0, 0)
    banner = health(stack, place, place.admin)
    assert banner["check"]["is_set_up"]
    assert banner["check"]["last"]["status"] == "heard"
    assert banner["outages"] == []


def test_a_webhook_that_does_not_come_is_told_once_and_once_when_it_comes_again(
    stack: Stack, db: Db, place: Location, line: Line, not_ours_to_say: None
) -> None:
    watch_messaging()
    send_texts()
    line.webhooks_are_lost()
    two_minutes_pass(db, place)
    watch_messaging()
    watch_messaging()
    assert check(db, place)["status"] == "failed"
    assert told(db, place) == ["texts_not_heard"]
    assert health(stack, place, place.owner)["outages"][0]["kind"] == "texts_not_heard"
    db.execute(
        "update health_checks set slot = slot - interval '6 hours', sent_at = sent_at"
        " - interval '6 hours' where location_id = %s",
        (place.id,),
    )
    assert watch_messaging() == 1
    send_texts()
    line.webhooks_come(db)
    watch_messaging()
    assert told(db, place) == ["texts_not_heard", "texts_not_heard_over"]
    assert health(stack, place, place.owner)["outages"] == []


def test_a_vendor_that_refuses_is_a_failed_check_and_pauses_nothing(
    stack: Stack, db: Db, place: Location, line: Line
) -> None:
    line.sandbox.fault("refuse", count=None, path="/v1/messages", method="POST", status=403)
    watch_messaging()
    send_texts()
    watch_messaging()
    assert check(db, place)["reason"].startswith("It was not delivered:")
    assert told(db, place) == ["texts_not_heard"]
    assert health(stack, place, place.owner)["paused_numbers"] == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 6))
def test_a_worker_that_is_killed_sends_no_second_text(
    db: Db,
    place: Location,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    after: bool,
) -> None:
    """Watch, claim, start, finish, claim: killed before or after each word with the database."""
    with monkeypatch.context() as patched:
        die_at(patched, step, after=after)
        with pytest.raises(Killed):
            watch_messaging()
            send_texts()
    db.execute(
        "update outbound set lease_until = clock_timestamp() - interval '1 s'"
        " where location_id = %s and state in ('reserved', 'dispatching')",
        (place.id,),
    )
    free_sends()
    watch_messaging()
    send_texts()
    watch_messaging()
    # Killed before the call and after the database was told of it, it counts as sent.
    started_only = (step, after) == (3, True)
    assert len(line.sandbox.ledger()) == (0 if started_only else 1)
    row = db.execute(
        "select count(*) from health_checks where location_id = %s", (place.id,)
    ).fetchone()
    assert row == (1,)


def test_without_a_second_number_nothing_is_sent(
    stack: Stack, db: Db, place: Location, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENPHONE_HEALTH_NUMBER")
    hang_up()
    assert watch_messaging() == 0
    assert not health(stack, place, place.owner)["check"]["is_set_up"]
    hang_up()
