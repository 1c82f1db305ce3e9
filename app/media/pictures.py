"""Pictures: when and where they were taken, a thumbnail, a JPEG copy of what browsers cannot show.

https://exif.org/Exif2-2.PDF (tags, GPS), CIPA DC-008 (offsets of time), read 2026-11-21
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, BinaryIO

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

THUMB_PX = 400
# 300 MB as RGB. No text brings more, and a file of a few KB can claim a thousand times it.
MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF", "TIFF", "BMP")
ORIENTATION, EXIF, GPS = 0x0112, 0x8769, 0x8825
# The time it was taken, digitised, changed, each with its offset from UTC.
TIMES = ((0x9003, 0x9011), (0x9004, 0x9012), (0x0132, 0x9010))
LAT_REF, LAT, LON_REF, LON = 1, 2, 3, 4
FIRST_YEAR = 1990
# What Pillow and its decoders raise for a file that is not what it says.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    RuntimeError,
    struct.error,
)

Image.init()
pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class Bomb(Exception):
    """A small file that claims more pixels than anybody photographs."""


class Unreadable(Exception):
    """The bytes are no whole picture."""


@dataclass(frozen=True)
class Shot:
    """`width` and `height` as shown, the orientation applied. `taken_at` is aware, or None."""

    width: int
    height: int
    taken_at: datetime | None
    lat: float | None
    lon: float | None


@contextmanager
def opened(file: BinaryIO) -> Iterator[Image.Image]:
    """Raises Bomb or Unreadable, also for what fails while it is open."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                _check_size(image)
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Bomb("The picture claims more pixels than we decode.") from error
    except UnidentifiedImageError as error:
        raise Unreadable("not a picture") from error
    except BROKEN as error:
        raise Unreadable(type(error).__name__) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Bomb("The picture claims more pixels than we decode.")


def shot(image: Image.Image, zone: tzinfo) -> Shot:
    """Must come before `thumbnail`, which shrinks the picture. `zone`: of a time without one."""
    exif = _exif(image)
    width, height = image.size
    if exif.get(ORIENTATION) in (5, 6, 7, 8):
        width, height = height, width
    lat, lon = _place(_part(exif, GPS))
    return Shot(width, height, _taken_at(exif, zone), lat, lon)


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of at most THUMB_PX each way, upright, without EXIF. Shrinks the picture itself."""
    # Lets the JPEG decoder skip most of the work; nothing for other formats.
    image.draft("RGB", (2 * THUMB_PX, 2 * THUMB_PX))
    image.thumbnail((THUMB_PX, THUMB_PX))
    return _as_jpeg(image, quality=82)


def jpeg_copy(image: Image.Image) -> bytes:
    """The whole picture, upright, without EXIF: the original keeps that."""
    return _as_jpeg(image, quality=90)


def _as_jpeg(image: Image.Image, quality: int) -> bytes:
    # Colours mean what the profile says, as long as they are the profile's.
    profile = image.info.get("icc_profile") if image.mode == "RGB" else None
    with suppress(*BROKEN):
        image = ImageOps.exif_transpose(image)
    flat = _flat(image)
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=quality, optimize=True, icc_profile=profile, exif=b"")
    return out.getvalue()


def _flat(image: Image.Image) -> Image.Image:
    """RGB, on white where one could see through."""
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    if image.mode.startswith("I"):
        # 16 bits a pixel: converting would cut, not scale.
        return image.point(lambda value: value / 256, "F").convert("L").convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        above = image.convert("RGBA")
        ground = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(ground, above).convert("RGB")
    return image.convert("RGB")


def _exif(image: Image.Image) -> Any:
    """A damaged EXIF is none."""
    try:
        return image.getexif()
    except BROKEN:
        return Image.Exif()


def _part(exif: Any, tag: int) -> Mapping[int, Any]:
    try:
        part: Mapping[int, Any] = exif.get_ifd(tag)
    except BROKEN:
        return {}
    return part


def _taken_at(exif: Any, zone: tzinfo) -> datetime | None:
    inside = _part(exif, EXIF)
    for tag, offset_tag in TIMES:
        said = inside.get(tag) or exif.get(tag)
        found = _moment(said, inside.get(offset_tag), zone)
        if found:
            return found
    return None


def _moment(said: Any, offset: Any, zone: tzinfo) -> datetime | None:
    """`2026:11:21 09:30:00`, and `-05:00` where the camera knew it."""
    text = str(said or "").strip("\0 ")[:19]
    for given in (str(offset or "").strip("\0 "), ""):
        try:
            if given:
                return _plausible(datetime.strptime(f"{text} {given}", "%Y:%m:%d %H:%M:%S %z"))
            local = datetime.strptime(f"{text} +0000", "%Y:%m:%d %H:%M:%S %z")
            return _plausible(local.replace(tzinfo=zone))
        except (ValueError, OverflowError):
            continue
    return None


def _plausible(moment: datetime) -> datetime | None:
    return moment.astimezone(UTC) if moment.year >= FIRST_YEAR else None


def _place(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    lat = _degrees(gps.get(LAT), gps.get(LAT_REF), "NS", 90)
    lon = _degrees(gps.get(LON), gps.get(LON_REF), "EW", 180)
    # Cameras without a fix write zeros: nobody photographs a foundation in the Gulf of Guinea.
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None, None
    return lat, lon


def _degrees(parts: Any, ref: Any, signs: str, most: int) -> float | None:
    """Degrees, minutes, seconds as rationals; the second of `signs` is below zero."""
    side = (ref.decode(errors="replace") if isinstance(ref, bytes) else str(ref or ""))[:1].upper()
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if side not in tuple(signs) or not 0 <= value <= most:
        return None
    return round(-value if side == signs[1] else value, 7)
