"""How we speak with other companies: one request, three ways for it to fail, nothing retried
that could happen twice.

Logs and counts name the vendor, the operation and the outcome; never an address, header or body.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import requests
import structlog

from app.integrations import deadlines

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
LARGEST_ANSWER = 16 * 1024 * 1024
CHUNK = 64 * 1024
BUSY_S = 5.0
LONGEST_BUSY_S = 3600.0
# Said of every call without a summary: no news.
NOT_FOUND = 404
REQUEST_TIMEOUT = 408
TOO_MANY_REQUESTS = 429

Params = Mapping[str, str | int | Sequence[str] | None]
# vendor, operation, outcome (ok, refused, busy or unknown), seconds.
Count = Callable[[str, str, str, float], None]


Lane = Literal["send", "read"]


class Turns(Protocol):
    """Whose turn it is to speak with a vendor; pace.Pace keeps it among all processes."""

    def turn(self, lane: Lane, operation: str) -> None: ...
    def hold(self, seconds: float) -> None: ...


class VendorError(Exception):
    """A call that did not end well. `operation` is the name of the client's method."""

    outcome = "unknown"

    def __init__(self, vendor: str, operation: str, reason: str) -> None:
        super().__init__(f"{vendor} {operation}: {reason}")
        self.vendor = vendor
        self.operation = operation
        self.reason = reason


class VendorRefused(VendorError):
    """The vendor said no: nothing was done, and asking again will not help.

    `code` is the vendor's own, `detail` its words for a person (they may quote what was sent).
    """

    outcome = "refused"

    def __init__(
        self, vendor: str, operation: str, status: int, code: str | None = None, detail: str = ""
    ) -> None:
        super().__init__(vendor, operation, f"status {status}, code {code}")
        self.status = status
        self.code = code
        self.detail = detail

    @property
    def is_about_account(self) -> bool:
        """Our key, credit or subscription: no other call will fare better until a person acts."""
        return self.status in (401, 402, 403)


class VendorBusy(VendorError):
    """Nothing was done, proven: 429, no connection, or no turn to be had. Later it may."""

    outcome = "busy"

    def __init__(
        self, vendor: str, operation: str, retry_after_s: float = BUSY_S, reason: str = "busy"
    ) -> None:
        super().__init__(vendor, operation, reason)
        self.retry_after_s = retry_after_s


class VendorUnknown(VendorError):
    """Nobody knows whether it was done: a timeout, a reset, 5xx, an answer nobody can read."""


class _TooLate(Exception):
    """The caller's right to make this call ended before anything was written."""


@dataclass(slots=True)
class _Body:
    """Goes to the socket in one piece, and only while `still_valid()` says so."""

    data: bytes
    still_valid: Callable[[], bool]
    was_begun: bool = False

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[bytes]:
        if not self.still_valid():
            raise _TooLate
        self.was_begun = True
        yield self.data


def session() -> requests.Session:
    """A pool that follows nothing, retries nothing and reads no ~/.netrc."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, deadlines.Adapter())
    made.headers["User-Agent"] = "attack-a-crack-crm"
    # With any auth of ours requests asks no .netrc, which would replace our header.
    made.auth = lambda request: request
    return made


def uncounted(vendor: str, operation: str, outcome: str, seconds: float) -> None:
    """For who keeps no counts."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """The line to one vendor. `clock` gives seconds that only grow."""

    name: str
    count: Count = uncounted
    clock: Callable[[], float] = time.monotonic
    pool: requests.Session = field(default_factory=session)

    def read(
        self,
        operation: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Params,
        timeout_s: float,
        judge: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        """GETs JSON once. `judge` raises VendorError where the vendor dresses an error as a good
        answer. Raises VendorError."""
        request = requests.Request("GET", url, headers=headers, params=_given(params))
        return self._counted(operation, self.pool, request, None, timeout_s, judge)

    def write(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        timeout_s: float,
        still_valid: Callable[[], bool],
    ) -> Any:
        """Sends JSON at most once, or not at all when `still_valid()` is False just before it
        leaves. Raises VendorError."""
        sent = _Body(json.dumps(body or {}).encode(), still_valid)
        request = requests.Request(
            method, url, headers={**headers, "Content-Type": "application/json"}, data=sent
        )
        # A connection of its own: one the vendor closed meanwhile would leave the outcome unknown.
        with session() as once:
            return self._counted(operation, once, request, sent, timeout_s)

    def _counted(
        self,
        operation: str,
        pool: requests.Session,
        request: requests.Request,
        body: _Body | None,
        timeout_s: float,
        judge: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        started_s = self.clock()
        outcome = "unknown"
        try:
            answer = judge(self._once(operation, pool, request, body, started_s + timeout_s))
            outcome = "ok"
            return answer
        except VendorError as error:
            outcome = error.outcome
            if not (isinstance(error, VendorRefused) and error.status == NOT_FOUND):
                log.warning("vendor_call", vendor=self.name, operation=operation, why=error.reason)
            raise
        finally:
            self.count(self.name, operation, outcome, self.clock() - started_s)

    def _once(
        self,
        operation: str,
        pool: requests.Session,
        request: requests.Request,
        body: _Body | None,
        until_s: float,
    ) -> Any:
        left_s = max(0.1, until_s - self.clock())
        try:
            with pool.send(
                pool.prepare_request(request),
                timeout=deadlines.within(left_s, to_connect_s=CONNECT_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                raw = self._content(operation, response)
        except _TooLate:
            raise VendorBusy(self.name, operation, 0.0, "too_late") from None
        except requests.RequestException as error:
            reason = type(error).__name__
            if body is not None and not body.was_begun:
                raise VendorBusy(self.name, operation, reason=reason) from None
            raise VendorUnknown(self.name, operation, reason) from None
        return self._judged(operation, response, raw)

    def _content(self, operation: str, response: requests.Response) -> bytes:
        """The whole answer, unless it is larger than any should be."""
        found = bytearray()
        for chunk in response.iter_content(CHUNK):
            found += chunk
            if len(found) > LARGEST_ANSWER:
                raise VendorUnknown(self.name, operation, "too_large")
        return bytes(found)

    def _judged(self, operation: str, response: requests.Response, raw: bytes) -> Any:
        status = response.status_code
        if status == TOO_MANY_REQUESTS:
            raise VendorBusy(self.name, operation, _retry_after_s(response.headers), "status 429")
        if 400 <= status < 500 and status != REQUEST_TIMEOUT:
            said = _json_object(raw)
            code, detail = said.get("code"), said.get("message") or said.get("title")
            raise VendorRefused(
                self.name,
                operation,
                status,
                str(code)[:40] if code else None,
                str(detail or "")[:500],
            )
        if not 200 <= status < 300:
            raise VendorUnknown(self.name, operation, f"status {status}")
        try:
            return json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            raise VendorUnknown(self.name, operation, "unreadable") from None


def _given(params: Params) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _json_object(raw: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(raw)
        if isinstance(found, dict):
            return found
    return {}


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds, or an instant that counts from the answer's own Date: no clock of ours is needed."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_BUSY_S)
    try:
        asked = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return BUSY_S
    return min(max(asked.total_seconds(), 0.0), LONGEST_BUSY_S)
