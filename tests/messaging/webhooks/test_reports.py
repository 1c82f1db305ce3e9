"""Who is told of webhooks that could not be taken in, and when."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.messaging.webhooks.inbox import Inbox, Row


@pytest.fixture
def eight() -> datetime:
    """In the morning of a day on which no other test's webhooks came."""
    first = datetime(1950, 1, 1, 8, tzinfo=ZoneInfo("America/New_York"))
    return first + timedelta(days=secrets.randbelow(25_000))


def came(inbox: Inbox, at: datetime, count: int, status: str, attempts: int = 0) -> None:
    inbox.rows_changed(
        "insert into private.webhook_events (provider, event_id, scheme, type, body, status,"
        " attempts, received_at, processed_at) select 'openphone', gen_random_uuid(), 'dated',"
        " 'sample', '{}', %s, %s, %s, %s from generate_series(1, %s)",
        status, attempts, at, at, count,
    )  # fmt: skip


def told(inbox: Inbox, kind: str, at: datetime) -> list[Row]:
    """What the owner has heard of it, once the sweep came by at that time."""
    inbox.rows("select watch_webhooks(%s)", at)
    owner = inbox.place.owner.id
    every = inbox.all("notifications")
    return [row for row in every if row["kind"] == kind and str(row["user_id"]) == owner]


def test_the_day_is_reported_at_eight_and_once(inbox: Inbox, eight: datetime) -> None:
    came(inbox, eight - timedelta(hours=3), 3, "processed")
    came(inbox, eight - timedelta(hours=3), 1, "dead")
    assert not told(inbox, "webhook_report", eight - timedelta(minutes=1))
    (report,) = told(inbox, "webhook_report", eight)
    assert report["title"] == "Webhooks: 4 received, 1 dead, 0 refused"
    assert len(told(inbox, "webhook_report", eight + timedelta(hours=5))) == 1
    assert len(told(inbox, "webhook_report", eight + timedelta(days=1))) == 2
    assert [row["title"] for row in inbox.all("todos")] == ["1 webhooks could not be taken in"]


@pytest.mark.parametrize(
    ("good", "dead", "attempts", "alarms"),
    [
        (80, 20, 0, 1),
        (81, 19, 0, 0),
        (500, 10, 5, 1),
        (500, 9, 5, 0),
        (0, 3, 0, 0),
    ],
)
def test_a_fifth_that_fails_or_ten_given_up_is_an_alarm_at_once(
    inbox: Inbox, eight: datetime, good: int, dead: int, attempts: int, alarms: int
) -> None:
    night = eight - timedelta(hours=6)
    came(inbox, night, good, "processed")
    came(inbox, night, dead, "dead", attempts)
    for minutes in (1, 2):
        at = night + timedelta(minutes=minutes)
        assert len(told(inbox, "webhook_alarm", at)) == alarms
    assert len(inbox.all("todos")) == alarms
