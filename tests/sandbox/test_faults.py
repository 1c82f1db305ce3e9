"""Faults as a caller meets them, and what was really done meanwhile."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox_driver import Sandbox

TEXT = {"content": "Crew arrives at nine.", "from": "PNdemo01", "to": ["+16175550123"]}


def send(sandbox: Sandbox, timeout_s: float = 5) -> httpx.Response:
    return sandbox.v1("POST", "/messages", json=TEXT, timeout=timeout_s)


@pytest.mark.parametrize(
    ("details", "status", "accepted"),
    [
        ({"kind": "busy"}, 429, 0),
        ({"kind": "error", "status": 503}, 503, 0),
        (
            {"kind": "refuse", "status": 402, "code": "0200402", "title": "Not Enough Credits"},
            402,
            0,
        ),
        ({"kind": "html"}, 200, 0),
        ({"kind": "done_then_error"}, 500, 1),
        ({"kind": "malformed"}, 202, 1),
        ({"kind": "slow", "seconds": 0.01}, 202, 1),
    ],
)
def test_answer_goes_wrong_once(
    sandbox: Sandbox, details: dict[str, object], status: int, accepted: int
) -> None:
    sandbox.fault(**details)
    answer = send(sandbox)
    assert answer.status_code == status
    assert len(sandbox.ledger()) == accepted
    if details.get("code"):
        assert answer.json()["code"] == details["code"]
    assert send(sandbox).status_code == 202


@pytest.mark.parametrize(
    ("kind", "raised", "accepted"),
    [
        ("drop", httpx.TransportError, 0),
        ("done_then_drop", httpx.TransportError, 1),
        ("hang", httpx.ReadTimeout, 0),
        ("done_then_hang", httpx.ReadTimeout, 1),
    ],
)
def test_no_answer_at_all(
    sandbox: Sandbox, kind: str, raised: type[httpx.HTTPError], accepted: int
) -> None:
    sandbox.fault(kind)
    with pytest.raises(raised):
        send(sandbox, timeout_s=0.15)
    assert len(sandbox.ledger()) == accepted
    assert sandbox.requests("/v1/messages")[0]["status"] is None


def test_malformed_answer_is_no_json(sandbox: Sandbox) -> None:
    sandbox.fault("malformed")
    with pytest.raises(ValueError):
        send(sandbox).json()


def test_fault_meets_only_what_it_names(sandbox: Sandbox) -> None:
    sandbox.fault("busy", count=None, path="/v1/messages", method="POST")
    sandbox.fault("error", count=2, skip=1, path="/organization")
    assert [send(sandbox).status_code for _ in range(3)] == [429] * 3
    assert sandbox.v1("GET", "/phone-numbers").status_code == 200
    statuses = [sandbox.dated("GET", "/organization").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    sandbox.clear_faults()
    assert send(sandbox).status_code == 202


NO_SUCH: list[dict[str, object]] = [
    {"kind": "gone"},
    {"kind": "busy", "sometimes": True},
    {"kind": "done_then_drop", "to": "+16175550123"},
    {"kind": "stuck", "event": "message."},
    {"kind": "slow", "system": "dated"},
]


def test_fault_that_there_is_not_is_told(sandbox: Sandbox) -> None:
    for details in NO_SUCH:
        assert sandbox.http.post("/_control/faults", json=details).status_code == 400
    assert sandbox.http.patch("/_control/behaviour", json={"webhooks": 1}).status_code == 400


def test_file_can_fail_too(sandbox: Sandbox) -> None:
    heard = sandbox.customer_texts("+16175550123", media=[{"kind": "png"}])
    url = heard["media"][0]["url"]
    sandbox.fault("error", status=502, path="/files/")
    assert [httpx.get(url).status_code for _ in range(2)] == [502, 200]


def test_reset_makes_everything_new(sandbox: Sandbox) -> None:
    sandbox.fault("busy", count=None)
    send(sandbox)
    sandbox.customer_texts("+16175550123", "Hello")
    sandbox.reset()
    assert send(sandbox).status_code == 202
    assert len(sandbox.ledger()) == 1
    assert sandbox.deliveries() == []
