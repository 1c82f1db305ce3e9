"""Pages of the vendor's records, whatever stands in them: one odd record stops no run."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from app.integrations.http import Vendor
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_surface import Surface
from edge_jobs import sync_pages
from tests.integrations.conftest import Turns

HOST = "https://api.example.com"
NUMBERS = {"PN1": "+16175550100"}


@pytest.fixture
def phone() -> OpenPhone:
    return OpenPhone(Surface(HOST, "k", Vendor("openphone"), Turns(), lambda _: None))


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": " "}, {"id": 7}])
def test_a_text_without_an_id_is_left_out(phone: OpenPhone, odd: dict[str, Any]) -> None:
    good = {"id": "AC1", "direction": "incoming", "from": "+16175550123", "text": "Hello"}
    with responses.RequestsMock() as api:
        api.get(f"{HOST}/messages", json={"data": [odd, good], "nextCursor": None})
        step = sync_pages.list_messages(phone, "history", {}, NUMBERS)
    assert [fact["id"] for fact in step.facts] == ["AC1"]
    assert (len(step.objects), step.position) == (2, None)


@pytest.mark.parametrize("given", [{}, {"id": None, "callId": None}])
def test_what_follows_a_call_is_known_by_its_call(phone: OpenPhone, given: dict[str, Any]) -> None:
    call = {"id": "AC1", "status": "completed", "direction": "incoming"}
    wanted = dict.fromkeys(("recordings", "summary", "transcript", "voicemail"), True)
    with responses.RequestsMock() as api:
        for path in ("call-recordings", "call-voicemails", "call-summaries", "call-transcripts"):
            api.get(f"{HOST}/v1/{path}/AC1", json={"data": given | {"url": "https://f.test/1"}})
        facts = sync_pages.call_files(phone, call | wanted)
    assert [(fact["kind"], fact["call_id"], fact.get("id")) for fact in facts] == [
        ("recording", "AC1", "AC1:recording:0"),
        ("voicemail", "AC1", "AC1:voicemail"),
        ("summary", "AC1", None),
        ("transcript", "AC1", None),
    ]
