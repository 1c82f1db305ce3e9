"""Jobs for workers to be tested with."""

from __future__ import annotations

import os
import signal


def work_well() -> str:
    return "done"


def fail_over(person: str) -> None:
    raise ValueError(f"{person} is in the way")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
