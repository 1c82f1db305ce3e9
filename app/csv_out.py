"""CSV we write: safe to open in a spreadsheet, whatever somebody typed into a cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# A spreadsheet takes these, also behind blanks and in full width, for the start of a formula.
# https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11-20
FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
# A plain amount or number is no formula; a quote before it would spoil it for sums.
NUMBER = re.compile(r"[+-]?\$?\d[\d,]*(\.\d+)?%?")


def safe_cell(value: object) -> str:
    """The cell as text; what could run as a formula gets an apostrophe before it."""
    text = "" if value is None else str(value)
    if FORMULA.match(text) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def line(cells: Iterable[object]) -> str:
    """One line, quoted where needed and ended by CRLF (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
