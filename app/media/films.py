"""How long films and sounds are, and how large a film is shown.

Films and what phones record are ISO base media files, whose boxes are read here (ISO/IEC 14496-12);
the other sounds are left to tinytag.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from tinytag import TinyTag
from tinytag import TinyTagException as NoTag

BOXES_BY_US = ("video/mp4", "video/quicktime", "video/3gpp", "audio/mp4")
MAX_BOXES = 5_000
EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
FIRST_YEAR = 1990
LONGEST_S = 7 * 24 * 60 * 60
DAMAGED = (NoTag, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error)


@dataclass(frozen=True)
class Film:
    """None: the file does not say. `has_picture` is False for a film that is only heard."""

    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    has_picture: bool | None = None


@dataclass(frozen=True)
class Box:
    name: bytes
    start: int
    end: int


def look(file: BinaryIO, mime: str, extension: str) -> Film:
    """Never raises for what the file holds: what cannot be read is None."""
    file.seek(0)
    if mime in BOXES_BY_US:
        return _film(file)
    try:
        seconds = TinyTag.get(f"sound.{extension}", file_obj=file, tags=False).duration
    except (*DAMAGED, ZeroDivisionError, MemoryError, EOFError, AttributeError):
        return Film()
    return Film(duration_s=_plausible_s(seconds))


def _film(file: BinaryIO) -> Film:
    size = file.seek(0, 2)
    film = Film()
    try:
        for box in _boxes(file, Box(b"", 0, size)):
            if box.name == b"moov":
                film = _movie(file, box)
    except (struct.error, OverflowError, ValueError):
        return film
    return film


def _movie(file: BinaryIO, movie: Box) -> Film:
    film = Film(has_picture=False)
    for box in _boxes(file, movie):
        if box.name == b"mvhd":
            film = _headed(film, _read(file, box, 32))
        elif box.name == b"trak" and not film.has_picture:
            film = _shown(film, file, box)
    return film


def _headed(film: Film, head: bytes) -> Film:
    """mvhd: version, flags, created, modified, units a second, duration in units."""
    made, scale, units = struct.unpack(*_layout(head, ">I4xII", ">Q8xIQ"))
    seconds = _plausible_s(units / scale) if scale else None
    return replace(film, duration_s=seconds, taken_at=_since_1904(made))


def _layout(head: bytes, short: str, long: str) -> tuple[str, bytes]:
    """A box of version 1 has times of 64 bits."""
    layout = long if head[:1] == b"\x01" else short
    return layout, head[4 : 4 + struct.calcsize(layout)]


def _shown(film: Film, file: BinaryIO, track: Box) -> Film:
    """A track with pictures: its size, turned as the player turns it."""
    size: tuple[int, int] | None = None
    for box in _boxes(file, track):
        if box.name == b"tkhd":
            size = _size(_read(file, box, 96))
        elif box.name == b"mdia" and _is_picture(file, box) and size:
            return replace(film, width=size[0] or None, height=size[1] or None, has_picture=True)
    return film


def _size(head: bytes) -> tuple[int, int]:
    at = 52 if head[:1] == b"\x01" else 40
    matrix = struct.unpack(">9i", head[at : at + 36])
    width, height = (part >> 16 for part in struct.unpack(">II", head[at + 36 : at + 44]))
    lies_on_its_side = matrix[0] == 0 and matrix[4] == 0
    return (height, width) if lies_on_its_side else (width, height)


def _is_picture(file: BinaryIO, media: Box) -> bool:
    return any(
        box.name == b"hdlr" and _read(file, box, 12)[8:12] == b"vide" for box in _boxes(file, media)
    )


def _boxes(file: BinaryIO, inside: Box) -> Iterator[Box]:
    at = inside.start
    for _ in range(MAX_BOXES):
        if at + 8 > inside.end:
            return
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", file.read(8))[0], 16
        end = inside.end if size == 0 else at + size
        if end < at + header or end > inside.end:
            return
        yield Box(name, at + header, end)
        at = end


def _read(file: BinaryIO, box: Box, most: int) -> bytes:
    file.seek(box.start)
    return file.read(min(most, box.end - box.start))


def _since_1904(seconds: int) -> datetime | None:
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return moment if moment.year >= FIRST_YEAR else None


def _plausible_s(seconds: float | None) -> float | None:
    return round(seconds, 1) if seconds and 0 < seconds < LONGEST_S else None
