"""`make test` and `make soak`: stacks of their own, every test on one, and nothing left afterwards.

    python -m devstack.testrun [--soak] [what pytest understands ...]

Without further words all of it runs, on three stacks at once (two processes of pytest, and pgTAP),
the coverage rules included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

from devstack import postgres
from devstack.layout import CHECKOUT, StackError
from devstack.stack import Stack

SERVICES = ["postgres", "redis", "postgrest", "gateway"]
# As xdist names its processes. A test spends half of its time waiting for other programs.
HALVES = ["gw0", "gw1"]
# Whoever is free takes the next file, whole: its tests share what they started.
SPLIT = [f"--numprocesses={len(HALVES)}", "--dist=loadfile", "--no-loadscope-reorder"]
# What decides about somebody's rows and rights, and about who is texted: no line of it goes
# untested (the rest: pyproject.toml).
RIGHTS = "auth tokens jwks kept api_keys db idempotency leases rate_limits"
PARTS = "contacts imports identity messaging integrations"
RULES = [
    *(f"app/{name}/*" for name in PARTS.split()),
    *(f"app/{name}.py" for name in RIGHTS.split()),
    "edge_jobs/identity.py",
]


def stack_of(part: str) -> str:
    """The name of the stack on which one of several works."""
    return f"{os.environ.get('STACK_NAME', 'test')}-{part}"


def run(*words: str) -> bool:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL).returncode == 0


def run_quietly(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def fresh(wanted: dict[str, list[str]]) -> Iterator[None]:
    """Stacks with the services named, all at once; gone afterwards."""
    with ThreadPoolExecutor(len(wanted)) as pool:

        def destroy() -> None:
            list(pool.map(lambda name: Stack(name).down(destroy=True), wanted))

        destroy()
        try:
            list(pool.map(lambda name: Stack(name).up(only=wanted[name]), wanted))
            for name in wanted:
                _hasten(Stack(name))
            yield
        finally:
            destroy()


def _hasten(stack: Stack) -> None:
    """Tests kill PostgreSQL, never the machine: what was written to it is safe without the disk."""
    admin = stack.env["ADMIN_DATABASE_URL"]
    for statement in ("alter system set fsync = off", "select pg_reload_conf()"):
        done = postgres.psql(admin, statement)
        if done.returncode:
            raise StackError(f"{statement} on {stack.name}: {done.stderr.strip()}")


def everything() -> bool:
    """All steps run even when an early one fails: one look shows all that is wrong."""
    tap_stack = stack_of("tap")
    run("coverage", "erase")
    wanted = {stack_of(half): SERVICES for half in HALVES}
    with fresh(wanted | {tap_stack: ["postgres"]}), ThreadPoolExecutor(1) as beside:
        # On tables that stay empty: plans depend on what the others would leave behind.
        told = beside.submit(run_quietly, "devstack.pgtap", "--name", tap_stack)
        passed = run("coverage", "run", "-m", "pytest", "-m", "not soak", *SPLIT)
        tap = told.result()
    print(tap.stdout, end="", flush=True)
    steps = [
        passed,
        tap.returncode == 0,
        run("coverage", "combine", "--quiet") and run("coverage", "report"),
        run("coverage", "report", "--fail-under=100", f"--include={','.join(RULES)}"),
    ]
    return all(steps)


def some(words: list[str]) -> bool:
    soak = ["-m", "soak"] if words[:1] == ["--soak"] else []
    with fresh({os.environ["STACK_NAME"]: SERVICES}):
        return run("pytest", *soak, *words[1 if soak else 0 :])


def main() -> int:
    words = sys.argv[1:]
    os.environ.setdefault("STACK_NAME", "test")
    # Workers and gunicorn are grandchildren; coverage finds its settings by this name.
    os.environ["COVERAGE_PROCESS_START"] = str(CHECKOUT / "pyproject.toml")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return 0 if (some(words) if words else everything()) else 1
    except StackError as problem:
        sys.stderr.write(f"devstack: {problem}\n")
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
