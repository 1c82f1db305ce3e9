"""One cell of a list → one value, or BadCell saying what was wrong. No cell rejects a row."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

Value = str | int | float | bool

_YES = frozenset({"1", "y", "yes", "t", "true", "x"})
_NO = frozenset({"0", "n", "no", "f", "false"})
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII)
_US = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?: .*)?", re.ASCII)
_ZIP = re.compile(r"(\d{5})(?:[- ]?(\d{4}))?", re.ASCII)
# A comma stands before three digits: 1,234.5 is a number here and 1.234,5 is not.
_NUMBER = re.compile(
    r"[+-]?(?=\.?\d)(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII
)
# Longer texts are no number, day or name of a town, and would not fit into an index.
_SHORT = 500
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}


class BadCell(ValueError):
    """The text is not what its column holds; the message says so to the file's owner."""


def text(raw: str) -> str:
    """As it came, without the blanks around it and without NUL, which Postgres cannot store."""
    return raw.replace("\x00", "").strip()


def short_text(raw: str) -> str:
    """Text of a column that is looked up by index."""
    cleaned = text(raw)
    if len(cleaned) > _SHORT:
        raise BadCell(f"has more than {_SHORT} characters")
    return cleaned


def _number(raw: str, sign: str = "") -> Decimal:
    """`sign` ($ or %) may stand before or behind the digits."""
    cleaned = short_text(raw).replace("−", "-")
    if cleaned.startswith("(") and cleaned.endswith(")"):
        cleaned = f"-{cleaned[1:-1]}"
    if sign:
        at_an_end = rf"^([+-]?)\s*{re.escape(sign)}\s*|\s*{re.escape(sign)}$"
        cleaned = re.sub(at_an_end, r"\1", cleaned, count=1)
    if not _NUMBER.fullmatch(cleaned):
        raise BadCell("is not a number")
    return Decimal(cleaned.replace(",", ""))


def _within(low: float, high: float, number: Decimal) -> Decimal:
    if not low <= number <= high:
        raise BadCell(f"is not between {low:,g} and {high:,g}")
    return number


def decimal(low: float, high: float, places: int, sign: str = "") -> Callable[[str], float | int]:
    """A reader of numbers within [low, high], rounded as their column stores them."""

    def read(raw: str) -> float | int:
        number = round(_within(low, high, _number(raw, sign)), places)
        return int(number) if number == number.to_integral_value() else float(number)

    return read


money = decimal(-9_999_999_999, 9_999_999_999, 2, "$")
percent = decimal(-9_999, 9_999, 2, "%")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within [low, high]; 1,513 and 1513.0 are whole."""

    def read(raw: str) -> int:
        number = _within(low, high, _number(raw))
        if number != number.to_integral_value():
            raise BadCell("is not a whole number")
        return int(number)

    return read


def baths(raw: str) -> float | int:
    """Bathrooms in halves and quarters: 2.5, 2½, 2 1/2."""
    cleaned = re.sub(r"(\d)\s+1/2$", r"\1.5", short_text(raw))
    for sign, digits in _FRACTIONS.items():
        cleaned = cleaned.replace(sign, digits)
    return decimal(0, 99, 1)(cleaned)


def day(raw: str) -> str:
    """A date as YYYY-MM-DD, from ISO or from US month/day/year with four digits of year."""
    cleaned = short_text(raw)
    iso, us = _ISO.fullmatch(cleaned), _US.fullmatch(cleaned)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if us:
            return date(int(us[3]), int(us[1]), int(us[2])).isoformat()
    except ValueError:
        raise BadCell("is no day of the calendar") from None
    raise BadCell("is not a date (YYYY-MM-DD or MM/DD/YYYY)")


def yes_no(raw: str) -> bool:
    """True or false from 1/0, yes/no, true/false, y/n, x."""
    word = short_text(raw).lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell("is neither yes nor no")


def zip_code(raw: str) -> tuple[str, str | None]:
    """(five digits, four more or None). A spreadsheet's lost leading zero is put back."""
    cleaned = short_text(raw)
    if re.fullmatch(r"[0-9]{3,4}(?:-[0-9]{4})?", cleaned):
        five, _, four = cleaned.partition("-")
        cleaned = five.zfill(5) + four
    match = _ZIP.fullmatch(cleaned)
    if not match:
        raise BadCell("is not a ZIP code (5 digits, or ZIP+4)")
    return match[1], match[2]


def state(raw: str) -> str:
    """A state's two letters."""
    cleaned = short_text(raw)
    if not re.fullmatch(r"[A-Za-z]{2}", cleaned):
        raise BadCell("is not a two-letter state")
    return cleaned.upper()


def apn(raw: str) -> str:
    """A parcel number; text that numbers no parcel (0, N/A, -) is refused."""
    cleaned = short_text(raw)
    if not re.search(r"[1-9]", cleaned):
        raise BadCell("is not a parcel number")
    return cleaned
