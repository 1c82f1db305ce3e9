"""The public keys a Supabase project signs tokens with, kept for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import structlog

from app.errors import unavailable

log = structlog.get_logger(__name__)

# One request asks again, while the others go on with the keys that are known.
REFRESH_S = 300.0
# Supabase caches the list for 10 minutes and asks others not to keep it longer: whoever has only
# older keys waits for the answer. So a key that is revoked opens nothing 10 minutes later.
KEEP_S = 600.0
# Only while the issuer does not answer are older keys believed. Without it nobody gets a new token,
# and after an hour the last one has expired.
STALE_S = 3600.0
# Anybody can send unknown key ids; they must not make us ask the issuer for each.
REFETCH_GAP_S = 10.0
TIMEOUT_S = 3.0
# For a key nobody here has seen, while another request asks.
PATIENCE_S = 0.5
ALGORITHMS = ("ES256", "RS256")

NEVER = float("-inf")


@dataclass(frozen=True)
class _Known:
    """What the issuer said, and when it was asked; replaced as a whole, so read without a lock."""

    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = NEVER
    asked_at: float = NEVER

    @property
    def issuer_is_away(self) -> bool:
        return self.asked_at > self.fetched_at


class PublicKeys:
    """Keys by id. `clock` gives seconds, monotonic."""

    def __init__(
        self, url: str, http: httpx.Client, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._asking = threading.Lock()
        self._known = _Known()

    def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key, or None when there is none of that id. Raises AppError 503 without an answer."""
        before, now = self._known, self._clock()
        due = self._is_due(before, key_id, now)
        known = self._ask_once(before, _patience_s(before, key_id, now)) if due else before
        found = known.keys.get(key_id)
        cannot_say = known.issuer_is_away or (due and known is before)
        if now - known.fetched_at > STALE_S or (found is None and cannot_say):
            raise unavailable("auth_unavailable", "The sign-in service")
        return found

    def _is_due(self, known: _Known, key_id: str, now: float) -> bool:
        wanted = now - known.fetched_at > REFRESH_S or key_id not in known.keys
        return wanted and now - known.asked_at > REFETCH_GAP_S

    def _ask_once(self, known: _Known, patience_s: float) -> _Known:
        """One asks; the others wait so long for the answer, and go on with what is known."""
        if self._asking.acquire(timeout=patience_s):
            try:
                if self._known is known:
                    self._known = self._ask(known)
            finally:
                self._asking.release()
        return self._known

    def _ask(self, known: _Known) -> _Known:
        try:
            answer = self._http.get(self._url, timeout=TIMEOUT_S).raise_for_status()
            listed = answer.json()["keys"]
            keys = dict(key for item in listed if (key := _usable(item)))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("jwks_unavailable", error=type(error).__name__)
            return _Known(known.keys, known.fetched_at, asked_at=self._clock())
        if not keys:
            # A project that signs with a shared secret publishes none: give SUPABASE_JWT_SECRET.
            log.error("jwks_without_keys")
        at = self._clock()
        return _Known(keys, fetched_at=at, asked_at=at)


def _patience_s(known: _Known, key_id: str, now: float) -> float:
    """Only who has nothing he may go on with waits at all."""
    if now - known.fetched_at > (STALE_S if known.issuer_is_away else KEEP_S):
        return TIMEOUT_S
    return 0 if key_id in known.keys else PATIENCE_S


def _usable(item: dict[str, Any]) -> tuple[str, jwt.PyJWK] | None:
    """A key we may check signatures with; shared secrets and other algorithms are passed over."""
    try:
        key = jwt.PyJWK(item)
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
        return None
    if not key.key_id or key.algorithm_name not in ALGORITHMS:
        return None
    return key.key_id, key
