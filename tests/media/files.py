"""Files as phones, cameras and the vendor make them, and such as somebody wicked would."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Mapping
from typing import Any

import pillow_heif
from PIL import Image

from app.media import pictures

TAKEN, OFFSET = "2026:11:20 09:30:00", "-05:00"
# 42° 21' 36" north, 71° 3' 36" west.
HERE: dict[int, Any] = {1: "N", 2: (42.0, 21.0, 36.0), 3: "W", 4: (71.0, 3.0, 36.0)}


def exif(
    taken: str | None = TAKEN,
    offset: str | None = None,
    gps: Mapping[int, Any] | None = None,
    orientation: int = 1,
) -> bytes:
    made = Image.Exif()
    made[pictures.ORIENTATION] = orientation
    inside = made.get_ifd(pictures.EXIF)
    if taken is not None:
        inside[0x9003] = taken
    if offset is not None:
        inside[0x9011] = offset
    if gps:
        made.get_ifd(pictures.GPS).update(gps)
    return made.tobytes()


def scene(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """Red above, blue below, so that one sees which way is up."""
    image = Image.new(mode, (width, height), "blue")
    image.paste(Image.new(mode, (width, height // 2), "red"), (0, 0))
    return image


def jpeg(width: int = 640, height: int = 480, **more: Any) -> bytes:
    return _saved(scene(width, height), "JPEG", exif=exif(**more))


def heic(width: int = 640, height: int = 480, **more: Any) -> bytes:
    pillow_heif.register_heif_opener()
    return _saved(scene(width, height), "HEIF", exif=exif(**more), quality=50)


def png(width: int = 64, height: int = 64, mode: str = "RGB") -> bytes:
    return _saved(scene(width, height, mode), "PNG")


def _saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that would be 10 GB."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound(seconds: float = 2.5) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes(int(8000 * seconds)))
    return out.getvalue()


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", 8 + len(body), name) + body


def film(
    width: int = 1280,
    height: int = 720,
    seconds: float = 7.5,
    *,
    brand: bytes = b"isom",
    turned: bool = False,
    handler: bytes = b"vide",
    created: int = 3_861_000_000,
) -> bytes:
    """An ISO base media file with nothing in it but its head, behind the bytes of the film."""
    matrix = (0, 1, 0, -1, 0, 0, 0, 0, 1) if turned else (1, 0, 0, 0, 1, 0, 0, 0, 1)
    plane = struct.pack(">9i", *(part << 16 for part in matrix))
    track = bytes(40) + plane + struct.pack(">II", width << 16, height << 16)
    head = struct.pack(">IIIII", 0, created, created, 600, int(600 * seconds)) + bytes(80)
    media = box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(12)))
    movie = box(b"moov", box(b"mvhd", head), box(b"trak", box(b"tkhd", track), media))
    return box(b"ftyp", brand + bytes(4) + brand) + box(b"mdat", bytes(1000)) + movie
