"""Looks once through an uploaded file: its size, its digest, and whether it can be a CSV at all.

Which CSV it is, and what each row is worth, is found out by the job.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from app.errors import AppError, invalid_field

CHUNK_BYTES = 256 * 1024

SAVE_AS_CSV = "Open it in a spreadsheet, save it as CSV (comma separated) and upload that file."
# The beginnings of files people send instead of a CSV.
OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
# Bytes that neither UTF-8 nor any 8-bit code a spreadsheet writes can hold.
IN_NO_CODE_PAGE = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Digest:
    size_bytes: int
    sha256: str


def inspect(file: IO[bytes]) -> Digest:
    """Reads the file to its end, in pieces, and goes back to its start.

    Raises AppError 422 on field `file`: empty_file, not_csv.
    """
    look = _TextLook()
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks(file):
        if not size:
            _refuse_other_kinds(chunk)
        look.at(chunk)
        digest.update(chunk)
        size += len(chunk)
    if not size:
        raise invalid_field("file", "empty_file", "The file is empty. Export it again.")
    look.end()
    return Digest(size, digest.hexdigest())


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The file from its start in pieces; afterwards it stands at its start again."""
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
    file.seek(0)


def base_name(filename: str) -> str:
    """The name without the folders some browsers send along, and without control characters."""
    name = PurePosixPath(filename.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:255] or "import.csv"


def object_name(filename: str) -> str:
    """The name as Storage takes it everywhere: plain ASCII, no blanks, never empty."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", base_name(filename)).strip("._")
    return plain[-100:].lstrip("._") or "import.csv"


def _refuse_other_kinds(beginning: bytes) -> None:
    for magic, kind in OTHER_KINDS:
        if beginning.startswith(magic):
            raise _not_csv(f"This is {kind}, not a CSV file. {SAVE_AS_CSV}")


class _TextLook:
    """Follows the file as UTF-8, and as an 8-bit code page for as long as that is possible."""

    def __init__(self) -> None:
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._may_be_8_bit = True

    def at(self, chunk: bytes) -> None:
        if b"\x00" in chunk:
            raise _not_csv(f"The file holds data that is no text. {SAVE_AS_CSV}")
        self._may_be_8_bit = self._may_be_8_bit and not IN_NO_CODE_PAGE.search(chunk)
        self._follow(chunk, final=False)

    def end(self) -> None:
        self._follow(b"", final=True)

    def _follow(self, chunk: bytes, *, final: bool) -> None:
        try:
            if self._utf8:
                self._utf8.decode(chunk, final)
        except UnicodeDecodeError:
            self._utf8 = None
        if self._utf8 is None and not self._may_be_8_bit:
            how = 'Save it as "CSV UTF-8" and upload that file.'
            raise _not_csv(f"The file's letters cannot be read. {how}")


def _not_csv(message: str) -> AppError:
    return invalid_field("file", "not_csv", message)
