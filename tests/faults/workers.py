"""Programs as production runs them (the Procfile's lines), to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from devstack.layout import CHECKOUT
from devstack.processes import session_members, wait_until
from devstack.services import SERVICES, environment
from devstack.stack import Stack

WITHIN_S = 60.0


class Worker:
    """`name` as in the Procfile; `settings` instead of the stack's own."""

    def __init__(
        self,
        stack: Stack,
        log: Path,
        name: str = "worker-imports",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._stack = stack
        self._log = log
        self._service = SERVICES[name]
        self._settings = settings or {}
        self._start()

    def _start(self) -> None:
        pairs = self._stack.env
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._service.command(pairs),
                cwd=CHECKOUT,
                env=environment(self._stack.folder, pairs, self._service.name)
                | dict(self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> None:
        def ready() -> bool:
            return self._service.ready(self._stack.folder, self._stack.env)

        assert wait_until(ready, WITHIN_S), self._log.read_text()

    def horses(self) -> list[int]:
        """The forks in which jobs run."""
        return [pid for pid in session_members(self.pid) if pid != self.pid]

    def kill_horse(self) -> None:
        """Only the job's process dies, as when memory runs out; the worker takes the next job."""
        (horse,) = self.horses()
        os.kill(horse, signal.SIGKILL)
        assert wait_until(lambda: horse not in session_members(self.pid), WITHIN_S)

    def kill_parent(self) -> None:
        """The worker dies; the job's process goes on alone."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """All of it at once, as when the machine goes down."""
        for pid in session_members(self.pid):
            os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def replace(self) -> None:
        """As the supervisor does when a worker is gone."""
        self.kill()
        self._start()

    def ask_to_stop(self) -> None:
        """As the supervisor does at each deploy."""
        self._process.terminate()

    def wait(self) -> None:
        self._process.wait(WITHIN_S)

    def stop(self) -> None:
        """In order: coverage is written at an orderly end only."""
        try:
            if self._process.poll() is None:
                self.ask_to_stop()
                self.wait()
        finally:
            self.kill()
