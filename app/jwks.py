"""The public keys a Supabase project signs tokens with, kept for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import structlog

from app.errors import unavailable

log = structlog.get_logger(__name__)

# Supabase caches the list for 10 minutes and asks others not to keep it longer.
KEEP_S = 600.0
# Anybody can send unknown key ids; they must not make us ask the issuer for each.
REFETCH_GAP_S = 10.0
ALGORITHMS = ("ES256", "RS256")


class PublicKeys:
    """Keys by id. `clock` gives seconds, monotonic."""

    def __init__(
        self, url: str, http: httpx.Client, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None

    def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key, or None when there is none of that id. Raises AppError 503 without an answer."""
        with self._lock:
            age_s = self._age_s()
            if age_s > KEEP_S or (key_id not in self._keys and age_s > REFETCH_GAP_S):
                self._fetch()
            return self._keys.get(key_id)

    def _age_s(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    def _fetch(self) -> None:
        try:
            answer = self._http.get(self._url, timeout=5).raise_for_status()
            listed = answer.json()["keys"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("jwks_unavailable", error=type(error).__name__)
            raise unavailable("auth_unavailable", "The sign-in service") from error
        self._keys = dict(key for item in listed if (key := _usable(item)))
        self._fetched_at = self._clock()


def _usable(item: dict[str, Any]) -> tuple[str, jwt.PyJWK] | None:
    """A key we may check signatures with; shared secrets and other algorithms are passed over."""
    try:
        key = jwt.PyJWK(item)
    except (jwt.PyJWTError, AttributeError):
        return None
    if not key.key_id or key.algorithm_name not in ALGORITHMS:
        return None
    return key.key_id, key
