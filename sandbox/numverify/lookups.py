"""What is known of a number. The same number has the same answer every time.

The last four digits of a US number decide, so that a test can choose:
9000-9099 landline, 9100-9199 voip, 9200-9249 toll free, 9250-9299 valid of an unknown kind,
9300-9399 invalid, all others mobile. What `/_control/numverify/numbers` says goes before.
"""

from __future__ import annotations

import re
from typing import Any

ENDS = (
    (range(9000, 9100), "landline", "Fictional Bell"),
    (range(9100, 9200), "voip", "Fictional Voice"),
    (range(9200, 9250), "toll_free", ""),
    (range(9250, 9300), None, ""),
    (range(9300, 9400), "invalid", ""),
)
MOBILE = ("mobile", "Fictional Wireless")


class NumVerify:
    def __init__(self, key: str) -> None:
        self.key = key
        # line types by E.164: mobile, landline, voip, toll_free, invalid or None
        self.told: dict[str, str | None] = {}
        self.asked: list[str] = []

    def answer(self, number: str, country_code: str) -> dict[str, Any]:
        e164 = _e164(number, country_code)
        self.asked.append(e164 or number)
        kind, carrier = self._kind(e164)
        if e164 is None or kind == "invalid":
            return EMPTY | {"valid": False, "number": re.sub(r"\D", "", number)}
        national = e164[2:]
        return EMPTY | {
            "valid": True,
            "number": e164[1:],
            "local_format": national,
            "international_format": e164,
            "country_prefix": "+1",
            "country_code": "US",
            "country_name": "United States of America",
            "location": "Boston",
            "carrier": carrier,
            "line_type": kind,
        }

    def _kind(self, e164: str | None) -> tuple[str | None, str]:
        if e164 is None:
            return "invalid", ""
        if e164 in self.told:
            return self.told[e164], "Fictional Telephone"
        last = int(e164[-4:])
        found = ((kind, carrier) for ends, kind, carrier in ENDS if last in ends)
        return next(found, MOBILE)


EMPTY: dict[str, Any] = dict.fromkeys(
    (
        *("valid", "number", "local_format", "international_format", "country_prefix"),
        *("country_code", "country_name", "location", "carrier", "line_type"),
    ),
    "",
)


def _e164(number: str, country_code: str) -> str | None:
    """+1 and ten digits; None for what is no number of the USA."""
    digits = re.sub(r"\D", "", number)
    if len(digits) == 10 and country_code == "US":
        digits = f"1{digits}"
    return f"+{digits}" if re.fullmatch(r"1[2-9]\d{9}", digits) else None
