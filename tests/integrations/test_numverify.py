from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from app.integrations.http import Vendor, VendorBusy, VendorRefused, VendorUnknown
from app.integrations.numverify import TRIES, Checked, NumVerify
from tests.integrations.conftest import Clock, Counted, Turns
from tests.integrations.openphone_payloads import THEIRS

URL = "https://numverify.example.com"
PATH = f"{URL}/api/validate"
MOBILE = {
    "valid": True,
    "number": THEIRS[1:],
    "country_code": "US",
    "location": "Boston",
    "carrier": "Fictional Wireless",
    "line_type": "mobile",
}


@pytest.fixture
def numverify(counted: Counted, clock: Clock, turns: Turns) -> NumVerify:
    vendor = Vendor("numverify", counted, clock)
    return NumVerify(URL, "key-for-tests", vendor, turns, clock.wait)


def test_a_number_is_told_with_its_kind(
    numverify: NumVerify, api: responses.RequestsMock, turns: Turns, counted: Counted
) -> None:
    api.get(PATH, json=MOBILE)
    found = numverify.validate(THEIRS)
    assert found == Checked(THEIRS, True, "mobile", "Fictional Wireless", "US", "Boston", MOBILE)
    query = parse_qs(urlsplit(str(api.calls[0].request.url)).query)
    assert query == {"access_key": ["key-for-tests"], "number": [THEIRS], "format": ["1"]}
    assert turns.taken == [("read", "validate")]
    assert counted.calls == [("numverify", "validate", "ok")]


@pytest.mark.parametrize(
    ("told", "normal"),
    [
        ("landline", "landline"),
        ("voip", "voip"),
        ("toll_free", "toll_free"),
        ("premium_rate", "premium"),
        ("paging", "pager"),
        ("satellite", "other"),
        ("never heard", "other"),
        ("", None),
        (None, None),
    ],
)
def test_every_kind_of_line_has_its_name(
    numverify: NumVerify, api: responses.RequestsMock, told: str | None, normal: str | None
) -> None:
    api.get(PATH, json={**MOBILE, "line_type": told})
    assert numverify.validate(THEIRS).line_type == normal


def test_what_is_no_number_is_not_valid(numverify: NumVerify, api: responses.RequestsMock) -> None:
    api.get(PATH, json={"valid": False, "line_type": "", "carrier": "\x00"})
    found = numverify.validate(THEIRS)
    assert (found.is_valid, found.line_type, found.carrier) == (False, None, None)


def error(code: Any) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "type": "x", "info": "No."}}


@pytest.mark.parametrize(("code", "status"), [(101, 401), (104, 402), (211, 422), (310, 422)])
def test_an_error_with_a_good_status_is_an_error(
    numverify: NumVerify, api: responses.RequestsMock, counted: Counted, code: int, status: int
) -> None:
    api.get(PATH, json=error(code))
    with pytest.raises(VendorRefused) as caught:
        numverify.validate(THEIRS)
    assert (caught.value.status, caught.value.code, caught.value.detail) == (
        status,
        str(code),
        "No.",
    )
    assert counted.calls == [("numverify", "validate", "refused")]


def test_a_rate_limit_is_waited_out(
    numverify: NumVerify, api: responses.RequestsMock, clock: Clock
) -> None:
    api.get(PATH, json=error(106))
    api.get(PATH, status=429)
    api.get(PATH, json=MOBILE)
    assert numverify.validate(THEIRS).is_valid
    assert clock.waited == [1.0, 5.0]


def test_a_rate_limit_that_stays_is_given_up(
    numverify: NumVerify, api: responses.RequestsMock
) -> None:
    api.get(PATH, json=error(106))
    with pytest.raises(VendorBusy):
        numverify.validate(THEIRS)
    assert len(api.calls) == TRIES


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"valid": "true"}, error("x"), {"error": "No."}, {"success": False}]
)
def test_an_answer_nobody_understands_says_nothing_of_the_number(
    numverify: NumVerify, api: responses.RequestsMock, answer: Any
) -> None:
    api.get(PATH, json=answer)
    with pytest.raises(VendorUnknown):
        numverify.validate(THEIRS)


def test_a_vendor_that_is_away_is_asked_once(
    numverify: NumVerify, api: responses.RequestsMock
) -> None:
    api.get(PATH, status=503)
    with pytest.raises(VendorUnknown):
        numverify.validate(THEIRS)
    assert len(api.calls) == 1
