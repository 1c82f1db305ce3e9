from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import responses

from app.integrations.http import Lane, Vendor
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_surface import Surface


class Clock:
    """Seconds that pass when the test says so, or somebody waits."""

    def __init__(self) -> None:
        self.at_s = 1000.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.at_s

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at_s += seconds


@dataclass
class Turns:
    """A pace that keeps nobody waiting, and remembers who came."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    held: list[float] = field(default_factory=list)

    def turn(self, lane: Lane, operation: str) -> None:
        self.taken.append((lane, operation))

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


@dataclass
class Counted:
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, vendor: str, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((vendor, operation, outcome))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def vendor(counted: Counted, clock: Clock) -> Vendor:
    return Vendor("openphone", counted, clock)


@pytest.fixture
def surface(vendor: Vendor, turns: Turns, clock: Clock) -> Surface:
    return Surface("https://api.example.com", "key-for-tests", vendor, turns, clock.wait)


@pytest.fixture
def phone(surface: Surface) -> OpenPhone:
    return OpenPhone(surface)


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock
