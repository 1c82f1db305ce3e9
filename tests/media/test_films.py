"""How long films and sounds are, by what the file says."""

from __future__ import annotations

import io
import random
import struct
from datetime import UTC, datetime

import pytest

from app.media import films
from app.media.films import Film
from tests.media import files


def film_of(content: bytes, mime: str = "video/mp4") -> Film:
    return films.look(io.BytesIO(content), mime, mime.partition("/")[2])


def test_a_film_says_how_long_how_large_and_when() -> None:
    made = datetime(2026, 5, 7, 12, 0, tzinfo=UTC)
    assert film_of(files.film(created=3_861_000_000)) == Film(7.5, 1280, 720, made, True)


def test_a_film_on_its_side_is_shown_upright() -> None:
    seen = film_of(files.film(turned=True))
    assert (seen.width, seen.height) == (720, 1280)


def test_a_film_without_pictures_is_a_sound() -> None:
    seen = film_of(files.film(handler=b"soun"))
    assert (seen.has_picture, seen.width, seen.duration_s) == (False, None, 7.5)


def test_a_film_that_knows_no_time_says_none() -> None:
    assert film_of(files.film(created=0)).taken_at is None


def test_a_wav_and_an_mp3_are_measured() -> None:
    assert film_of(files.sound(2.5), "audio/wav").duration_s == 2.5
    # MPEG 1 layer 3, 128 kbit/s, 44.1 kHz: 417 bytes are 1152 samples.
    frames = (b"\xff\xfb\x90\x00" + bytes(413)) * 383
    assert film_of(frames, "audio/mp3").duration_s == pytest.approx(10.0, abs=0.2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"moov",
        struct.pack(">I4s", 4, b"moov"),
        struct.pack(">I4sQ", 1, b"moov", 1 << 62),
        files.box(b"moov", files.box(b"mvhd", b"")),
        files.box(b"moov", files.box(b"trak", files.box(b"tkhd", b""))),
    ],
    ids=range(6),
)
def test_a_broken_film_says_nothing(content: bytes) -> None:
    assert film_of(content).duration_s is None


@pytest.mark.parametrize("mime", ["video/mp4", "audio/wav", "audio/ogg", "audio/flac", "audio/mp3"])
def test_damage_raises_nothing(mime: str) -> None:
    whole = files.film() if mime == "video/mp4" else files.sound(0.2)
    heads = {"audio/ogg": b"OggS", "audio/flac": b"fLaC", "audio/mp3": b"ID3\x04"}
    content, chance = heads.get(mime, b"") + whole, random.Random(11)
    for _ in range(200):
        damaged = bytearray(content[: chance.randint(1, len(content))])
        for _ in range(chance.randint(1, 9)):
            damaged[chance.randrange(min(len(damaged), 300))] = chance.randrange(256)
        film_of(bytes(damaged), mime)
