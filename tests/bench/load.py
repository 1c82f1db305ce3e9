"""Load by wrk, and what came of it. Every answer must be good: a fast refusal is no result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_S = 60


@dataclass(frozen=True)
class Target:
    """What is asked for. With `bodies` (a file, one JSON a line) it is a POST of each in turn."""

    name: str
    url: str
    headers: Mapping[str, str]
    bodies: Path | None = None


@dataclass(frozen=True)
class Figures:
    requests_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def require_wrk() -> None:
    """Installs wrk where it is missing; stops with one line where that is not possible."""
    if shutil.which("wrk"):
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    command = [*as_root, "apt-get", "install", "-y", "--no-install-recommends", "wrk"]
    if shutil.which("brew"):
        command = ["brew", "install", "wrk"]
    if shutil.which(command[0]):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if not shutil.which("wrk"):
        sys.exit("bench: wrk is missing; install it (apt-get install wrk, brew install wrk)")


def load(target: Target, clients: int, seconds: int) -> Figures:
    """`clients` ask at once, each again as soon as it is answered. Stops on any bad answer."""
    threads = min(clients, 2)
    headers = [word for item in target.headers.items() for word in ("-H", f"{item[0]}: {item[1]}")]
    words = [f"-c{clients}", f"-t{threads}", f"-d{seconds}s", f"--timeout={TIMEOUT_S}s"]
    env = os.environ | {"BENCH_THREADS": str(threads)}
    if target.bodies:
        env |= {"BENCH_BODIES": str(target.bodies)}
    done = subprocess.run(
        ["wrk", *words, "-s", str(SCRIPT), *headers, target.url],
        env=env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"wrk, {target.name}: {done.stderr or done.stdout}")
    return _figures(target, json.loads(done.stdout.splitlines()[-1]))


def _figures(target: Target, seen: dict[str, float]) -> Figures:
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise SystemExit(f"bench, {target.name}: not every answer was good: {seen}")
    requests_s = round(seen["requests"] * 1e6 / seen["us"], 1)
    return Figures(requests_s, seen["p50"], seen["p95"], seen["p99"])
