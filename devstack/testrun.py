"""`make test` and `make soak`: a stack of their own, every test on it, and nothing left afterwards.

    python -m devstack.testrun [--soak] [what pytest understands ...]

Without further words all of it runs, pgTAP and the coverage rule of pyproject.toml included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from devstack import pgtap
from devstack.layout import CHECKOUT, StackError
from devstack.stack import Stack

SERVICES = ["postgres", "redis", "postgrest", "gateway"]
# What decides about somebody's rows and rights: no line of it goes untested (the rest:
# pyproject.toml).
RIGHTS = "auth tokens jwks kept api_keys db idempotency leases rate_limits"
RULES = ["app/contacts/*", "app/imports/*", "app/identity/*", "edge_jobs/identity.py"] + [
    f"app/{name}.py" for name in RIGHTS.split()
]


def run(*words: str) -> bool:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL).returncode == 0


def everything(stack: Stack) -> bool:
    """All steps run even when an early one fails: one look shows all that is wrong."""
    run("coverage", "erase")
    steps = [
        # First, while the tables are empty: plans depend on what the others leave behind.
        pgtap.run(stack.env["DATABASE_URL"], sorted(pgtap.TESTS.glob("*.sql"))),
        run("coverage", "run", "-m", "pytest", "-m", "not soak"),
        run("coverage", "combine", "--quiet") and run("coverage", "report"),
        run("coverage", "report", "--fail-under=100", f"--include={','.join(RULES)}"),
    ]
    return all(steps)


def main() -> int:
    words = sys.argv[1:]
    name = os.environ.setdefault("STACK_NAME", "test")
    # Workers and gunicorn are grandchildren; coverage finds its settings by this name.
    os.environ["COVERAGE_PROCESS_START"] = str(CHECKOUT / "pyproject.toml")
    signal.signal(signal.SIGTERM, _interrupt)
    stack = Stack(name)
    try:
        stack.down(destroy=True)
        stack.up(only=SERVICES)
        if words[:1] == ["--soak"]:
            return 0 if run("pytest", "-m", "soak", *words[1:]) else 1
        return 0 if (run("pytest", *words) if words else everything(stack)) else 1
    except StackError as problem:
        sys.stderr.write(f"devstack: {problem}\n")
        return 1
    finally:
        stack.down(destroy=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
