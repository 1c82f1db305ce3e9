"""Where a stack keeps its files, and the error every part of the stack reports with."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DEFAULT_STACK = "dev"
PRODUCTION_WORDS = {"production", "prod"}


class StackError(Exception):
    """Something the reader can act on; the message is one line and says what to do."""


@dataclass(frozen=True)
class Folder:
    """One stack's folder: `.local` for the default stack, `.local/stacks/<name>` for another."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", self.name):
            raise StackError(f"stack name {self.name!r}: use lower-case letters, digits and dashes")

    @property
    def path(self) -> Path:
        local = CHECKOUT / ".local"
        return local if self.name == DEFAULT_STACK else local / "stacks" / self.name

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_STACK

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Pid files, one per running service, and the list of wanted services."""
        return self.path / "run"

    @property
    def storage(self) -> Path:
        return self.path / "storage"

    @property
    def stack_env(self) -> Path:
        return self.path / "stack.env"

    @property
    def devstack_env(self) -> Path:
        return self.path / "devstack.env"

    @property
    def signing_keys(self) -> Path:
        """Private keys, where the stack signs with ES256."""
        return self.path / "signing_keys.json"

    @property
    def jwks(self) -> Path:
        """What PostgREST reads."""
        return self.path / "postgrest_jwks.json"

    @property
    def mails(self) -> Path:
        """What the gateway would have sent."""
        return self.path / "mails.jsonl"

    def create(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        (CHECKOUT / ".local").chmod(0o700)
        for folder in (self.logs, self.run, self.storage):
            folder.mkdir(mode=0o700, exist_ok=True)


def refuse_production() -> None:
    for name in ("APP_ENV", "ENV", "FLASK_ENV"):
        if os.environ.get(name, "").strip().lower() in PRODUCTION_WORDS:
            raise StackError(
                f"{name}={os.environ[name]}: the local stack is for development only; "
                f"unset {name} to start it here"
            )
