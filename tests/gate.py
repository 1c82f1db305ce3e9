"""Where the database holds who comes by, so that a test can do harm exactly there.

A trigger of the test's own waits for the advisory lock that the gate holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from devstack.processes import wait_until

WITHIN_S = 60.0


@contextmanager
def scratch(env: Mapping[str, str], schema: str, made: str) -> Iterator[None]:
    """What the gates work by, in a schema of its own that is gone afterwards."""
    gone = f"drop schema if exists {schema} cascade"
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f"{gone}; create schema {schema}; {made}".encode())
    yield
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(gone.encode())


class Gate:
    """Closed from the start, to whoever asks for the lock of this id."""

    def __init__(self, env: Mapping[str, str], id_: str) -> None:
        self._admin = psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True)
        self._run("select pg_advisory_lock(hashtextextended(%s, 0))", f"gate:{id_}")

    def wait(self) -> None:
        """Returns when somebody stands at the gate."""
        assert wait_until(lambda: bool(self.waiting()), WITHIN_S), "nobody came here"

    def waiting(self) -> list[int]:
        """The database processes that stand at the gate."""
        return [
            pid
            for (pid,) in self._run(
                "select pid from pg_locks where locktype = 'advisory' and not granted"
                " and pg_backend_pid() = any (pg_blocking_pids(pid))"
            )
        ]

    def undo(self) -> None:
        """The call that stands at the gate ends here, without effect."""
        for pid in self.waiting():
            self._run("select pg_cancel_backend(%s)", pid)
        assert wait_until(lambda: not self.waiting(), WITHIN_S)

    def _run(self, query: str, *values: Any) -> list[Any]:
        done = self._admin.execute(query.encode(), values)
        return done.fetchall() if done.description else []
