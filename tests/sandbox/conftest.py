"""One sandbox for all tests of this folder, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox_driver import Sandbox


@pytest.fixture(scope="session")
def started() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    """Without webhooks, without limits, and without waits."""
    started.reset()
    started.at_once()
    return started
