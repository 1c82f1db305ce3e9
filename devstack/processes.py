"""Processes by pid file: who is it, is it still the one we started, and how to stop all of it."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()


@dataclass(frozen=True)
class Started:
    """What a pid file holds. `birth` is the kernel's start mark: a reused pid has another one."""

    pid: int
    birth: str
    word: str
    since: float

    def alive(self) -> bool:
        seen = look(self.pid)
        return seen is not None and seen[0] == self.birth and self.word in seen[1]


def look(pid: int) -> tuple[str, str] | None:
    """(start mark, command line) of a process that runs; None for none, and for a zombie."""
    return _look_proc(pid) if HAS_PROC else _look_ps(pid)


def _look_proc(pid: int) -> tuple[str, str] | None:
    try:
        fields = _stat_fields(pid)
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return None
    birth = f"{_boot()}:{fields[19]}"
    return None if fields[0] in "ZX" else (birth, command.decode(errors="replace"))


@functools.cache
def _boot() -> str:
    """Start marks count from the boot, so they only mean something together with it."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on (the name before may hold spaces)."""
    return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()


def _look_ps(pid: int) -> tuple[str, str] | None:
    command = ["ps", "-ww", "-o", "stat=,lstart=,args=", "-p", str(pid)]
    parts = subprocess.run(command, capture_output=True, text=True).stdout.split()
    if len(parts) < 7 or parts[0].startswith("Z"):
        return None
    return " ".join(parts[1:6]), " ".join(parts[6:])


def remember(path: Path, pid: int, word: str) -> Started:
    seen = look(pid)
    started = Started(pid, seen[0] if seen else "", word, time.time())
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(started)))
    draft.replace(path)
    return started


def recall(path: Path) -> Started | None:
    try:
        return Started(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def session_members(session: int) -> list[int]:
    """Living processes of the session a service leads: its forks, also when the leader is gone."""
    if not HAS_PROC:
        return []
    members = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = _stat_fields(int(entry.name))
                if int(fields[3]) == session and fields[0] not in "ZX":
                    members.append(int(entry.name))
    return members


def sweep_session(started: Started) -> None:
    """Kills what a dead service left behind; nothing when its pid means another process by now."""
    seen = look(started.pid)
    if seen is not None and seen[0] != started.birth:
        return
    if HAS_PROC and not started.birth.startswith(_boot()):
        return
    for pid in session_members(started.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop(started: Started, gentle: signal.Signals, patience_s: float) -> None:
    """Asks the leader to end, waits, then kills its whole session."""
    if started.alive():
        with suppress(ProcessLookupError):
            os.kill(started.pid, gentle)
        wait_until(lambda: not started.alive(), patience_s)
    if started.alive():
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        wait_until(lambda: not started.alive(), 5)
    sweep_session(started)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
