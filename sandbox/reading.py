"""Reading a query or a body: every wrong field is named in one answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from multidict import MultiMapping

from sandbox import instants
from sandbox.answers import ApiError

Problem = dict[str, Any]


class Fields:
    """Reads one value after the other; `end()` raises ApiError 400 when any was wrong."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def wrong(self, name: str, message: str, value: Any, kind: str = "string") -> None:
        schema = {"type": kind}
        path = f"/{self.where}/{name}"
        self.problems.append({"path": path, "message": message, "value": value, "schema": schema})

    def end(self) -> None:
        if self.problems:
            raise ApiError(400, "Bad Request", self.problems[0]["message"], errors=self.problems)


class Query(Fields):
    def __init__(self, given: MultiMapping[str]) -> None:
        super().__init__("query")
        self.given = given

    def text(self, name: str, *, required: bool = False) -> str | None:
        found = self.given.get(name)
        if required and not found:
            self.wrong(name, f"{name} is required", None)
        return found or None

    def many(self, name: str, *, most: int, required: bool = False) -> list[str]:
        """A repeated key, with or without `[]`."""
        found = [*self.given.getall(name, []), *self.given.getall(f"{name}[]", [])]
        if required and not found:
            self.wrong(name, f"{name} is required", None, "array")
        if len(found) > most:
            self.wrong(name, f"Expected at most {most} items", found, "array")
        return found

    def listed(self, name: str) -> list[str] | None:
        """`name[in]=a,b`, or `name=a`; None: not asked for."""
        found = self.given.get(f"{name}[in]") or self.given.get(name)
        return found.split(",") if found else None

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """Required unless there is a default."""
        found = self.given.get(name)
        if found is None and default is not None:
            return default
        if found is None:
            self.wrong(name, f"{name} is required", None, "integer")
        elif not re.fullmatch(r"\d{1,9}", found) or not least <= int(found) <= most:
            said = f"must be >= {least} and <= {most}"
            self.wrong(name, said, found, "integer")
        else:
            return int(found)
        return least

    def instant(self, name: str) -> str | None:
        found = self.given.get(name)
        try:
            return instants.read(found) if found else None
        except ValueError:
            self.wrong(name, "Expected string to match 'date-time' format", found)
            return None

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        found = self.given.get(name) or None
        if found is not None and found not in choices:
            self.wrong(name, f"Expected one of {', '.join(choices)}", found)
        return found


class Body(Fields):
    def __init__(self, given: Mapping[str, Any], known: Iterable[str] = ()) -> None:
        super().__init__("body")
        self.given = given
        for name in given:
            if known and name not in known:
                self.wrong(name, "Unexpected property", given[name], "never")

    def text(
        self, name: str, *, required: bool = False, least: int = 0, most: int = 10_000
    ) -> str | None:
        found = self.given.get(name)
        if found is None:
            if required:
                self.wrong(name, "Expected required property", None)
            return None
        if not isinstance(found, str) or not least <= len(found) <= most:
            said = f"Expected string of {least} to {most} characters"
            self.wrong(name, said, found)
            return None
        return found

    def texts(self, name: str, *, least: int, most: int, required: bool = True) -> list[str]:
        found = self.given.get(name)
        if found is None and not required:
            return []
        good = isinstance(found, list) and all(isinstance(item, str) for item in found)
        if not good or not least <= len(found or []) <= most:
            said = f"Expected array of {least} to {most} strings"
            self.wrong(name, said, found, "array")
            return []
        return list(found or [])

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        found = self.text(name)
        if found is not None and found not in choices:
            self.wrong(name, f"Expected one of {', '.join(choices)}", found)
        return found
