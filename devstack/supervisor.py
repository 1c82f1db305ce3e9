"""The process that keeps a stack's services running: `python -m devstack.supervisor <stack>`.

It starts what `run/wanted.json` names, starts again what died, and takes over what an earlier,
killed supervisor left running. SIGTERM stops everything, last started first.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from devstack import postgres, settings
from devstack.layout import CHECKOUT, Folder, refuse_production
from devstack.processes import Started, recall, remember, stop, sweep_session
from devstack.services import SERVICES, Service, environment, pid_file

WORD = "devstack.supervisor"
LOOK_EVERY_S = 0.2
SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
STABLE_AFTER_S = 10.0
PATIENCE_S = 10.0


def wanted_file(folder: Folder) -> Path:
    return folder.run / "wanted.json"


def read_wanted(folder: Folder) -> list[str]:
    try:
        named = json.loads(wanted_file(folder).read_text())
    except (OSError, ValueError):
        return []
    return [name for name in SERVICES if name in named]


def write_wanted(folder: Folder, names: set[str]) -> None:
    draft = wanted_file(folder).with_suffix(".new")
    draft.write_text(json.dumps(sorted(names)))
    draft.replace(wanted_file(folder))


def stop_services(folder: Folder) -> None:
    """Also used by `down` for services whose supervisor is gone."""
    for name in reversed(SERVICES):
        path = pid_file(folder, name)
        started = recall(path)
        if started:
            stop(started, SERVICES[name].gentle, PATIENCE_S)
            path.unlink(missing_ok=True)


def launch(folder: Folder, service: Service) -> tuple[subprocess.Popen[bytes], Started]:
    pairs = settings.load(folder)
    user = postgres.os_user() if service.name == "postgres" else None
    with (folder.logs / f"{service.name}.log").open("ab") as log:
        child = subprocess.Popen(
            service.command(pairs),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/" if user else CHECKOUT,
            env=environment(folder, pairs, service.name),
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    return child, remember(pid_file(folder, service.name), child.pid, service.word)


class Supervisor:
    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.pauses: dict[str, float] = {}
        self.not_before: dict[str, float] = {}
        # No Event: set by a signal while its own lock is held, it would wait for ever.
        self.ending = False

    def run(self) -> None:
        while not self.ending:
            for name in read_wanted(self.folder):
                if not self.ending:
                    self.keep(name)
            time.sleep(LOOK_EVERY_S)
        stop_services(self.folder)

    def keep(self, name: str) -> None:
        child = self.children.get(name)
        if child:
            child.poll()
        started = recall(pid_file(self.folder, name))
        if started and started.alive():
            return
        if started:
            sweep_session(started)
            pid_file(self.folder, name).unlink(missing_ok=True)
            self.postpone(name, started)
        if time.monotonic() >= self.not_before.get(name, 0.0):
            self.start(name)

    def postpone(self, name: str, died: Started) -> None:
        """A service that dies young waits twice as long each time; after a stable life, little."""
        stable = time.time() - died.since > STABLE_AFTER_S
        pause = SHORTEST_PAUSE_S if stable else self.pauses.get(name, SHORTEST_PAUSE_S)
        self.pauses[name] = min(pause * 2, LONGEST_PAUSE_S)
        self.not_before[name] = time.monotonic() + pause
        self.note(f"{name} (pid {died.pid}) ended, starting it again in {pause:.1f} s")

    def start(self, name: str) -> None:
        try:
            self.children[name], started = launch(self.folder, SERVICES[name])
        except Exception as problem:  # one service that cannot start must not end the others
            self.not_before[name] = time.monotonic() + LONGEST_PAUSE_S
            self.note(f"{name} cannot start: {problem}")
        else:
            self.note(f"{name} started as pid {started.pid}")

    def note(self, line: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stderr.write(f"{stamp} {line}\n")
        sys.stderr.flush()

    def end(self, _number: int, _frame: FrameType | None) -> None:
        self.ending = True


def supervisor_file(folder: Folder) -> Path:
    return folder.run / "supervisor.json"


def detach(folder: Folder) -> None:
    """Goes on as a child of nobody; the command that started us returns when its pid is written."""
    child = os.fork()
    if child:
        remember(supervisor_file(folder), child, WORD)
        os._exit(0)
    os.setsid()


def main() -> None:
    refuse_production()
    folder = Folder(sys.argv[1])
    detach(folder)
    supervisor = Supervisor(folder)
    signal.signal(signal.SIGTERM, supervisor.end)
    signal.signal(signal.SIGINT, supervisor.end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervisor.run()


if __name__ == "__main__":
    main()
