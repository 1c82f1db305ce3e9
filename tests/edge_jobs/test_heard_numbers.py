"""A number that is added in the CRM is told of by the webhook that is there, within ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from edge_jobs.heard_numbers import hear_numbers
from tests.people import Location
from tests.sandbox_driver import Sandbox

Db = psycopg.Connection[Any]
URL = "https://crm.example.com/webhooks/openphone"
TEXTS = ["message.received"]


def make_hook(desk: Sandbox, *numbers: str, url: str = URL, **more: Any) -> None:
    body = {"url": url, "events": TEXTS, "resourceIds": [*numbers], **more}
    assert desk.dated("POST", "/webhooks", json=body).status_code == 201


def hooks(desk: Sandbox) -> list[dict[str, Any]]:
    names = ("url", "events", "resourceIds", "status")
    told = desk.dated("GET", "/webhooks").json()["data"]
    return [{name: hook[name] for name in names} for hook in told]


@pytest.fixture
def added(db: Db, make_location: Callable[..., Location], number: str) -> None:
    """`number` is ours now; nobody told OpenPhone."""
    place = make_location()
    db.execute("insert into phone_numbers (location_id, e164) values (%s, %s)", (place.id, number))


@pytest.mark.usefixtures("added")
def test_a_number_that_was_added_is_told_of(desk: Sandbox) -> None:
    make_hook(desk, "PNgone", "PNdemo01")
    make_hook(desk, "PNelse", url="https://elsewhere.example.com/hooks")
    (was, other) = hooks(desk)
    assert hear_numbers() == 2
    told_of = ["PNdemo01", "PNdemo02", "PNnew"]
    assert hooks(desk) == [was | {"resourceIds": told_of}, other]
    assert hear_numbers() == 0


LEFT: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "all numbers": [{"numbers": ["*"]}],
    "none of ours": [{"numbers": ["PNelse"]}],
    "switched off": [{"numbers": ["PNdemo01"], "status": "disabled"}],
    "two": [{"numbers": ["PNdemo01"]}, {"numbers": ["PNdemo01"], "url": URL.replace("crm", "b")}],
}


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("there", LEFT.values(), ids=LEFT)
def test_what_may_not_be_ours_or_was_meant_stays(
    desk: Sandbox, there: list[dict[str, Any]]
) -> None:
    for hook in there:
        make_hook(desk, *hook["numbers"], **{k: v for k, v in hook.items() if k != "numbers"})
    before = hooks(desk)
    assert hear_numbers() == 0
    assert hooks(desk) == before


@pytest.mark.usefixtures("added")
def test_a_vendor_that_is_away_is_asked_again(desk: Sandbox) -> None:
    make_hook(desk, "PNdemo01")
    desk.fault("error", path="/webhooks", method="PATCH", count=None)
    assert hear_numbers() == 0
    desk.clear_faults()
    assert hear_numbers() == 2


def test_without_a_key_nobody_is_asked(as_worker: Callable[..., None]) -> None:
    as_worker()
    assert hear_numbers() == 0
