"""What a file is, is said by its bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.media import kinds
from app.media.kinds import Kind, kind_of
from tests.media import files

MIGRATION = Path(__file__).parents[2] / "supabase/migrations/20261121145000_fetch_media.sql"


def ftyp(brand: bytes, *compatible: bytes) -> bytes:
    return files.box(b"ftyp", brand + bytes(4) + b"".join(compatible)) + bytes(100)


def named(value: bytes | str) -> str:
    """Names are the same in each process, which a picture made anew need not be."""
    return value if isinstance(value, str) else "bytes"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (files.jpeg(8, 8), "image/jpeg"),
        (files.png(8, 8), "image/png"),
        (files.heic(64, 64), "image/heic"),
        (files.sound(0.1), "audio/wav"),
        (files.film(), "video/mp4"),
        (files.film(brand=b"qt  "), "video/quicktime"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", "image/bmp"),
        (b"II*\x00\x08\0\0\0", "image/tiff"),
        (b"\x1aE\xdf\xa3" + bytes(20), "video/webm"),
        (b"OggS" + bytes(20), "audio/ogg"),
        (b"ID3\x04" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x00" + bytes(20), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(20), "audio/aac"),
        (b"#!AMR\n" + bytes(20), "audio/amr"),
        (b"fLaC" + bytes(20), "audio/flac"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\xef\xbb\xbfbegin:vcard\r\nVERSION:3.0", "text/vcard"),
        (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        ("Fünf Risse im Keller".encode(), "text/plain"),
        ("ü".encode() * 2048, "text/plain"),
        (b"x" + "ü".encode() * 2048, "text/plain"),
        (ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"mif1", b"mif1", b"avif"), "image/avif"),
        (ftyp(b"msf1"), "image/heic"),
        (ftyp(b"3gp4"), "video/3gpp"),
        (ftyp(b"M4A "), "audio/mp4"),
        (ftyp(b"mp42", b"isom"), "video/mp4"),
    ],
    ids=named,
)
def test_bytes_say_what_they_are(head: bytes, mime: str) -> None:
    found = kind_of(head[: kinds.HEAD_BYTES])
    assert found and found.mime == mime


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"MZ\x90\x00" + bytes(60),
        b"\x7fELF" + bytes(60),
        b"PK\x03\x04" + bytes(60),
        b"<!DOCTYPE html><script>",
        b"  <svg xmlns='http://www.w3.org/2000/svg'>",
        b"#!/bin/sh\nrm -rf /",
        b"RIFF\x10\0\0\0ACON",
        b"text with \x00 in it",
        b"caf\xe9 in Latin-1",
        bytes(range(256)),
        ftyp(b"exec"),
        b"\0\0\0\0ftyp",
    ],
    ids=named,
)
def test_what_we_do_not_take_is_nothing(head: bytes) -> None:
    assert kind_of(head) is None


def test_the_bucket_takes_exactly_our_kinds() -> None:
    mine = {value.mime for value in vars(kinds).values() if isinstance(value, Kind)}
    mine |= {kind.mime for _, kind in (*kinds.BEGINNINGS, *kinds.BRANDS, *kinds.CARDS)}
    mine |= {"image/bmp"}
    (listed,) = re.findall(r"209715200,\s*'\{(.*?)\}'", MIGRATION.read_text(), re.S)
    assert {mime.strip() for mime in listed.split(",")} == mine
    assert kinds.LARGEST_BYTES == 209715200
