"""One websocket: its channels, and a bounded queue so that a slow reader harms only himself."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import psycopg
from aiohttp import WSCloseCode, WSMsgType, web

from devstack.gateway.callers import apikey_of
from devstack.gateway.database import Database
from devstack.gateway.keys import DATABASE, HUB, SETTINGS
from devstack.gateway.realtime_channel import Channel, Refused
from devstack.gateway.realtime_hub import Hub
from devstack.gateway.realtime_protocol import VERSIONS, BadMessage, Message, decode, encode

MAX_WAITING = 16 << 20
PING_S = 30.0
CLOSE_S = 1.0
MAX_MESSAGE = 4 << 20
OPEN = web.AppKey("open", set[web.WebSocketResponse])
LOG = logging.getLogger("gateway.realtime")


class Socket:
    def __init__(self, request: web.Request, version: str) -> None:
        self.database: Database = request.app[DATABASE]
        self.hub: Hub = request.app[HUB]
        self.jwt_keys = request.app[SETTINGS].jwt_keys
        self.opaque_keys = request.app[SETTINGS].opaque_keys
        self.apikey = apikey_of(request)
        self.version = version
        self.channels: dict[str, Channel] = {}
        self._request = request
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._waiting_bytes = 0
        self._dropped = False

    def send(self, message: Message) -> None:
        """Never waits. Who lets too much pile up loses the connection, and may come again."""
        data = encode(message, self.version)
        if data is None or self._dropped:
            return
        self._waiting_bytes += len(data)
        self._queue.put_nowait(data)
        if self._waiting_bytes > MAX_WAITING:
            self._drop()

    def _drop(self) -> None:
        LOG.warning("dropped a socket that did not read %s bytes", self._waiting_bytes)
        self._dropped = True
        self.end()
        if self._request.transport is not None:
            self._request.transport.abort()

    def reply(self, to: Message, status: str, response: dict[str, Any]) -> None:
        payload = {"status": status, "response": response}
        self.send(Message(to.topic, "phx_reply", payload, to.ref, to.join_ref))

    async def write_out(self, ws: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            while True:
                data = await self._queue.get()
                await (ws.send_bytes(data) if isinstance(data, bytes) else ws.send_str(data))
                self._waiting_bytes -= len(data)

    async def take(self, message: Message) -> None:
        if message.topic == "phoenix":
            return self.reply(message, "ok", {})
        if message.event == "phx_join":
            return await self._join(message)
        channel = self.channels.get(message.topic)
        if channel is None:
            return self.reply(message, "error", {"reason": "unmatched topic"})
        if message.event == "phx_leave":
            self.reply(message, "ok", {})
            return channel.close()
        await channel.take(message)

    async def _join(self, message: Message) -> None:
        if earlier := self.channels.get(message.topic):
            earlier.close()
        try:
            await Channel(self, message).join()
        except Refused as refused:
            self.reply(message, "error", {"reason": str(refused)})

    def end(self) -> None:
        for channel in list(self.channels.values()):
            channel.forget()


async def close_all(app: web.Application) -> None:
    """Clients come again by themselves; without this a stop would wait for them to go."""
    sockets = [*app[OPEN]]
    await asyncio.gather(*(ws.close(code=WSCloseCode.GOING_AWAY, drain=False) for ws in sockets))


async def serve(request: web.Request) -> web.StreamResponse:
    version = request.query.get("vsn", "1.0.0")
    if version not in VERSIONS:
        raise web.HTTPForbidden(reason=f"vsn must be one of {' '.join(VERSIONS)}")
    ws = web.WebSocketResponse(timeout=CLOSE_S, heartbeat=PING_S, max_msg_size=MAX_MESSAGE)
    await ws.prepare(request)
    request.app[OPEN].add(ws)
    socket = Socket(request, version)
    writer = asyncio.create_task(socket.write_out(ws))
    try:
        await _read(ws, socket)
    finally:
        request.app[OPEN].discard(ws)
        socket.end()
        writer.cancel()
    return ws


async def _read(ws: web.WebSocketResponse, socket: Socket) -> None:
    async for received in ws:
        if received.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            continue
        try:
            message = decode(received.data, socket.version)
        except BadMessage as error:
            LOG.info("dropped a message: %s", error)
            continue
        try:
            await socket.take(message)
        except psycopg.Error as error:
            LOG.warning("database: %s", error)
            socket.reply(
                message,
                "error",
                {"reason": "Realtime was unable to connect to the project database"},
            )
