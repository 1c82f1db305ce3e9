"""Inboxes to post into, and this process as the worker that takes their webhooks in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from devstack.stack import Stack
from tests.imports.fixtures import worker
from tests.messaging.webhooks.inbox import Inbox, make_inbox, open_db

__all__ = ["worker"]


@pytest.fixture
def make(stack: Stack, worker: None) -> Iterator[Callable[[], Inbox]]:
    """An office at a location of its own, each time."""
    with open_db(stack.env) as db:
        yield lambda: make_inbox(db, stack.env)


@pytest.fixture
def inbox(make: Callable[[], Inbox]) -> Inbox:
    return make()
