"""This process as a worker that speaks with a sandbox, whose webhooks come into the inbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from edge_jobs import runtime, vendors
from edge_jobs.webhooks import apply_webhooks
from tests.sandbox.receiver import Receiver, listening
from tests.sandbox_driver import Sandbox
from tests.worker import as_worker

Db = psycopg.Connection[Any]
VENDORS = ("OPENPHONE_API_URL", "OPENPHONE_API_KEY", "OPENPHONE_HEALTH_NUMBER")


@dataclass
class Line:
    sandbox: Sandbox
    receiver: Receiver
    _kept: int = field(default=0)

    def webhooks_come(self, db: Db) -> int:
        """What the vendor has told since is put into the inbox and taken in. Returns how many."""
        self.sandbox.idle()
        new = self.receiver.got[self._kept :]
        self._kept += len(new)
        for told in new:
            db.execute(
                "insert into private.webhook_events (provider, event_id, scheme, type, body)"
                " values ('openphone', %s, %s, %s, %s)",
                (
                    told.headers.get("webhook-id") or secrets.token_hex(8),
                    "dated" if told.is_dated else "legacy",
                    told.body["type"],
                    told.raw.decode(),
                ),
            )
        apply_webhooks()
        return len(new)

    def webhooks_are_lost(self) -> None:
        self.sandbox.idle()
        self._kept = len(self.receiver.got)


@contextmanager
def open_line(stack: Stack) -> Iterator[Line]:
    with (
        listening() as receiver,
        Sandbox.start(webhooks_to=receiver.url) as sandbox,
        as_worker(stack.env, **{name: sandbox.env[name] for name in VENDORS}),
    ):
        # Its own limit is what test_pace is about.
        pace = vendors.openphone().surface.turns
        pace.per_second = pace.reads_per_second = 1000  # type: ignore[attr-defined]
        yield Line(sandbox, receiver)


class Killed(BaseException):
    """The worker is gone: nothing of ours catches it."""


def die_at(patch: pytest.MonkeyPatch, step: int, *, after: bool) -> None:
    """At its `step`-th word with the database, before it or after it, this worker dies."""
    spoken, rpc = [], runtime.rpc

    def mortal(name: str, **params: Any) -> Any:
        spoken.append(name)
        if len(spoken) == step and not after:
            raise Killed
        answer = rpc(name, **params)
        if len(spoken) == step:
            raise Killed
        return answer

    patch.setattr(runtime, "rpc", mortal)
