"""A place in an import where the database holds it, so that a test can do harm exactly there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress

import psycopg

from tests import gate

READING = -1
# Fires at the first statement of every call of the worker (its lease is renewed), and at the last
# of a batch (its rows are counted), before it commits.
SCRATCH = """
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


def scratch(env: Mapping[str, str]) -> AbstractContextManager[None]:
    return gate.scratch(env, "faults", SCRATCH)


class Gate(gate.Gate):
    """After `batches` committed ones, or inside the one after those.

    `inside`: everything of the batch is written and nothing committed. READING as `batches`: the
    file has been read and nothing is in.
    """

    def __init__(
        self, env: Mapping[str, str], import_id: str, batches: int, *, inside: bool = False
    ) -> None:
        self._import_id = import_id
        super().__init__(env, import_id)
        # Inside, the batch counts itself.
        self._run(
            "insert into faults.gates values (%s, %s, %s)", import_id, batches + inside, inside
        )

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
