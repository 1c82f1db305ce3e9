"""The real realtime client as anybody of the world."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from realtime import AsyncRealtimeClient

from tests import browser
from tests.rights.world import Actor


@dataclass(frozen=True)
class Listener:
    url: str
    anon_key: str

    def connected(self, actor: Actor) -> AbstractAsyncContextManager[AsyncRealtimeClient]:
        token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
        return browser.connected(self.url, self.anon_key, token)
