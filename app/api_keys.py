"""API keys at the door: whose is it? Postgres knows, and verifies it again with every call."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.auth import User
from app.db import API_KEY, Database, Row
from app.errors import AppError, invalid_api_key
from app.kept import Kept

# For the log and the limits only: what a revoked key asks of Postgres is refused at once.
KEEP_S = 60.0


class KeyCheck:
    """`before_asking` may refuse, by raising AppError: guesses must not all reach Postgres."""

    def __init__(
        self,
        database: Database,
        before_asking: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._before_asking = before_asking
        self._clock = clock
        self._known: Kept[User] = Kept(clock)

    def user(self, key: str) -> User:
        """Raises AppError 401 when the key is unknown, expired or revoked."""
        known = self._known.get(key)
        if known is None:
            if not API_KEY.fullmatch(key):
                raise invalid_api_key()
            self._before_asking()
            known = _user(facts(self._database, key), key)
            self._known.keep(key, known, until=self._clock() + KEEP_S)
        return known


def facts(database: Database, key: str) -> Row:
    """What the key is: id, user_id, location_id, name, prefix, scopes, expires_at."""
    found: Row = database.rpc(key, "use_api_key")
    return found


def _user(found: Row, key: str) -> User:
    return User(
        found["user_id"],
        "",
        key,
        key_id=found["id"],
        key_prefix=found["prefix"],
        location_id=found["location_id"],
    )


def refuse_programs(user: User, code: str, detail: str) -> None:
    """Raises AppError 403 for an API key, where only people may."""
    if user.key_id:
        raise AppError(403, code, detail)
