"""Files of the vendor's stand-in: signed addresses that expire, and fresh ones asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge_jobs.media import fetch_media
from tests.media.office import Office
from tests.sandbox_driver import Sandbox

PERSON = "+16175550123"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as started:
        yield started


@pytest.fixture
def vendor(sandbox: Sandbox, office: Office, set_up: Callable[..., None]) -> Sandbox:
    """The office's workers speak with it."""
    set_up(OPENPHONE_API_URL=sandbox.url, OPENPHONE_API_KEY=sandbox.key)
    return sandbox


@pytest.mark.parametrize("kind", ["heic", "jpeg", "png"])
def test_a_picture_is_fetched_by_its_signed_address(
    vendor: Sandbox, office: Office, kind: str
) -> None:
    text = vendor.customer_texts(PERSON, "Look", media=[{"kind": kind}])
    row = office.fetch(text["media"][0]["url"], message_id=office.message(text["id"]))
    assert (row["status"], row["mime"]) == ("stored", f"image/{kind}")
    assert row["thumb_path"] and bool(row["jpeg_path"]) == (kind == "heic")


def test_an_expired_picture_is_asked_for_anew(vendor: Sandbox, office: Office) -> None:
    files: list[dict[str, Any]] = [{"kind": "jpeg"}, {"kind": "png"}]
    text = vendor.customer_texts(PERSON, "Look", media=files)
    message = office.message(text["id"])
    urls = [each["url"] for each in text["media"]]
    rows = [
        office.media(url, message_id=message, position=position)
        for position, url in enumerate(urls)
    ]
    vendor.control("POST", "files/expire")
    assert [fetch_media(row) for row in rows] == ["stored", "stored"]
    seen = [office.row(row) for row in rows]
    assert [row["mime"] for row in seen] == ["image/jpeg", "image/png"]
    assert all(row["source_url"] != url for row, url in zip(seen, urls, strict=True))


@pytest.mark.parametrize("sound", ["mp3", "wav"])
def test_recordings_of_a_call_are_asked_for_anew(
    vendor: Sandbox, office: Office, sound: str
) -> None:
    call = vendor.customer_calls(PERSON, recordings=2, sound=sound)["id"]
    told = vendor.v1("GET", f"/call-recordings/{call}").json()["data"]
    vendor.control("POST", "files/expire")
    kept = office.call(call)
    rows = [
        office.fetch(each["url"], recording_id=office.recording(kept, each["id"])) for each in told
    ]
    assert [(row["status"], row["kind"]) for row in rows] == [("stored", "audio")] * 2
    assert all(row["mime"] == f"audio/{'mpeg' if sound == 'mp3' else sound}" for row in rows)
    assert all(row["duration_s"] and row["duration_s"] > 0.5 for row in rows)


def test_a_voicemail_is_asked_for_anew(vendor: Sandbox, office: Office) -> None:
    call = vendor.customer_calls(PERSON, end="voicemail")["id"]
    told = vendor.v1("GET", f"/call-voicemails/{call}").json()["data"]
    vendor.control("POST", "files/expire")
    row = office.fetch(told["recordingUrl"], voicemail_id=office.voicemail(call, told["id"]))
    assert (row["status"], row["mime"]) == ("stored", "audio/mpeg") and row["duration_s"] > 0.5
