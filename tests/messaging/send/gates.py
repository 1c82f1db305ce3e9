"""Places in the way of one text where the database holds it, so that a worker can die there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from devstack.processes import wait_until

WITHIN_S = 30.0
# Inside the transaction that claims (reserved), starts (dispatching) or finishes (accepted) it.
SCRATCH = """
drop schema if exists send_faults cascade;
create schema send_faults;
create table send_faults.gates (outbound_id uuid, state text, primary key (outbound_id, state));
create function send_faults.stop() returns trigger language plpgsql security definer
set search_path = '' as $$
begin
  if exists (select from send_faults.gates g where g.outbound_id = new.id and g.state = new.state)
  then
    perform pg_advisory_xact_lock_shared(hashtextextended('gate:' || new.id, 0));
  end if;
  return new;
end $$;
create trigger "00_gate" before update of state on public.outbound for each row
  execute function send_faults.stop();
"""


@contextmanager
def scratch(env: Mapping[str, str]) -> Iterator[None]:
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(SCRATCH)
    yield
    with psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute("drop schema send_faults cascade")


class Gate:
    """Closed from the start, for one text on its way into one state."""

    def __init__(self, env: Mapping[str, str], outbound_id: str, state: str) -> None:
        self._admin = psycopg.connect(env["ADMIN_DATABASE_URL"], autocommit=True)
        key = f"gate:{outbound_id}"
        self._run("select pg_advisory_lock(hashtextextended(%s, 0))", key)
        self._run("insert into send_faults.gates values (%s, %s)", outbound_id, state)

    def wait(self) -> None:
        assert wait_until(lambda: bool(self.waiting()), WITHIN_S), "the text never came here"

    def waiting(self) -> list[int]:
        return [
            pid
            for (pid,) in self._run(
                "select pid from pg_locks where locktype = 'advisory' and not granted"
                " and pg_backend_pid() = any (pg_blocking_pids(pid))"
            )
        ]

    def undo(self) -> None:
        """The transaction at the gate ends without effect, as when its connection is lost."""
        for pid in self.waiting():
            self._run("select pg_cancel_backend(%s)", pid)
        assert wait_until(lambda: not self.waiting(), WITHIN_S)
        self.open()

    def open(self) -> None:
        """It goes on, and is committed, whether anybody waits for it or not."""
        self._run("delete from send_faults.gates")
        self._run("select pg_advisory_unlock_all()")
        assert wait_until(lambda: not self.busy(), WITHIN_S)
        self._admin.close()

    def busy(self) -> bool:
        query = "select 1 from pg_stat_activity where usename = 'authenticator' and state <> 'idle'"
        return bool(self._run(query))

    def _run(self, query: str, *values: Any) -> list[Any]:
        done = self._admin.execute(query.encode(), values)
        return done.fetchall() if done.description else []
