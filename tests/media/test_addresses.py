"""Which fresh address the vendor is asked for, and what of his answers is worth another try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from app.integrations.http import Vendor
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_surface import Surface
from app.media.fetching import NotNow
from edge_jobs import media_addresses, vendors
from tests.integrations.conftest import Turns

HOST = "https://api.example.com"
MESSAGE = {"message_id": "AC1", "position": 0}
RECORDING = {"recording_id": "CR1", "call_id": "AC1"}
VOICEMAIL = {"voicemail_id": "VM1", "call_id": "AC1"}


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    """The vendor, who keeps nobody waiting."""
    phone = OpenPhone(Surface(HOST, "k", Vendor("openphone"), Turns(), lambda _: None))
    monkeypatch.setattr(vendors, "openphone", lambda: phone)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def fresh(**given: Any) -> str | None:
    unset = dict.fromkeys(("message_id", "recording_id", "voicemail_id", "call_id", "position"))
    return media_addresses.fresh({**unset, **given})


@pytest.mark.parametrize(
    ("status", "retry_after_s"), [(429, 7), (500, 0), (401, 0), (402, 0), (403, 0)]
)
def test_a_vendor_who_does_not_say_is_asked_again(
    api: responses.RequestsMock, status: int, retry_after_s: int
) -> None:
    api.get(f"{HOST}/messages/AC1", status=status, headers={"Retry-After": "7"}, json={})
    with pytest.raises(NotNow) as caught:
        fresh(**MESSAGE)
    assert caught.value.retry_after_s == retry_after_s


@pytest.mark.parametrize("status", [404, 400])
def test_what_the_vendor_does_not_have_is_gone(api: responses.RequestsMock, status: int) -> None:
    api.get(f"{HOST}/messages/AC1", status=status, json={})
    assert fresh(**MESSAGE) is None


@pytest.mark.parametrize(
    ("row", "path", "told", "url"),
    [
        (MESSAGE, "/messages/AC1", {"id": "AC1", "media": [{"url": "u"}]}, "u"),
        (MESSAGE, "/messages/AC1", {"id": "AC1", "media": []}, None),
        (RECORDING, "/v1/call-recordings/AC1", [{"id": "CR0", "url": "n"}], None),
        (RECORDING, "/v1/call-recordings/AC1", [{"id": "CR1", "url": None}], None),
        (RECORDING, "/v1/call-recordings/AC1", {"id": "CR1", "url": "u"}, "u"),
        (VOICEMAIL, "/v1/call-voicemails/AC1", {"id": "VM9", "recordingUrl": "u"}, "u"),
        (VOICEMAIL, "/v1/call-voicemails/AC1", [{"id": "VM8"}, {"id": "VM9"}], None),
        (VOICEMAIL, "/v1/call-voicemails/AC1", [], None),
    ],
)
def test_the_address_is_that_of_the_file(
    api: responses.RequestsMock, row: dict[str, Any], path: str, told: Any, url: str | None
) -> None:
    api.get(f"{HOST}{path}", json={"data": told})
    assert fresh(**row) == url


@pytest.mark.parametrize("row", [{}, {"recording_id": "CR1"}, {"voicemail_id": "VM1"}])
def test_what_belongs_to_nothing_is_asked_of_nobody(
    api: responses.RequestsMock, row: dict[str, Any]
) -> None:
    assert fresh(**row) is None
    assert len(api.calls) == 0
