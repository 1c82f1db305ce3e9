"""A place in an import where the database holds it, so that a test can do harm exactly there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from devstack.processes import wait_until

WITHIN_S = 60.0
READING = -1
# Fires at the first statement of every call of the worker (its lease is renewed), and at the last
# of a batch (its rows are counted), before it commits.
SCRATCH = """
drop schema if exists faults cascade;
create schema faults;
create table faults.gates (
  import_id uuid primary key, batches int not null, inside boolean not null
);
create function faults.stop() returns trigger language plpgsql security definer
set search_path = '' as $$
begin
  if exists (select from faults.gates g where g.import_id = new.id
      and g.inside = (new.processed_rows <> old.processed_rows)
      and g.batches = case old.status when 'reading' then -1 else
        (select count(*) from public.import_batches b where b.import_id = new.id) end) then
    perform pg_advisory_xact_lock_shared(hashtextextended('gate:' || new.id, 0));
  end if;
  return new;
end $$;
create trigger "00_gate" before update on public.imports for each row
  when (new.status = old.status and new.lease_id = old.lease_id) execute function faults.stop();
"""


@contextmanager
def scratch(env: Mapping[str, str]) -> Iterator[None]:
    """The trigger the gates work by, gone afterwards."""
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(SCRATCH)
    yield
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute("drop schema faults cascade")


class Gate:
    """Closed from the start: after `batches` committed ones, or inside the one after those.

    `inside`: everything of the batch is written and nothing committed. READING as `batches`: the
    file has been read and nothing is in.
    """

    def __init__(
        self, env: Mapping[str, str], import_id: str, batches: int, *, inside: bool = False
    ) -> None:
        self._key = f"gate:{import_id}"
        self._import_id = import_id
        self._admin = psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True)
        self._run("select pg_advisory_lock(hashtextextended(%s, 0))", self._key)
        # Inside, the batch counts itself.
        self._run(
            "insert into faults.gates values (%s, %s, %s)", import_id, batches + inside, inside
        )

    def wait(self) -> None:
        """Returns when the import stands at the gate."""
        assert wait_until(lambda: bool(self.waiting()), WITHIN_S), "the import never came here"

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

    def open(self) -> None:
        """Whoever stands at the gate goes on; nobody is stopped any more."""
        with suppress(psycopg.OperationalError):  # the database was restarted meanwhile
            self._run("delete from faults.gates where import_id = %s", self._import_id)
        self._admin.close()

    def __enter__(self) -> Gate:
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def _run(self, query: str, *values: Any) -> list[Any]:
        done = self._admin.execute(query.encode(), values)
        return done.fetchall() if done.description else []
