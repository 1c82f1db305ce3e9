"""Reading one value of what OpenPhone sends: whatever it is, something the database can hold.

The vendor says that fields and values will be added, so nothing here raises: what is not of the
form is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

LARGEST_INT = 2**31 - 1
# Milliseconds since 1970, from 2001 on.
MILLISECONDS = 10**12
REPLACEMENT = "\ufffd"


def safe(text: str) -> str:
    """Postgres holds neither NUL nor half a surrogate pair."""
    return re.sub("[\x00\ud800-\udfff]", REPLACEMENT, text)


def text(value: Any) -> str | None:
    return safe(value) if isinstance(value, str) else None


def word(value: Any) -> str | None:
    """An id, a name, an address: trimmed, and None when nothing is left."""
    return (text(value) or "").strip() or None


def listed(value: Any) -> list[Any]:
    """A list as it is, one thing as a list of it, nothing as none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def first(source: Mapping[str, Any], *names: str) -> Any:
    """The first of these that is there and not null: the surfaces name one thing differently."""
    return next((source[name] for name in names if source.get(name) is not None), None)


def words(value: Any) -> list[str] | None:
    """Sentences: a list of them, or one; None when there is no answer at all."""
    if value is None:
        return None
    return [found for item in listed(value) if (found := word(item))]


def seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and 0 <= found <= LARGEST_INT else None


def whole(value: Any) -> int | None:
    found = seconds(value)
    return None if found is None else round(found)


def instant(value: Any) -> str | None:
    """ISO 8601 in UTC."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC).isoformat()
        at_s = seconds(value / 1000 if value >= MILLISECONDS else value)
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat()
    except (ValueError, OverflowError, TypeError):
        return None


def phone(value: Any) -> str | None:
    """E.164 where it can be; a short code or "Anonymous" as it came. Also out of {phoneNumber}."""
    if isinstance(value, dict):
        value = first(value, "phoneNumber", "number", "value")
    found = word(value)
    if found is None or re.search(r"[A-Za-z@]", found):
        return found
    digits = re.sub(r"[^0-9]", "", found)
    if found.startswith("+"):
        return f"+{digits}" if digits else None
    if len(digits) == 10:
        return f"+1{digits}"
    return f"+{digits}" if len(digits) == 11 and digits.startswith("1") else digits or None


def phones(values: Iterable[Any]) -> list[str]:
    """A legacy event names the people of a group in one string, commas between them."""
    each = (part for value in values for part in _parted(value))
    return list(dict.fromkeys(found for part in each if (found := phone(part))))


def _parted(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else [value]


def media(value: Any) -> list[dict[str, str | None]]:
    """[{url, type}]: the vendor gives addresses alone, or with the type beside them."""
    items = [item if isinstance(item, dict) else {"url": item} for item in listed(value)]
    found = ((word(first(item, "url", "mediaUrl")), word(item.get("type"))) for item in items)
    return [{"url": url, "type": kind} for url, kind in found if url]


def dialogue(value: Any) -> list[dict[str, Any]] | None:
    """[{identifier, user_id, content, start, end}]; a transcript that is one text is one line."""
    if isinstance(value, dict):
        value = first(value, "dialogue", "text", "content")
    if value is None:
        return None
    return [_line(item if isinstance(item, dict) else {"content": item}) for item in listed(value)]


def _line(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "identifier": phone(first(item, "identifier", "speaker")),
        "user_id": word(item.get("userId")),
        "content": text(first(item, "content", "text")) or "",
        "start": seconds(item.get("start")),
        "end": seconds(item.get("end")),
    }
