"""What a file is, found by reading it once: its dialect, format, tier and number of rows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from app.imports import cells, propertyradar
from app.imports.csv_rows import (
    Dialect,
    Record,
    UnreadableFile,
    read_records,
    sniff,
    without_notice,
)

OpenFile = Callable[[], AbstractContextManager[Iterator[bytes]]]

# Renewing a lease as often as this keeps it alive however long a file is.
ROWS_A_BREATH = 20_000
HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class FileFacts:
    """`ignored_rows` are licence notices at the end; `warnings` are {code, message}."""

    dialect: Dialect
    header: list[str]
    tier: str
    total_rows: int
    ignored_rows: int
    warnings: list[dict[str, str]]


def read_facts(open_file: OpenFile, tier: str | None, breathe: Callable[[], None]) -> FileFacts:
    """Reads the whole file. Raises UnreadableFile, saying what to do, when it cannot be imported.

    `breathe` is called every ROWS_A_BREATH rows.
    """
    with open_file() as chunks:
        dialect = sniff(_head(chunks))
    try:
        return _facts(open_file, dialect, tier, breathe)
    except UnicodeDecodeError as error:
        if dialect.encoding == "utf-16":
            raise _unreadable() from error
        return _windows_facts(open_file, dialect, tier, breathe)


def data_rows(chunks: Iterator[bytes], facts: FileFacts) -> Iterator[Record]:
    """The data rows, in order: no header, no notice."""
    records = read_records(chunks, facts.dialect)
    next(records)
    return (record for record in _without_notice(records, facts.header) if record)


def _head(chunks: Iterator[bytes]) -> bytes:
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return bytes(head)


def _without_notice(records: Iterator[Record], header: list[str]) -> Iterator[Record | None]:
    return without_notice(records, len(header), propertyradar.shortest_notice(header))


def _windows_facts(
    open_file: OpenFile, dialect: Dialect, tier: str | None, breathe: Callable[[], None]
) -> FileFacts:
    try:
        facts = _facts(open_file, replace(dialect, encoding="cp1252"), tier, breathe)
    except UnicodeDecodeError as error:
        raise _unreadable() from error
    note = {
        "code": "not_utf8",
        "message": "The file is not UTF-8; it was read as Windows-1252.",
    }
    return replace(facts, warnings=[*facts.warnings, note])


def _unreadable() -> UnreadableFile:
    return UnreadableFile(
        "The file's letters cannot be read. "
        'Open it in a spreadsheet, save it as "CSV UTF-8" and upload that file.'
    )


def _facts(
    open_file: OpenFile, dialect: Dialect, tier: str | None, breathe: Callable[[], None]
) -> FileFacts:
    with open_file() as chunks:
        records = read_records(chunks, dialect)
        first = next(records, None)
        if first is None:
            raise UnreadableFile("The file is empty. Export the list again and upload that file.")
        header = [cells.text(name) for name in first.cells]
        found_tier = _tier(header, tier)
        total = ignored = 0
        for record in _without_notice(records, header):
            total, ignored = (total + 1, ignored) if record else (total, ignored + 1)
            if (total + 1) % ROWS_A_BREATH == 0:
                breathe()
    if not total:
        raise UnreadableFile("The file has a header but no rows. Export the list again.")
    return FileFacts(dialect, header, found_tier, total, ignored, [])


def _tier(header: list[str], wanted: str | None) -> str:
    if missing := propertyradar.missing_columns(header):
        found = ", ".join(name.strip()[:40] for name in header[:12])
        raise UnreadableFile(
            f"This is not a PropertyRadar export: it lacks the columns {', '.join(missing)}. "
            f"Its first columns are: {found}. Export the list from PropertyRadar as CSV."
        )
    has_people = propertyradar.has_people(header)
    if wanted == "campaign" and not has_people:
        raise UnreadableFile(
            "The file has no contact columns (Primary Name …), so nobody can be texted. "
            "Export it with contacts, or import it as tier=database."
        )
    return wanted or ("campaign" if has_people else "database")
