"""Thumbnails stand upright, copies keep the size, EXIF is believed where it can be."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from app.media import pictures
from app.media.pictures import Bomb, Shot, Unreadable
from tests.media import files

BOSTON = ZoneInfo("America/New_York")
MORNING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def shot_of(content: bytes) -> Shot:
    with pictures.opened(io.BytesIO(content)) as image:
        return pictures.shot(image, BOSTON)


def thumbnail_of(content: bytes) -> Image.Image:
    with pictures.opened(io.BytesIO(content)) as image:
        return Image.open(io.BytesIO(pictures.thumbnail(image)))


def looks(pixel: Any, name: str) -> bool:
    red, _, blue = pixel
    return bool(red > 150 > blue) if name == "red" else bool(blue > 150 > red)


def test_a_thumbnail_is_a_small_jpeg_without_exif() -> None:
    with thumbnail_of(files.jpeg(1600, 900, gps=files.HERE)) as small:
        assert (small.format, small.size) == ("JPEG", (400, 225))
        assert not small.getexif() and "exif" not in small.info


def test_a_small_picture_is_not_blown_up() -> None:
    with thumbnail_of(files.png(64, 32)) as small:
        assert small.size == (64, 32)


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, (200, 20)), (3, (200, 280)), (6, (280, 200)), (8, (20, 200))],
)
def test_orientation_is_applied(orientation: int, red_at: tuple[int, int]) -> None:
    content = files.jpeg(800, 600, orientation=orientation)
    on_its_side = orientation > 4
    shot = shot_of(content)
    assert (shot.width, shot.height) == ((600, 800) if on_its_side else (800, 600))
    with thumbnail_of(content) as small:
        assert small.size == ((300, 400) if on_its_side else (400, 300))
        assert looks(small.getpixel(red_at), "red")
        assert looks(
            small.getpixel(tuple(s - 1 - p for s, p in zip(small.size, red_at, strict=True))),
            "blue",
        )


def test_a_heic_is_read_and_copied_whole() -> None:
    content = files.heic(640, 480, offset=files.OFFSET, gps=files.HERE)
    shot = shot_of(content)
    assert (shot.width, shot.height, shot.taken_at) == (640, 480, MORNING)
    assert shot.lat == pytest.approx(42.36) and shot.lon == pytest.approx(-71.06)
    with pictures.opened(io.BytesIO(content)) as image:
        copy = Image.open(io.BytesIO(pictures.jpeg_copy(image)))
    with copy:
        assert (copy.format, copy.size) == ("JPEG", (640, 480)) and not copy.getexif()
        assert looks(copy.getpixel((320, 50)), "red")


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "CMYK", "1"])
def test_every_mode_becomes_a_jpeg(mode: str) -> None:
    out = io.BytesIO()
    files.scene(60, 40).convert(mode).save(out, "TIFF" if mode == "CMYK" else "PNG")
    with thumbnail_of(out.getvalue()) as small:
        assert (small.mode, small.size) == ("RGB", (60, 40))


def test_what_one_sees_through_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(out, "PNG")
    with thumbnail_of(out.getvalue()) as small:
        assert min(small.getpixel((10, 10))) > 250


def test_sixteen_bits_a_pixel_are_scaled_not_cut() -> None:
    out = io.BytesIO()
    Image.new("I;16", (20, 20), 32768).save(out, "PNG")
    with thumbnail_of(out.getvalue()) as small:
        assert 120 < small.getpixel((10, 10))[0] < 136


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        (files.TAKEN, files.OFFSET, MORNING),
        (files.TAKEN, "+01:00", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        (files.TAKEN, "Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        (files.TAKEN, None, MORNING),
        (files.TAKEN, "   :  ", MORNING),
        ("2026:07:01 09:30:00", None, datetime(2026, 7, 1, 13, 30, tzinfo=UTC)),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("1970:01:01 00:00:00", None, None),
        ("yesterday", None, None),
        (None, None, None),
    ],
)
def test_a_time_without_a_zone_is_the_locations(
    taken: str | None, offset: str | None, expected: datetime | None
) -> None:
    assert shot_of(files.jpeg(16, 16, taken=taken, offset=offset)).taken_at == expected


@pytest.mark.parametrize(
    ("gps", "lat", "lon"),
    [
        (files.HERE, 42.36, -71.06),
        (files.HERE | {1: "S", 3: "E"}, -42.36, 71.06),
        (files.HERE | {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, None, None),
        (files.HERE | {2: (142.0, 0.0, 0.0)}, None, None),
        (files.HERE | {1: "?"}, None, None),
        ({1: "N", 2: (42.0, 21.0, 36.0)}, None, None),
        ({2: (42.0, 0.0, 0.0), 4: (71.0, 0.0, 0.0)}, None, None),
    ],
)
def test_a_place_is_whole_or_none(gps: Any, lat: float | None, lon: float | None) -> None:
    shot = shot_of(files.jpeg(16, 16, gps=gps))
    assert (shot.lat, shot.lon) == (pytest.approx(lat), pytest.approx(lon))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    for content in (files.bomb(), files.bomb(11_000, 11_000), files.bomb(200_000, 1_000)):
        with pytest.raises(Bomb), pictures.opened(io.BytesIO(content)):
            pytest.fail("it was opened")


def test_half_a_picture_is_unreadable() -> None:
    content = files.jpeg(1600, 900)
    with pytest.raises(Unreadable), pictures.opened(io.BytesIO(content[: len(content) // 2])) as it:
        pictures.thumbnail(it)
    with pytest.raises(Unreadable), pictures.opened(io.BytesIO(b"\xff\xd8\xff nothing")):
        pytest.fail("it was opened")


@pytest.mark.parametrize("make", [files.jpeg, files.heic, files.png])
def test_damage_raises_nothing_else(make: Any) -> None:
    """Whatever a byte is turned into: a picture, or one of the two words for none."""
    content, chance = make(48, 48), random.Random(7)
    for _ in range(120):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(Bomb, Unreadable), pictures.opened(io.BytesIO(damaged)) as image:
            pictures.shot(image, BOSTON)
            pictures.jpeg_copy(image)
            pictures.thumbnail(image)
