"""A CSV file as a stream of bytes → numbered records. Knows nothing of what the columns mean."""

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

csv.field_size_limit(sys.maxsize)  # a cell may be of any length


class UnreadableFile(ValueError):
    """The file is no CSV we can read; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Dialect:
    """How the bytes are to be read."""

    encoding: str
    delimiter: str


@dataclass(frozen=True)
class Record:
    """`row_no` as a spreadsheet counts: the header is 1."""

    row_no: int
    cells: list[str]


class _ByteStream(io.RawIOBase):
    """The chunks of a download, as a file that can be read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def sniff(head: bytes) -> Dialect:
    """The dialect, from the first bytes: byte order mark, then what the header is separated by."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    unquoted = re.sub(r'"[^"]*("|$)', "", head.decode(encoding, errors="replace"))
    first_line = re.split(r"[\r\n]", unquoted.strip(), maxsplit=1)[0]
    return Dialect(encoding, max(",;\t|", key=first_line.count))


def read_records(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[Record]:
    """Every record that is not blank, in order. Raises UnreadableFile with the line to mend.

    An unclosed quote is refused, never guessed at: read leniently it swallows the rows after it.
    """
    text = io.TextIOWrapper(
        io.BufferedReader(_ByteStream(chunks), 1 << 16), encoding=dialect.encoding, newline=""
    )
    reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
    row_no = 0
    try:
        for cells in reader:
            row_no += 1
            if any(cell.strip() for cell in cells):
                yield Record(row_no, cells)
    except csv.Error as error:
        raise UnreadableFile(
            f"Row {row_no + 1} (near line {reader.line_num}) is not valid CSV: {error}. "
            "Look for a quotation mark that is not closed there, mend it and upload again."
        ) from error


def without_notice(
    records: Iterator[Record], width: int, shortest: int = 0
) -> Iterator[Record | None]:
    """The records, with None for each licence notice at the end: a sentence alone in column 1.

    `shortest`: how many characters a notice has at least, where column 1 may hold a house's only
    cell, its address.
    """
    held: list[Record] = []
    for record in records:
        if width > 1 and _is_notice(record.cells, shortest):
            held.append(record)
            continue
        yield from held
        held = []
        yield record
    for _ in held:
        yield None


def _is_notice(cells: list[str], shortest: int) -> bool:
    sentence = cells[0].strip()
    is_alone = not any(cell.strip() for cell in cells[1:])
    return is_alone and " " in sentence and len(sentence) >= shortest
