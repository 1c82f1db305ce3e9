"""Subscriptions of the real realtime client, made easy to wait for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient

from supabase import Client
from tests import browser
from tests.devstack.gateway_process import Gateway

SOON_S = 15.0


def in_time(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


def token_of(client: Client) -> str:
    session = client.auth.get_session()
    assert session is not None
    return session.access_token


def send(gateway: Gateway, topic: str, payload: dict[str, Any], private: bool = True) -> None:
    gateway.sql(
        "select realtime.send(%s::jsonb, 'changed', %s, %s)", (json.dumps(payload), topic, private)
    )


def connected(
    gateway: Gateway, token: str | None = None
) -> AbstractAsyncContextManager[AsyncRealtimeClient]:
    return browser.connected(gateway.url, gateway.anon_key, token)


class Room:
    """A subscription: what was heard, and how it stands."""

    def __init__(
        self,
        client: AsyncRealtimeClient,
        topic: str,
        private: bool,
        broadcast: dict[str, bool] | None = None,
    ) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.states: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        config = {
            "broadcast": broadcast or {},
            "presence": {"key": "", "enabled": False},
            "private": private,
        }
        self.channel: AsyncRealtimeChannel = client.channel(topic, {"config": config})  # type: ignore[typeddict-item]
        self.channel.on_broadcast("*", lambda payload: self.heard.put_nowait(dict(payload)))

    async def join(self) -> tuple[str, str]:
        await self.channel.subscribe(
            lambda state, error: self.states.put_nowait((state.value, str(error or "")))
        )
        return await self.next_state()

    async def next_state(self) -> tuple[str, str]:
        return await asyncio.wait_for(self.states.get(), SOON_S)

    async def hear_something(self, within_s: float) -> None:
        """Returns when a message waits or the time is over, and takes nothing."""
        with suppress(TimeoutError):
            self.heard.put_nowait(await asyncio.wait_for(self.heard.get(), within_s))

    async def next_payload(self) -> Any:
        return (await asyncio.wait_for(self.heard.get(), SOON_S))["payload"]


async def joined(room: Room) -> Room:
    assert (await room.join())[0] == "SUBSCRIBED"
    return room
