"""The command that connects the CRM with its OpenPhone workspace, against the sandbox."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import responses

from devstack.stack import Stack
from edge_jobs import connect_openphone
from edge_jobs.openphone_webhook import EVENTS
from tests.people import Location
from tests.sandbox_driver import HEALTH_NUMBER, MAIN_NUMBER, Sandbox

Db = psycopg.Connection[Any]
URL = "https://crm.example.com/webhooks/openphone"
VENDOR = "https://api.example.com"
AsWorker = Callable[..., None]


@pytest.fixture
def place(make_location: Callable[..., Location]) -> Location:
    return make_location(name=f"Westcliff {secrets.token_hex(4)}")


class Operator:
    def __init__(self, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], place: Location):
        self.sandbox, self.capsys, self.place = sandbox, capsys, place
        self.status = 0

    def calls(self, *words: str) -> str:
        """What the command says: on stderr, when it is refused."""
        self.capsys.readouterr()
        self.status = connect_openphone.main(words)
        said = self.capsys.readouterr()
        return said.err if self.status else said.out

    def adds(self, number: str, *more: str) -> str:
        return self.calls("--number", number, "--location", self.place.id, *more)

    def hooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.dated("GET", "/webhooks").json()["data"]
        return found

    def change_hook(self, **changes: Any) -> None:
        (hook,) = self.hooks()
        changed = self.sandbox.dated("PATCH", f"/webhooks/{hook['id']}", json=changes)
        assert changed.status_code == 200, changed.text


@pytest.fixture
def operator(desk: Sandbox, capsys: pytest.CaptureFixture[str], place: Location) -> Operator:
    return Operator(desk, capsys, place)


def row(db: Db, number: str) -> tuple[Any, ...] | None:
    query = "select location_id::text, openphone_id, label from phone_numbers where e164 = %s"
    return db.execute(query, (number,)).fetchone()


def secret_in(said: str) -> str:
    found = re.search(r"OPENPHONE_WEBHOOK_SECRET=(whsec_\S+)", said)
    assert found, said
    return found[1]


def test_without_options_it_looks_and_changes_nothing(
    operator: Operator, db: Db, number: str
) -> None:
    said = operator.calls()
    assert "Workspace: Attack-a-Crack." in said
    assert f"{number}  Extra: not ours; --number {number} adds it" in said
    assert f"{HEALTH_NUMBER}  Health check: checks that texts arrive" in said
    assert re.search(rf"{re.escape(MAIN_NUMBER)}  Main: ours, \w+", said)
    assert "No webhook leads to a CRM" in said
    assert (row(db, number), operator.hooks()) == (None, [])


def test_a_number_and_its_webhook_are_connected_once(
    operator: Operator, db: Db, number: str
) -> None:
    said = operator.adds(number, "--webhook-url", "https://crm.example.com/")
    assert f"{number} is added to Westcliff" in said
    secret = secret_in(said)
    assert row(db, number) == (operator.place.id, "PNnew", "Extra")
    (hook,) = operator.hooks()
    assert (hook["url"], hook["events"], hook["status"]) == (URL, list(EVENTS), "enabled")
    assert set(hook["resourceIds"]) == {"PNdemo01", "PNdemo02", "PNnew"}

    again = operator.adds(number, "--webhook-url", URL)
    assert "is already at Westcliff" in again and "is complete" in again
    assert (secret in again, operator.hooks()) == (False, [hook])
    assert f"Webhook {URL}: complete" in operator.calls()


def test_a_webhook_that_was_there_is_put_right(operator: Operator, db: Db, number: str) -> None:
    operator.calls("--webhook-url", URL)
    kept = ["task.created", "message.received"]
    operator.change_hook(status="disabled", events=kept, resourceIds=["PNgone", "PNdemo01"])
    db.execute(
        "insert into phone_numbers (location_id, e164, is_active) values (%s, %s, false)",
        (operator.place.id, number),
    )
    shown = operator.calls()
    assert f"lacks {HEALTH_NUMBER}, {number}, message.delivered," in shown
    assert "to be enabled" in shown and f"--webhook-url {URL} puts it right" in shown
    assert ", retired" in shown

    assert "is put right" in operator.calls("--webhook-url", URL)
    (hook,) = operator.hooks()
    assert set(hook["events"]) == {*EVENTS, "task.created"}
    assert hook["resourceIds"] == ["PNdemo01", "PNdemo02", "PNnew"]
    assert hook["status"] == "enabled"


def test_a_number_alone_tells_what_its_webhook_lacks(operator: Operator, number: str) -> None:
    operator.calls("--webhook-url", URL)
    said = operator.adds(number)
    assert f"Webhook {URL}: lacks {number}\n  --webhook-url {URL} puts it right." in said


def test_a_webhook_for_all_numbers_stays_so(operator: Operator) -> None:
    operator.calls("--webhook-url", URL)
    operator.change_hook(resourceIds=["*"])
    assert "is complete" in operator.calls("--webhook-url", URL)


def test_a_lost_secret_is_replaced(operator: Operator) -> None:
    first = secret_in(operator.calls("--webhook-url", URL))
    assert "--new-secret" in operator.calls("--webhook-url", URL)
    second = secret_in(operator.calls("--webhook-url", URL, "--new-secret"))
    assert first != second and len(operator.hooks()) == 1


def test_a_host_is_the_same_in_capitals(operator: Operator) -> None:
    operator.calls("--webhook-url", URL)
    operator.change_hook(url="https://CRM.example.com/webhooks/openphone")
    assert "is complete" in operator.calls("--webhook-url", "https://crm.EXAMPLE.com")
    assert len(operator.hooks()) == 1


def test_of_two_webhooks_to_one_address_a_person_decides(operator: Operator) -> None:
    """Two operators at once: each has made one."""
    operator.calls("--webhook-url", URL)
    twin = {"url": URL, "events": [*EVENTS]}
    assert operator.sandbox.dated("POST", "/webhooks", json=twin).status_code == 201
    assert f"2 webhooks lead to {URL}" in operator.calls()
    assert "Delete all but one" in operator.calls("--webhook-url", URL, "--new-secret")
    assert operator.status == 1


def test_a_lost_answer_makes_no_second_webhook(operator: Operator) -> None:
    operator.sandbox.fault("done_then_drop", path="/webhooks", method="POST")
    said = operator.calls("--webhook-url", URL)
    assert operator.status == 1 and "Call this again" in said
    assert "--new-secret" in operator.calls("--webhook-url", URL)
    assert len(operator.hooks()) == 1


@pytest.mark.parametrize("words", [["--new-secret"], ["--location", "Westcliff"]])
def test_an_option_that_would_do_nothing_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        connect_openphone.main(words)


REFUSED: list[tuple[list[str], str]] = [
    (["--number", "+16175550177"], "this workspace has no such number. It has +16175550100"),
    (["--number", HEALTH_NUMBER], "OPENPHONE_HEALTH_NUMBER"),
    (["--location", "Nowhere"], "--location Nowhere: there are none of that name"),
    (["--location", ""], "--location: say whose it is"),
    (["--webhook-url", "https://crm.example.com/x"], "must end in /webhooks/openphone"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_cannot_be_is_refused_before_anything_is_done(
    operator: Operator, db: Db, number: str, words: list[str], said: str
) -> None:
    assert said in operator.adds(number, *words)
    assert (operator.status, row(db, number), operator.hooks()) == (1, None, [])


def test_of_two_locations_of_one_name_one_is_chosen_by_its_id(
    operator: Operator, make_location: Callable[..., Location], number: str
) -> None:
    name = f"Twice {secrets.token_hex(4)}"
    twins = [make_location(name=name).id for _ in range(2)]
    said = operator.adds(number, "--location", name)
    assert "there are several of that name" in said and all(each in said for each in twins)
    assert f"is added to {name}" in operator.adds(number, "--location", twins[1])


def test_a_number_of_another_location_stays_there(operator: Operator) -> None:
    assert "belongs to another location" in operator.adds(MAIN_NUMBER)


def test_a_key_that_is_refused_or_missing_is_said(operator: Operator, as_worker: AsWorker) -> None:
    url = operator.sandbox.url
    as_worker(OPENPHONE_API_URL=url, OPENPHONE_API_KEY="wrong")
    assert "OpenPhone refuses OPENPHONE_API_KEY" in operator.calls()
    as_worker(OPENPHONE_API_URL=url)
    assert "OPENPHONE_API_KEY is not set" in operator.calls()
    assert operator.status == 1


def test_a_key_that_is_not_the_services_is_said(
    operator: Operator, as_worker: AsWorker, stack: Stack
) -> None:
    vendor = {"OPENPHONE_API_URL": operator.sandbox.url, "OPENPHONE_API_KEY": operator.sandbox.key}
    as_worker(SUPABASE_SERVICE_ROLE_KEY=stack.env["SUPABASE_ANON_KEY"], **vendor)
    assert "SUPABASE_SERVICE_ROLE_KEY" in operator.calls()
    assert operator.status == 1


def test_an_expired_subscription_is_said(operator: Operator) -> None:
    operator.sandbox.behave(subscription="expired")
    assert "subscription has expired" in operator.calls()
    assert operator.status == 1


def test_a_workspace_that_cannot_do_all_yet(
    operator: Operator, as_worker: AsWorker, number: str
) -> None:
    """What the sandbox does not play: texting not allowed yet, nothing ours, no secret told."""
    settings = {"OPENPHONE_API_KEY": "good", "OPENPHONE_HEALTH_NUMBER": HEALTH_NUMBER}
    as_worker(OPENPHONE_API_URL=VENDOR, WEBHOOK_INBOX_KEY="", **settings)
    barred = {"messaging": {"US": "restricted"}}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as api:
        api.get(f"{VENDOR}/organization", json={"data": {"id": "OR1"}})
        told = {"id": "PNbarred", "number": number, "restrictions": barred}
        checks = {"id": "PNchecks", "number": HEALTH_NUMBER}
        api.get(f"{VENDOR}/v1/phone-numbers", json={"data": [told, checks, {"id": "PNodd"}]})
        api.get(f"{VENDOR}/webhooks", json={"data": []})
        api.post(f"{VENDOR}/webhooks", status=201, json={"data": {"id": "7"}})
        shown = operator.calls()
        assert "may not text the US yet" in shown and "WEBHOOK_INBOX_KEY is not set" in shown
        assert "no number of this workspace is ours yet" in operator.calls("--webhook-url", URL)
        assert "is its A2P registration approved?" in operator.adds(number)
        assert "--new-secret" in operator.calls("--webhook-url", URL)
        assert operator.status == 1
