"""Pages of a list: an opaque place after the last one given."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import TypeVar

from sandbox.answers import ApiError
from sandbox.openphone.shelf import Dated, Key, key_of

T = TypeVar("T", bound=Dated)


def token(key: Key) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}|{key[1]}".encode()).decode().rstrip("=")


def key(given: str | None) -> Key | None:
    """Raises ApiError 400 for what is none of our tokens."""
    if not given:
        return None
    try:
        text = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
        at, _, seq = text.partition("|")
        return at, int(seq)
    except (binascii.Error, ValueError):
        raise ApiError(400, "Bad Request", "The page token is not valid") from None


def page(found: Iterable[T], size: int) -> tuple[list[T], str | None]:
    """The first `size`, and the token of what follows: None when nothing does."""
    taken: list[T] = []
    for item in found:
        if len(taken) == size:
            return taken, token(key_of(taken[-1]))
        taken.append(item)
    return taken, None
