"""A stack as Python sees it: `Stack("test").up()`, `.env`, `.restart()`, `.kill()`, `.down()`."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import migrations, ports, postgres, settings, supervisor
from devstack.layout import CHECKOUT, DEFAULT_STACK, Folder, StackError, refuse_production
from devstack.processes import recall, stop, wait_until
from devstack.services import SERVICES, pid_file

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 60.0
DEATHS_ALLOWED = 3


class Stack:
    def __init__(self, name: str = DEFAULT_STACK) -> None:
        self.folder = Folder(name)
        self.name = name

    @property
    def env(self) -> dict[str, str]:
        """Every setting of the stack, those of devstack.env included."""
        return settings.load(self.folder)

    def up(
        self,
        only: Iterable[str] | None = None,
        migrate: bool = True,
        signing: str | None = None,
    ) -> list[str]:
        """Starts what is missing, migrates and seeds. Returns remarks worth showing.

        `only` names the services to start; what runs already goes on running. `signing` (hs256 or
        es256) is chosen at the first start.
        """
        refuse_production()
        names = _named(only)
        with self._lock():
            settings.ensure(self.folder, signing)
            self._check_ports(names)
            remarks: list[str] = []
            self._start_supervisor()
            if "postgres" in names:
                remarks = self._prepare_database(names, migrate)
            self._want(names)
        return remarks

    def down(self, destroy: bool = False) -> None:
        """Stops everything, also what a killed supervisor left. `destroy` removes the data too."""
        if not self.folder.path.exists():
            return
        with self._lock():
            supervisor.wanted_file(self.folder).unlink(missing_ok=True)
            started = recall(supervisor.supervisor_file(self.folder))
            if started:
                stop(started, signal.SIGTERM, STOPPED_WITHIN_S)
            supervisor.stop_services(self.folder)
            supervisor.supervisor_file(self.folder).unlink(missing_ok=True)
            if destroy:
                self._destroy()

    def pid(self, service: str) -> int | None:
        started = recall(pid_file(self.folder, service))
        return started.pid if started and started.alive() else None

    def since(self, service: str) -> float | None:
        started = recall(pid_file(self.folder, service))
        return started.since if started and started.alive() else None

    def kill(self, service: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signals the service's own process; the supervisor starts it again when it ends."""
        pid = self.pid(service)
        if pid is None:
            raise StackError(f"{service} does not run on stack {self.name}")
        os.kill(pid, number)

    def restart(self, service: str) -> None:
        """Ends the service gently and returns when its successor is ready."""
        before = self.pid(service)
        self.kill(service, SERVICES[service].gentle)
        if not wait_until(lambda: self.pid(service) not in (None, before), READY_WITHIN_S):
            raise StackError(f"{service} did not come back, see {self.folder.logs}")
        self.wait_ready(service)

    def wait_ready(self, service: str) -> None:
        """Raises StackError with the log's last line when the service keeps dying or is silent."""
        seen: set[int | None] = set()

        def settled() -> bool:
            seen.add(self.pid(service))
            return len(seen - {None}) > DEATHS_ALLOWED or self._is_ready(service)

        wait_until(settled, READY_WITHIN_S)
        if not self._is_ready(service):
            log = self.folder.logs / f"{service}.log"
            last = (
                log.read_text(errors="replace").strip().rpartition("\n")[2] if log.exists() else ""
            )
            raise StackError(f"{service} does not get ready, see {log}: {last}")

    def _is_ready(self, service: str) -> bool:
        return bool(self.pid(service)) and SERVICES[service].ready(self.folder, self.env)

    def wanted(self) -> list[str]:
        return supervisor.read_wanted(self.folder)

    def supervisor_pid(self) -> int | None:
        started = recall(supervisor.supervisor_file(self.folder))
        return started.pid if started and started.alive() else None

    def _prepare_database(self, names: list[str], migrate: bool) -> list[str]:
        postgres.initialise(self.folder, self.env)
        self._want(["postgres"])
        remarks: list[str] = []
        if not postgres.bootstrap(self.env):
            remarks.append(
                "devstack/bootstrap changed since this database was made: `python -m devstack "
                f"down --name {self.name} --destroy`, then up, to have it (data is lost)"
            )
        self._want([name for name in names if name in ("redis", "postgrest", "gateway")])
        if migrate:
            migrations.push(self.env["DATABASE_URL"])
            migrations.seed(self.env["DATABASE_URL"])
            # A migration may set pgrst.* on the authenticator.
            if self.pid("postgrest"):
                self.kill("postgrest", signal.SIGUSR2)
        return remarks

    def _want(self, names: list[str]) -> None:
        supervisor.write_wanted(self.folder, {*self.wanted(), *names})
        for name in names:
            self.wait_ready(name)

    def _check_ports(self, names: list[str]) -> None:
        if not self.folder.is_default and not any(self.pid(name) for name in SERVICES):
            settings.choose_new_ports(self.folder)
            settings.ensure(self.folder)
        for name in names:
            if name in ports.DEFAULT_PORTS and not self.pid(name):
                ports.require_free(name, settings.port_of(self.env, name))

    def _start_supervisor(self) -> None:
        if self.supervisor_pid():
            return
        supervisor.write_wanted(self.folder, {name for name in SERVICES if self.pid(name)})
        with (self.folder.logs / "supervisor.log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", supervisor.WORD, self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                check=True,
            )

    def _destroy(self) -> None:
        data = settings.read_env(self.folder.devstack_env).get("POSTGRES_DATA")
        if data:
            shutil.rmtree(Path(data), ignore_errors=True)
            if settings.data_folder(self.folder) == Path(data) and postgres.os_user():
                shutil.rmtree(Path(data).parent, ignore_errors=True)
        for path in (self.folder.logs, self.folder.run, self.folder.storage):
            shutil.rmtree(path, ignore_errors=True)
        folder = self.folder
        made = (folder.stack_env, folder.devstack_env, folder.signing_keys, folder.jwks)
        for path in (*made, folder.mails):
            path.unlink(missing_ok=True)
        if not self.folder.is_default:
            shutil.rmtree(self.folder.path, ignore_errors=True)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up` or `down` of a stack at a time; the second waits for the first."""
        self.folder.create()
        with (self.folder.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _named(only: Iterable[str] | None) -> list[str]:
    asked = list(SERVICES) if only is None else list(only)
    unknown = [name for name in asked if name not in SERVICES]
    if unknown:
        raise StackError(f"no service named {', '.join(unknown)}; there are {', '.join(SERVICES)}")
    return [name for name in SERVICES if name in asked]
