from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from devstack.stack import Stack
from tests.worker import workers


@pytest.fixture
def as_worker(stack: Stack) -> Iterator[Callable[..., None]]:
    """This process is a worker with the vendors' settings given: `as_worker(NAME=value)`."""
    with workers(stack.env) as become:
        yield become
