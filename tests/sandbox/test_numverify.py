"""NumVerify: the kind of a number, and errors that come with status 200."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox_driver import Sandbox

KEYS = [
    *("valid", "number", "local_format", "international_format", "country_prefix"),
    *("country_code", "country_name", "location", "carrier", "line_type"),
]


def look_up(sandbox: Sandbox, number: str, **query: str) -> httpx.Response:
    params = {"access_key": sandbox.numverify_key, "number": number} | query
    return httpx.get(f"{sandbox.numverify_url}/api/validate", params=params)


def error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    assert told["success"] is False
    return told["error"]["code"], told["error"]["type"]


@pytest.mark.parametrize(
    ("number", "valid", "kind"),
    [
        ("+16175550123", True, "mobile"),
        ("+16175559001", True, "landline"),
        ("+16175559101", True, "voip"),
        ("+16175559201", True, "toll_free"),
        ("+16175559251", True, None),
        ("+16175559301", False, ""),
        ("123", False, ""),
    ],
)
def test_number_decides_the_answer(
    sandbox: Sandbox, number: str, valid: bool, kind: str | None
) -> None:
    told = look_up(sandbox, number).json()
    assert list(told) == KEYS
    assert (told["valid"], told["line_type"]) == (valid, kind)


def test_national_number_wants_its_country(sandbox: Sandbox) -> None:
    told = look_up(sandbox, "6175550123", country_code="US").json()
    assert (told["number"], told["international_format"]) == ("16175550123", "+16175550123")
    assert look_up(sandbox, "6175550123").json()["valid"] is False


def test_answer_can_be_told(sandbox: Sandbox) -> None:
    sandbox.line_types({"+16175550123": "landline"})
    assert look_up(sandbox, "+16175550123").json()["line_type"] == "landline"
    assert sandbox.numbers_asked() == ["+16175550123"]


def test_errors_have_status_200(sandbox: Sandbox) -> None:
    assert error(look_up(sandbox, "+16175550123", access_key="wrong"))[0] == 101
    assert error(look_up(sandbox, "")) == (210, "no_phone_number_provided")
    assert error(look_up(sandbox, "abc")) == (211, "non_numeric_phone_number_provided")


@pytest.mark.parametrize(
    ("kind", "code"), [("usage_limit_reached", 104), ("rate_limit_reached", 106)]
)
def test_limits_are_faults(sandbox: Sandbox, kind: str, code: int) -> None:
    sandbox.fault(kind)
    assert error(look_up(sandbox, "+16175550123")) == (code, kind)
    assert look_up(sandbox, "+16175550123").json()["valid"] is True


def test_429_comes_too(sandbox: Sandbox) -> None:
    sandbox.fault("busy", path="/numverify")
    assert look_up(sandbox, "+16175550123").status_code == 429
