"""NumVerify, by apilayer: is this a number, and of what kind? Read 2026-11-20 at
https://numverify.com/documentation. Errors come with status 200; the key goes in the query.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.integrations.http import (
    Turns,
    Vendor,
    VendorBusy,
    VendorError,
    VendorRefused,
    VendorUnknown,
)

TIMEOUT_S = 10.0
TRIES = 4
RATE_LIMIT = 106
# The vendor's code → the HTTP status that says the same.
STATUSES = {101: 401, 102: 403, 103: 404, 104: 402}
LINE_TYPES = {
    "mobile": "mobile",
    "landline": "landline",
    "voip": "voip",
    "toll_free": "toll_free",
    "premium_rate": "premium",
    "paging": "pager",
    "satellite": "other",
    "special_services": "other",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """`line_type` is None where the vendor does not know it."""

    phone: str
    is_valid: bool
    line_type: str | None
    carrier: str | None
    country: str | None
    place: str | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class NumVerify:
    url: str
    key: str
    vendor: Vendor
    turns: Turns
    wait: Callable[[float], None] = time.sleep

    def validate(self, phone: str) -> Checked:
        """`phone` in E.164. A rate limit is waited out a few times. Raises VendorError; a number is
        not known to be good or bad then."""
        for attempt in range(TRIES - 1):
            try:
                return self._once(phone)
            except VendorBusy as error:
                self.wait(min(max(error.retry_after_s, 2.0**attempt), TIMEOUT_S))
        return self._once(phone)

    def _once(self, phone: str) -> Checked:
        self.turns.turn("read", "validate")
        told: Mapping[str, Any] = self.vendor.read(
            "validate",
            f"{self.url}/api/validate",
            headers={},
            params={"access_key": self.key, "number": phone, "format": 1},
            timeout_s=TIMEOUT_S,
            judge=self._judged,
        )
        kind = _word(told, "line_type")
        return Checked(
            phone=phone,
            is_valid=told["valid"],
            line_type=LINE_TYPES.get(kind, "other") if kind else None,
            carrier=_word(told, "carrier"),
            country=_word(told, "country_code"),
            place=_word(told, "location"),
            raw=told,
        )

    def _judged(self, answer: Any) -> Mapping[str, Any]:
        """The answer, unless it is an error in the clothes of one."""
        if isinstance(answer, dict) and isinstance(answer.get("valid"), bool):
            return answer
        error = answer.get("error") if isinstance(answer, dict) else None
        raise self._error(error if isinstance(error, dict) else {})

    def _error(self, error: Mapping[str, Any]) -> VendorError:
        code = error.get("code")
        if not isinstance(code, int):
            return VendorUnknown("numverify", "validate", "unreadable")
        if code == RATE_LIMIT:
            return VendorBusy("numverify", "validate", 1.0, "code 106")
        status = STATUSES.get(code, 422)
        return VendorRefused("numverify", "validate", status, str(code), str(error.get("info", "")))


def _word(told: Mapping[str, Any], name: str) -> str | None:
    found = told.get(name)
    return found.replace("\x00", "").strip()[:200] or None if isinstance(found, str) else None
