"""Places in the way of one text where the database holds it, so that a worker can die there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from devstack.processes import wait_until
from tests import gate
from tests.gate import WITHIN_S

# Inside the transaction that claims (reserved), starts (dispatching) or finishes (accepted) it.
SCRATCH = """
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


def scratch(env: Mapping[str, str]) -> AbstractContextManager[None]:
    return gate.scratch(env, "send_faults", SCRATCH)


class Gate(gate.Gate):
    """For one text on its way into one state."""

    def __init__(self, env: Mapping[str, str], outbound_id: str, state: str) -> None:
        super().__init__(env, outbound_id)
        self._run("insert into send_faults.gates values (%s, %s)", outbound_id, state)

    def undo(self) -> None:
        """The transaction at the gate ends without effect, as when its connection is lost."""
        super().undo()
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
