"""The hook for a virus scanner: a program of the operator's that reads the file on its input."""

from __future__ import annotations

import shlex
import subprocess
from typing import BinaryIO

from app.media.fetching import NotNow, Refused

WITHIN_S = 60
CLEAN, INFECTED = 0, 1


def scan(command: str, file: BinaryIO) -> None:
    """Raises Refused for a bad file, NotNow when the scanner does not say. Empty: no scanner."""
    if not command:
        return
    file.seek(0)
    try:
        # The command is the operator's setting, and no shell reads it.
        done = subprocess.run(  # noqa: S603
            shlex.split(command),
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=WITHIN_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotNow(f"The virus scanner did not run ({type(error).__name__}).") from error
    if done.returncode == INFECTED:
        raise Refused("The virus scanner refused the file.")
    if done.returncode != CLEAN:
        raise NotNow(f"The virus scanner ended with {done.returncode}.")
