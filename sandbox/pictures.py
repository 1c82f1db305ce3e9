"""Small real pictures: with EXIF time and place, where asked for."""

from __future__ import annotations

import io
import random
from datetime import datetime

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "heic": "image/heic"}
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
MAKE, ORIENTATION, TAKEN_AT, OFFSET = 0x010F, 0x0112, 0x9003, 0x9011


def make(
    kind: str,
    *,
    seed: int = 0,
    width: int = 320,
    height: int = 240,
    taken_at: str | None = None,
    place: tuple[float, float] | None = None,
    orientation: int = 1,
) -> bytes:
    """`kind` is jpeg, png or heic; `place` is latitude and longitude; `taken_at` ISO 8601."""
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = "Sandbox", orientation
    if taken_at:
        at = datetime.fromisoformat(taken_at)
        zone = at.strftime("%z")
        exif.get_ifd(EXIF_IFD)[TAKEN_AT] = at.strftime("%Y:%m:%d %H:%M:%S")
        if zone:
            exif.get_ifd(EXIF_IFD)[OFFSET] = f"{zone[:3]}:{zone[3:]}"
    if place:
        exif.get_ifd(GPS_IFD).update(_gps(*place))
    return _save(_crack(seed, width, height), kind, exif)


def _save(image: Image.Image, kind: str, exif: Image.Exif) -> bytes:
    if kind == "heic":
        # Here, because it takes 60 ms to load and is rarely asked for.
        import pillow_heif

        pillow_heif.register_heif_opener()
    written = io.BytesIO()
    image.save(written, {"jpeg": "JPEG", "png": "PNG", "heic": "HEIF"}[kind], exif=exif)
    return written.getvalue()


def _crack(seed: int, width: int, height: int) -> Image.Image:
    """A wall with a crack in it: what customers send."""
    chance = random.Random(seed)  # noqa: S311 - a picture
    grey = 150 + chance.randrange(60)
    image = Image.new("RGB", (width, height), (grey, grey - 8, grey - 20))
    steps = range(0, height + 20, 20)
    line = [(width // 2 + chance.randrange(-width // 8, width // 8 + 1), y) for y in steps]
    ImageDraw.Draw(image).line(line, fill=(40, 36, 32), width=3)
    return image


def _gps(latitude: float, longitude: float) -> dict[int, object]:
    return {
        1: "N" if latitude >= 0 else "S",
        2: _degrees(abs(latitude)),
        3: "E" if longitude >= 0 else "W",
        4: _degrees(abs(longitude)),
    }


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    minutes, degrees = (value % 1) * 60, int(value)
    seconds = IFDRational(round(minutes % 1 * 60 * 10_000), 10_000)
    return IFDRational(degrees, 1), IFDRational(int(minutes), 1), seconds
