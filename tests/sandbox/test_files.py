"""Pictures and sounds are real ones: what opens them finds time, place and length."""

from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image
from tinytag import TinyTag

from tests.sandbox_driver import Sandbox

PERSON = "+16175550123"


def content(sandbox: Sandbox, **media: object) -> bytes:
    heard = sandbox.customer_texts(PERSON, media=[media])
    return httpx.get(heard["media"][0]["url"]).content


@pytest.mark.parametrize("kind", ["jpeg", "png", "heic"])
def test_picture_opens(sandbox: Sandbox, kind: str) -> None:
    if kind == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    with Image.open(io.BytesIO(content(sandbox, kind=kind, width=64, height=48))) as picture:
        picture.load()
        assert picture.size == (64, 48)


def test_photo_tells_when_and_where(sandbox: Sandbox) -> None:
    photo = content(sandbox, taken_at="2026-11-20T10:30:00-05:00", place=[42.3601, -71.0589])
    with Image.open(io.BytesIO(photo)) as picture:
        exif = picture.getexif()
    assert exif.get_ifd(0x8769)[0x9003] == "2026:11:20 10:30:00"
    assert exif.get_ifd(0x8769)[0x9011] == "-05:00"
    gps = exif.get_ifd(0x8825)
    assert (gps[1], gps[3]) == ("N", "W")
    degrees, minutes, seconds = (float(part) for part in gps[4])
    assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(71.0589, abs=1e-6)


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_sound_lasts_as_long_as_told(sandbox: Sandbox, kind: str) -> None:
    sound = content(sandbox, kind=kind, seconds=2)
    found = TinyTag.get(f"sound.{kind}", file_obj=io.BytesIO(sound))
    assert found.duration == pytest.approx(2, abs=0.1)


def test_any_bytes_may_be_sent_under_any_name(sandbox: Sandbox) -> None:
    heard = sandbox.customer_texts(PERSON, media=[{"content": "R0lG", "type": "image/jpeg"}])
    answer = httpx.get(heard["media"][0]["url"])
    assert (answer.content, answer.headers["content-type"]) == (b"GIF", "image/jpeg")


def test_changed_address_opens_nothing(sandbox: Sandbox) -> None:
    url = sandbox.customer_texts(PERSON, media=[{"kind": "jpeg"}])["media"][0]["url"]
    assert httpx.get(url.replace("expires=1", "expires=2")).status_code == 403
    assert httpx.get(url.partition("?")[0]).status_code == 403


def test_address_has_its_time(sandbox: Sandbox) -> None:
    sandbox.behave(file_ttl_s=-1)
    heard = sandbox.customer_texts(PERSON, media=[{"kind": "jpeg"}])
    assert httpx.get(heard["media"][0]["url"]).status_code == 403
