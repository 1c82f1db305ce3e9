"""PropertyRadar's export, both tiers: which file is one, and what a row says.

Columns and quirks: research digest §3. A row becomes the shape that SQL's import_batch takes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app.contacts import normalize_email, normalize_phone, parse_name
from app.imports import cells
from app.imports.cells import BadCell, Value

T = TypeVar("T")

NAME = "propertyradar"
REQUIRED = ("Type", "Address", "City", "ZIP")

_INT_MAX = 2_147_483_647
# Header → (column of properties, reader). Address, ZIP and state have rules of their own below.
_COLUMNS: dict[str, tuple[str, Callable[[str], Value]]] = {
    "type": ("property_type", cells.text),
    "address": ("address", cells.short_text),
    "city": ("city", cells.short_text),
    "subdivision": ("subdivision", cells.text),
    "longitude": ("lon", cells.decimal(-180, 180, 6)),
    "latitude": ("lat", cells.decimal(-90, 90, 6)),
    "apn": ("apn", cells.apn),
    "yr built": ("year_built", cells.whole(1600, 2200)),
    "purchase date": ("purchase_date", cells.day),
    "purchase mos since": ("purchase_months_since", cells.whole(-_INT_MAX, _INT_MAX)),
    "sq ft": ("square_feet", cells.whole(0, _INT_MAX)),
    "beds": ("bedrooms", cells.whole(0, _INT_MAX)),
    "baths": ("bathrooms", cells.baths),
    "est value": ("est_value", cells.money),
    "est equity $": ("est_equity_amount", cells.money),
    "owner": ("owner_name", cells.text),
    "mail address": ("mailing_address", cells.text),
    "mail city": ("mailing_city", cells.text),
    "mail state": ("mailing_state", cells.text),
    "mail zip": ("mailing_zip", cells.text),
    "owner occ?": ("owner_occupied", cells.yes_no),
    "listed for sale?": ("listed_for_sale", cells.yes_no),
    "listing status": ("listing_status", cells.text),
    "foreclosure?": ("foreclosure", cells.yes_no),
    "est equity %": ("est_equity_percent", cells.percent),
    "high equity?": ("high_equity", cells.yes_no),
}
# The headers' spelling is irregular: "Mobile Phone1" but "Mobile 1 Status".
_PERSON = {
    "name": "{} name",
    "phone": "{} mobile phone1",
    "phone_status": "{} mobile 1 status",
    "email": "{} email1",
    "email_status": "{} email 1 status",
    "email_hash": "{} email1 hash",
}
# A longer text is no name, and would not fit into an index.
_LONGEST_NAME = 500
_SLOTS = ("primary", "secondary")
_KNOWN = {"zip", *_COLUMNS, *(c.format(slot) for slot in _SLOTS for c in _PERSON.values())}


def header_key(header: str) -> str:
    """A header as compared: lower case, single spaces, no byte order mark."""
    return " ".join(header.replace("\ufeff", "").lower().split())


def missing_columns(header: list[str]) -> list[str]:
    """The required columns this header lacks; none means the file is PropertyRadar's."""
    found = {header_key(name) for name in header}
    return [name for name in REQUIRED if header_key(name) not in found]


def has_people(header: list[str]) -> bool:
    """True for the campaign tier: at least one column for a person's name or number."""
    found = {header_key(name) for name in header}
    return any(_PERSON[part].format(s) in found for s in _SLOTS for part in ("name", "phone"))


def shortest_notice(header: list[str]) -> int:
    """How many characters alone in column 1 are a notice and no house."""
    return 40 if header_key(header[0]) in ("address", "apn") else 0


class RowReader:
    """Reads the rows of one file: its header is looked at once, not at every row."""

    def __init__(self, header: list[str]) -> None:
        self._header = header
        self._at: dict[str, int] = {}
        self._unknown: list[tuple[int, str]] = []
        for index, name in enumerate(header):
            key = header_key(name)
            if key in _KNOWN and key not in self._at:
                self._at[key] = index
            else:
                self._unknown.append((index, self._free_name(cells.text(name), index)))

    def _free_name(self, name: str, index: int) -> str:
        """What an unknown column's cells are kept under: its header, unless another has it."""
        place = f"column {index + 1}"
        if not name:
            return place
        return f"{name} ({place})" if name in (n for _, n in self._unknown) else name

    def read(self, row_no: int, row: list[str]) -> dict[str, Any]:
        """One row as import_batch takes it: {row_no, property, people, warnings, cells, reject}."""
        warnings: list[dict[str, str]] = []
        found = {key: row[i] for key, i in self._at.items() if i < len(row) and row[i].strip()}
        house = self._house(found, warnings)
        if metadata := self._metadata(row, warnings):
            house["metadata"] = metadata
        people = [
            person for slot in _SLOTS if (person := self._person(slot, found, warnings)) is not None
        ]
        answer: dict[str, Any] = {"row_no": row_no, "property": house, "people": people}
        if "apn" not in house and not re.search(r"[^\W_]", str(house.get("address", ""))):
            answer["reject"] = {
                "code": "no_place",
                "message": "The row has neither an address nor an APN. Fill in one of them.",
            }
        if warnings or "reject" in answer:
            answer["warnings"] = warnings
        answer["cells"] = [cells.text(cell) for cell in row]
        return answer

    def _house(self, found: Mapping[str, str], warnings: list[dict[str, str]]) -> dict[str, Any]:
        house: dict[str, Any] = {}
        for key, (column, reader) in _COLUMNS.items():
            if key in found and (value := self._cell(key, found[key], reader, warnings)) not in (
                None,
                "",
            ):
                house[column] = value
        if "zip" in found and (code := self._cell("zip", found["zip"], cells.zip_code, warnings)):
            house["zip"] = code[0]
            if code[1]:
                house["zip4"] = code[1]
        # The export has no state of its own: the owner's is the house's where both have one ZIP.
        if "mail state" in found and _five(found.get("mail zip", "")) == house.get("zip", ""):
            if state := self._cell("mail state", found["mail state"], cells.state, warnings):
                house["state"] = state
        return house

    def _cell(
        self, key: str, raw: str, reader: Callable[[str], T], warnings: list[dict[str, str]]
    ) -> T | None:
        try:
            return reader(raw)
        except BadCell as error:
            self._warn(key, f"{raw.strip()[:80]!r} {error}; the cell was left out.", raw, warnings)
            return None

    def _warn(self, key: str, message: str, raw: str, warnings: list[dict[str, str]]) -> None:
        column = self._header[self._at[key]].strip()
        warnings.append(
            {"column": column, "code": "bad_cell", "message": message, "value": cells.text(raw)}
        )

    def _metadata(self, row: list[str], warnings: list[dict[str, str]]) -> dict[str, str]:
        kept = {
            name: cells.text(row[i]) for i, name in self._unknown if i < len(row) and row[i].strip()
        }
        extra = [cells.text(cell) for cell in row[len(self._header) :] if cell.strip()]
        if extra:
            warnings.append({
                "column": f"after {self._header[-1].strip()}",
                "code": "extra_cells",
                "message": "The row has more cells than the header; they were kept.",
                "value": " | ".join(extra),
            })  # fmt: skip
            kept["extra cells"] = " | ".join(extra)
        return kept

    def _person(
        self, slot: str, found: Mapping[str, str], warnings: list[dict[str, str]]
    ) -> dict[str, Any] | None:
        raw = {part: found.get(c.format(slot), "").strip() for part, c in _PERSON.items()}
        phone, email, name = (
            normalize_phone(raw["phone"]),
            normalize_email(raw["email"]),
            parse_name(raw["name"]) if len(raw["name"]) <= _LONGEST_NAME else None,
        )
        for part, value in (("phone", phone), ("email", email), ("name", name)):
            if raw[part] and value is None:
                what = {
                    "phone": "is not a phone number",
                    "email": "is not an e-mail address",
                    "name": "is not a name",
                }
                message = f"{raw[part][:80]!r} {what[part]}; the cell was left out."
                self._warn(_PERSON[part].format(slot), message, raw[part], warnings)
        if not (phone or email or name):
            return None
        person = {
            "slot": slot,
            "phone": phone,
            "phone_status": raw["phone_status"] if phone else "",
            "email": email,
            "email_status": raw["email_status"] if email else "",
            "email_hash": raw["email_hash"] if email else "",
            "display_name": name.display_name if name else None,
            "first_name": name.first_name if name else None,
            "last_name": name.last_name if name else None,
        }
        answer: dict[str, Any] = {key: cells.text(value) for key, value in person.items() if value}
        if name and name.is_entity:
            answer["is_entity"] = True
        return answer


def _five(raw: str) -> str | None:
    """The five digits of a ZIP code, None where there are none."""
    try:
        return cells.zip_code(raw)[0]
    except BadCell:
        return None
