"""Reads settings one by one; what is wrong with them is said of all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit


class ConfigError(Exception):
    """Every missing or malformed setting, one per line; never a setting's value."""


class Reader:
    """Reads settings one by one and keeps what is wrong with them for one message at the end."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def optional(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def required(self, name: str, meaning: str) -> str:
        value = self.optional(name)
        if not value:
            self._problems.append(f"{name} is missing: {meaning}")
        return value

    def url(self, name: str, schemes: tuple[str, ...], meaning: str) -> str:
        self.required(name, meaning)
        return self.optional_url(name, schemes, meaning)

    def optional_url(self, name: str, schemes: tuple[str, ...], meaning: str) -> str:
        value = self.optional(name).rstrip("/")
        if value and not _is_url(value, schemes):
            self._problems.append(f"{name} is malformed: {meaning}")
        return value

    def whole_number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.optional(name, str(default))
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self._problems.append(f"{name} is malformed: a whole number from {low} to {high}")
        return default

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.optional(name, default).lower()
        if value not in allowed:
            self._problems.append(f"{name} is malformed: one of {', '.join(allowed)}")
        return value

    def secret(self, name: str, min_bytes: int) -> str:
        value = self.optional(name)
        if value and len(value.encode()) < min_bytes:
            self._problems.append(f"{name} is malformed: at least {min_bytes} bytes")
        return value

    def listed(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.optional(name).split(",") if part.strip())

    def decoded(self, name: str, decode: Callable[[], Sequence[bytes]]) -> Sequence[bytes]:
        try:
            return decode()
        except ValueError as error:
            self._problems.append(f"{name} is malformed: one of its keys {error}")
            return ()

    def phone(self, name: str) -> str:
        value = self.optional(name)
        if value and not re.fullmatch(r"\+[1-9][0-9]{7,14}", value):
            self._problems.append(f"{name} is malformed: a number such as +16175550101")
        return value

    def origins(self, name: str) -> tuple[str, ...]:
        found = self.listed(name)
        if not all(_is_origin(origin) for origin in found):
            meaning = "origins such as https://crm.example.com, separated by commas"
            self._problems.append(f"{name} is malformed: {meaning}")
        return found

    def stop_if_wrong(self) -> None:
        """Raises ConfigError naming every problem met so far."""
        if self._problems:
            listed = "\n".join(f"  - {problem}" for problem in self._problems)
            raise ConfigError(f"The environment is not complete (see .env.example):\n{listed}")


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and (parts.scheme == "unix" or bool(parts.hostname))
    except ValueError:
        return False


def _is_origin(value: str) -> bool:
    # A star would let any site call the API with a token it stole; there is no use for one.
    return _is_url(value, ("http", "https")) and value.count("/") == 2 and "*" not in value
