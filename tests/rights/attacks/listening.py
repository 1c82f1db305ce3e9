"""The real realtime client as anybody of the world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from realtime import AsyncRealtimeClient

from tests.rights.world import Actor


@dataclass(frozen=True)
class Listener:
    url: str
    anon_key: str

    @asynccontextmanager
    async def connected(self, actor: Actor) -> AsyncIterator[AsyncRealtimeClient]:
        client = AsyncRealtimeClient(
            f"{self.url}/realtime/v1", token=self.anon_key, auto_reconnect=False
        )
        token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
        if token:
            await client.set_auth(token)
        await client.connect()
        try:
            yield client
        finally:
            await client.close()
