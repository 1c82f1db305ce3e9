"""Our webhook: what it tells is read, and where it may lead."""

from __future__ import annotations

import pytest

from app.integrations.openphone_events import normalise
from edge_jobs.openphone_webhook import EVENTS, address

URL = "https://crm.example.com/webhooks/openphone"
VENDOR = "https://api.example.com"


@pytest.mark.parametrize("event", EVENTS)
def test_what_the_webhook_tells_is_read(event: str) -> None:
    found = {"id": "AC1", "callId": "AC1", "recordings": [{"id": "CR1"}]}
    facts = normalise({"type": event, "data": {"resource": found}})
    assert "ignored" not in {fact["kind"] for fact in facts}


@pytest.mark.parametrize(
    ("given", "vendor", "made"),
    [
        ("https://crm.example.com", VENDOR, URL),
        ("https://crm.example.com/webhooks/openphone/", VENDOR, URL),
        (
            "https://example.com/crm/webhooks/openphone",
            VENDOR,
            "https://example.com/crm/webhooks/openphone",
        ),
        ("http://127.0.0.1:8000", "http://localhost:9", "http://127.0.0.1:8000/webhooks/openphone"),
    ],
)
def test_the_address_is_completed(given: str, vendor: str, made: str) -> None:
    assert address(given, vendor) == made


@pytest.mark.parametrize(
    "given",
    [
        *("http://crm.example.com", "crm.example.com", "https://", "https://127.0.0.1:8000"),
        *("https://crm.example.com/hook", "https://crm.example.com/?a=b", "https://[x"),
        *("https://me:pass@crm.example.com", "https://crm.example.com/#a", "ftp://localhost"),
    ],
)
def test_an_address_nobody_should_be_told_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        address(given, VENDOR)
