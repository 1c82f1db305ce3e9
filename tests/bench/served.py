"""gunicorn as the Procfile starts it, with an application of the bench; what its workers weigh."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from devstack.layout import CHECKOUT
from devstack.services import environment
from devstack.stack import Stack

READY_WITHIN_S, STOPPED_WITHIN_S = 30, 60
# Raised, not switched off: every request is still counted.
LIMITS = {f"RATE_LIMIT_{name}": "1000000" for name in ("USER", "KEY", "IP", "OPEN", "FAILED")}
# A worker that is replaced in the middle would be measured as a slow one.
LASTING = ["--max-requests", "0", "--max-requests-jitter", "0"]


@dataclass(frozen=True)
class Served:
    url: str
    pid: int

    def weight_mb(self) -> list[tuple[float, float]]:
        """(PSS, RSS) of each worker; none where there is no /proc."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return (
            [_weight(int(pid)) for pid in children.read_text().split()] if children.exists() else []
        )


def _weight(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return round(kb["Pss"] / 1024, 1), round(kb["Rss"] / 1024, 1)


@contextmanager
def served(stack: Stack, module: str) -> Iterator[Served]:
    """`module` of this folder behind the product's own gunicorn command and settings."""
    port = _free_port()
    env = environment(stack.folder, stack.env, "web") | LIMITS | {"PORT": str(port)}
    command = _procfile_command().replace("wsgi:app", f"tests.bench.{module}:app").split()
    log = stack.folder.logs / f"{module}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*command, *LASTING], env=env, cwd=CHECKOUT, stdout=out, stderr=out
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, log, process)
        yield Served(url, process.pid)
    finally:
        process.terminate()
        process.wait(STOPPED_WITHIN_S)


def _procfile_command() -> str:
    lines = (CHECKOUT / "Procfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith("web:"))
    return os.path.expandvars(line.partition(":")[2].strip())


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _wait_for(url: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/noop", timeout=2)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    process.terminate()
    raise SystemExit(f"bench: gunicorn does not answer, see {log}")
