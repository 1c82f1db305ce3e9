"""Who signed a webhook: both of OpenPhone's schemes, told apart by the headers that came.

Bytes are judged as they arrived, before anybody parses them. The schemes are written down at
https://www.quo.com/docs/webhooks/legacy-signature-validation and https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Reason = Literal["unsigned", "malformed", "no_key", "wrong", "stale"]
Scheme = Literal["legacy", "dated"]

REPLAY_WINDOW_S = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - what such a secret begins with, not one
# A header is a line long; whoever sends more signatures than this only wants us to work.
MOST_SIGNATURES = 16
# Thirteen digits are milliseconds; seconds have ten until the year 2286.
MILLISECOND_DIGITS = 12


class BadSignature(Exception):
    """`reason`: unsigned (no header), malformed (not of the form), no_key (we hold none of this
    scheme), wrong (no key made it), stale (truly signed, but not now)."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Verified:
    """`delivery_id` is the same for each retry of a delivery; the legacy scheme signs none."""

    scheme: Scheme
    signed_at_s: float
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Decoded keys by scheme; several while one is replaced by the next."""

    legacy: Sequence[bytes] = ()
    dated: Sequence[bytes] = ()

    @classmethod
    def read(cls, signing_keys: Iterable[str], secrets: Iterable[str]) -> Keys:
        """From what the vendor shows. Raises ValueError for what is no key; never says its text."""
        return cls(
            legacy=tuple(_decoded(key) for key in signing_keys),
            dated=tuple(_decoded(secret.removeprefix(SECRET_PREFIX)) for secret in secrets),
        )

    def __bool__(self) -> bool:
        return bool(self.legacy or self.dated)


def verify(raw: bytes, headers: Mapping[str, str], *, now_s: float, keys: Keys) -> Verified:
    """`now_s` is in seconds since 1970. Raises BadSignature."""
    found = {name.lower(): value for name, value in headers.items()}
    if "webhook-signature" in found:
        return _verify_dated(raw, found, now_s, keys.dated)
    if "openphone-signature" in found:
        return _verify_legacy(raw, found["openphone-signature"], now_s, keys.legacy)
    raise BadSignature("unsigned")


def sign_legacy(raw: bytes, timestamp: str, key: bytes) -> str:
    """base64 of HMAC-SHA256 over `<timestamp>.<body>`."""
    return _signature(key, timestamp.encode(), raw)


def sign_dated(raw: bytes, delivery_id: str, timestamp: str, key: bytes) -> str:
    """base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`."""
    return _signature(key, delivery_id.encode(), timestamp.encode(), raw)


def _verify_dated(
    raw: bytes, headers: Mapping[str, str], now_s: float, keys: Sequence[bytes]
) -> Verified:
    delivery_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = [part.partition(",") for part in headers["webhook-signature"].split()]
    signatures = [value for version, _, value in given if version == "v1" and value]
    if not (delivery_id and _is_printable(delivery_id) and signatures):
        raise BadSignature("malformed")
    signed_at_s = _seconds(timestamp)
    _compare(signatures, keys, lambda key: sign_dated(raw, delivery_id, timestamp, key))
    _require_fresh([signed_at_s], now_s)
    return Verified("dated", signed_at_s, delivery_id)


def _verify_legacy(raw: bytes, header: str, now_s: float, keys: Sequence[bytes]) -> Verified:
    given = list(_legacy_parts(header))
    if not given:
        raise BadSignature("malformed")
    right: list[float] = []
    for timestamp, signature in given[:MOST_SIGNATURES]:
        made = [sign_legacy(raw, timestamp, key) for key in keys]
        if _is_any(signature, made):
            right.append(_seconds(timestamp))
    if not right:
        raise BadSignature("wrong" if keys else "no_key")
    return Verified("legacy", _require_fresh(right, now_s))


def _legacy_parts(header: str) -> Iterator[tuple[str, str]]:
    """(timestamp, signature) of each `hmac;<version>;<timestamp>;<base64>`, commas between them."""
    for part in header.split(","):
        fields = part.strip().split(";")
        if len(fields) == 4 and fields[0] == "hmac" and _is_timestamp(fields[2]) and fields[3]:
            yield fields[2], fields[3]


def _compare(
    signatures: Sequence[str], keys: Sequence[bytes], sign: Callable[[bytes], str]
) -> None:
    if not keys:
        raise BadSignature("no_key")
    made = [sign(key) for key in keys]
    if not any([_is_any(signature, made) for signature in signatures[:MOST_SIGNATURES]]):
        raise BadSignature("wrong")


def _is_any(signature: str, made: Sequence[str]) -> bool:
    """Compares with all of them, so that time tells nothing of which was near."""
    given = signature.encode("utf-8", "replace")
    return any([hmac.compare_digest(given, mine.encode()) for mine in made])


def _require_fresh(signed_at_s: Sequence[float], now_s: float) -> float:
    """The instant nearest to now. Looked at last: only what is truly signed can be stale."""
    nearest = min(signed_at_s, key=lambda at_s: abs(now_s - at_s))
    if abs(now_s - nearest) > REPLAY_WINDOW_S:
        raise BadSignature("stale")
    return nearest


def _seconds(timestamp: str) -> float:
    if not _is_timestamp(timestamp):
        raise BadSignature("malformed")
    return int(timestamp) / (1000 if len(timestamp) >= MILLISECOND_DIGITS else 1)


def _is_timestamp(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,15}", text) is not None


def _is_printable(text: str) -> bool:
    return re.fullmatch(r"[!-~]{1,200}", text) is not None


def _signature(key: bytes, *parts: bytes) -> str:
    made = hmac.digest(key, b".".join(parts), "sha256")
    return base64.b64encode(made).decode()


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if not key:
        raise ValueError("is empty")
    return key
