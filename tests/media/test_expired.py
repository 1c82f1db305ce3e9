"""An address that has expired is asked for anew, where the vendor gives one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from edge_jobs.media import fetch_media
from tests.media import files
from tests.media.office import Office, Row
from tests.media.shop import Shop

KEY = "the-vendors-key"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def asking(office: Office, set_up: Callable[..., None]) -> Office:
    """An office whose workers have the vendor's key."""
    set_up(OPENPHONE_API_KEY=KEY)
    return office


@pytest.fixture
def vendor_id() -> Callable[[str], str]:
    return lambda kind: f"{kind}{secrets.token_hex(8)}"


def tells(shop: Shop, path: str, data: Any, **more: Any) -> None:
    shop.put(path, json.dumps({"data": data}).encode(), headers=JSON, **more)


def expired(shop: Shop) -> str:
    return shop.put("/expired", b"Request has expired", status=403)


def test_a_picture_of_a_text(asking: Office, shop: Shop, vendor_id: Callable[[str], str]) -> None:
    message = vendor_id("AC")
    fresh = shop.put("/fresh.jpg", files.jpeg())
    media = [{"url": shop.put("/other.jpg", files.png()), "type": "image/png"}, fresh]
    tells(shop, f"/messages/{message}", {"id": message, "object": "message", "media": media})
    row = asking.fetch(expired(shop), message_id=asking.message(message), position=1)
    assert (row["status"], row["source_url"], row["mime"]) == ("stored", fresh, "image/jpeg")
    assert row["attempts"] == 1


def test_a_recording_by_its_call(
    asking: Office, shop: Shop, vendor_id: Callable[[str], str]
) -> None:
    call, mine = vendor_id("AC"), vendor_id("CR")
    fresh = shop.put("/fresh.wav", files.sound())
    other = {"id": vendor_id("CR"), "url": shop.put("/other"), "status": "completed"}
    told = [other, {"id": mine, "url": fresh, "duration": 3, "type": "audio/wav"}]
    tells(shop, f"/v1/call-recordings/{call}", told)
    recording = asking.recording(asking.call(call), mine)
    row = asking.fetch(expired(shop), recording_id=recording)
    assert (row["status"], row["kind"], shop.times("/other")) == ("stored", "audio", 0)


def test_a_recording_the_vendor_gave_no_id(
    asking: Office, shop: Shop, vendor_id: Callable[[str], str]
) -> None:
    call = vendor_id("AC")
    fresh = shop.put("/fresh.wav", files.sound())
    tells(shop, f"/v1/call-recordings/{call}", [{"id": vendor_id("CR"), "url": fresh}])
    recording = asking.recording(asking.call(call), f"{call}:recording:0")
    assert asking.fetch(expired(shop), recording_id=recording)["status"] == "stored"


def test_a_voicemail_by_its_call(
    asking: Office, shop: Shop, vendor_id: Callable[[str], str]
) -> None:
    call = vendor_id("AC")
    fresh = shop.put("/fresh.wav", files.sound())
    tells(shop, f"/v1/call-voicemails/{call}", {"id": vendor_id("VM"), "recordingUrl": fresh})
    voicemail = asking.voicemail(call, f"{call}:voicemail")
    assert asking.fetch(expired(shop), voicemail_id=voicemail)["status"] == "stored"


def test_the_vendors_key_goes_to_the_vendor_and_to_no_host_of_files(
    asking: Office, shop: Shop, vendor_id: Callable[[str], str]
) -> None:
    message = vendor_id("AC")
    media = [{"url": shop.put("/fresh.jpg", files.jpeg())}]
    tells(shop, f"/messages/{message}", {"id": message, "media": media})
    asking.fetch(expired(shop), message_id=asking.message(message))
    with_key = [path for path, headers in shop.asked if KEY in json.dumps(headers)]
    assert with_key == [f"/messages/{message}"]
    assert [path for path, _ in shop.asked] == ["/expired", *with_key, "/fresh.jpg"]


@pytest.mark.parametrize(
    "told",
    [
        {"data": {"id": "AC", "media": []}},
        {"data": {"id": "AC", "media": ["{expired}"]}},
        {"status": 404},
        {"status": 400},
    ],
)
def test_no_fresh_address_is_the_end_at_once(
    asking: Office, shop: Shop, told: dict[str, Any], vendor_id: Callable[[str], str]
) -> None:
    message, url = vendor_id("AC"), expired(shop)
    data = json.loads(json.dumps(told.get("data")).replace("{expired}", url))
    tells(shop, f"/messages/{message}", data, status=told.get("status", 200))
    row = asking.fetch(url, message_id=asking.message(message))
    assert (row["status"], row["attempts"], len(asking.todos())) == ("failed", 1, 1)


def test_a_fresh_address_that_has_expired_too_is_the_end(
    asking: Office, shop: Shop, vendor_id: Callable[[str], str]
) -> None:
    message = vendor_id("AC")
    media = [{"url": shop.put("/also-expired", status=410)}]
    tells(shop, f"/messages/{message}", {"id": message, "media": media})
    row = asking.fetch(expired(shop), message_id=asking.message(message))
    assert row["status"] == "failed" and shop.times(f"/messages/{message}") == 1


@pytest.mark.parametrize("status", [200, 401])
def test_a_vendor_who_cannot_say_is_asked_again(
    asking: Office, shop: Shop, status: int, vendor_id: Callable[[str], str]
) -> None:
    """An answer without an object, or to a key that was revoked. What waits is the client's."""
    message = vendor_id("AC")
    media_id = asking.media(expired(shop), message_id=asking.message(message))
    tells(shop, f"/messages/{message}", None, status=status)
    assert fetch_media(media_id) == "waiting"
    media = [{"url": shop.put("/fresh.jpg", files.jpeg())}]
    tells(shop, f"/messages/{message}", {"id": message, "media": media})
    asking.later(media_id)
    assert fetch_media(media_id) == "stored"


def test_without_the_vendors_key_an_expired_address_is_the_end(
    office: Office, shop: Shop, set_up: Callable[..., None]
) -> None:
    set_up(OPENPHONE_API_KEY="")
    row: Row = office.fetch(expired(shop))
    assert row["status"] == "failed" and [path for path, _ in shop.asked] == ["/expired"]
