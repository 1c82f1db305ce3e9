"""The hook for a virus scanner: a program of the operator's that reads the file on its input."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
from contextlib import suppress
from typing import BinaryIO, cast

from app.media.fetching import NotNow, Refused

WITHIN_S = 60.0
CLEAN, INFECTED = 0, 1


def scan(command: str, file: BinaryIO, within_s: float = WITHIN_S) -> None:
    """Raises Refused for a bad file, NotNow when the scanner does not say. Empty: no scanner."""
    if not command:
        return
    file.seek(0)
    try:
        code = _run(shlex.split(command), file, within_s)
    except (OSError, ValueError) as error:
        raise NotNow(f"The virus scanner did not run ({type(error).__name__}).") from error
    if code == INFECTED:
        raise Refused("The virus scanner refused the file.")
    if code != CLEAN:
        raise NotNow(f"The virus scanner ended with {code}.")


def _run(words: list[str], file: BinaryIO, within_s: float) -> int:
    """Through a pipe: a file handed over would be read on from where the program left it."""
    quiet = subprocess.DEVNULL
    # The command is the operator's setting, and no shell reads it.
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as program:  # noqa: S603
        killer = threading.Timer(within_s, program.kill)
        killer.start()
        try:
            # It may know enough before it has read all.
            with suppress(BrokenPipeError), cast(BinaryIO, program.stdin) as its_input:
                shutil.copyfileobj(file, its_input)
            return program.wait()
        finally:
            killer.cancel()
