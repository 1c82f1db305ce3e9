"""One joined topic of one socket: who joined, until when, and what he may."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from devstack.gateway.callers import Caller, caller_of_token
from devstack.gateway.jwt_keys import BadToken
from devstack.gateway.realtime_hub import broadcast
from devstack.gateway.realtime_protocol import Message
from devstack.gateway.realtime_rights import EXTENSIONS, Rights, rights_of

if TYPE_CHECKING:
    from devstack.gateway.realtime_socket import Socket

TOPIC_PREFIX = "realtime:"
LONGEST_TIMER_S = 3600.0
NOT_ALLOWED = "Unauthorized: You do not have permissions to read from this Channel topic"
ALL_RIGHTS = Rights(frozenset(EXTENSIONS), frozenset(EXTENSIONS))


class Refused(Exception):
    """The reason a join is answered with."""


class Channel:
    def __init__(self, socket: Socket, join: Message) -> None:
        config = join.payload.get("config") or {}
        self._socket, self._message = socket, join
        self._topic = join.topic.removeprefix(TOPIC_PREFIX)
        self._private = bool(config.get("private"))
        self._broadcast: dict[str, Any] = config.get("broadcast") or {}
        self._presence = bool((config.get("presence") or {}).get("enabled"))
        self._changes = config.get("postgres_changes") or []
        self._token = str(join.payload.get("access_token") or socket.apikey)
        self._rights = ALL_RIGHTS
        self._expiry: asyncio.TimerHandle | None = None

    async def join(self) -> None:
        """Answers the join itself; raises Refused."""
        if not self._message.topic.startswith(TOPIC_PREFIX) or not self._topic:
            raise Refused("TopicNameRequired: You must provide a topic name")
        if self._changes:
            raise Refused("postgres_changes are not served by the local stack: use broadcasts")
        await self._admit(self._token)
        self._socket.channels[self._message.topic] = self
        self._socket.hub.add(self._topic, self._private, self)
        self._socket.reply(self._message, "ok", {"postgres_changes": []})
        if self._presence:
            self._send("presence_state", {})

    async def _admit(self, token: str) -> None:
        try:
            known = self._socket.opaque_keys.get(token, token)
            caller = caller_of_token(known, self._socket.jwt_keys)
        except BadToken as error:
            raise Refused(f"InvalidJWTToken: {error}") from error
        if self._private:
            rights = await rights_of(self._socket.database, caller, self._topic)
            if not rights.read:
                raise Refused(f"{NOT_ALLOWED}: {self._topic}")
            self._rights = rights
        self._token = token
        self._watch_expiry(caller)

    def _watch_expiry(self, caller: Caller) -> None:
        if self._expiry:
            self._expiry.cancel()
        wait_s = caller.expires_at - time.time()
        loop = asyncio.get_running_loop()
        if wait_s > LONGEST_TIMER_S:
            self._expiry = loop.call_later(LONGEST_TIMER_S, self._watch_expiry, caller)
        else:
            self._expiry = loop.call_later(max(wait_s, 0), self._shut_down, "Token has expired")

    async def take(self, message: Message) -> None:
        if message.event == "broadcast":
            self._take_broadcast(message)
        elif message.event == "access_token":
            await self._take_token(message.payload.get("access_token"))
        elif message.event == "presence":
            self._socket.reply(message, "ok", {})

    def _take_broadcast(self, message: Message) -> None:
        """Without the right to write nothing happens or is answered, as on the real server."""
        if "broadcast" not in self._rights.write:
            return
        payload = broadcast(
            str(message.payload.get("event", "")), message.payload.get("payload", {})
        )
        me = None if self._broadcast.get("self") else self
        self._socket.hub.publish(self._topic, self._private, payload, but=me)
        if self._broadcast.get("ack"):
            self._socket.reply(message, "ok", {})

    async def _take_token(self, token: Any) -> None:
        if not isinstance(token, str) or token == self._token:
            return
        try:
            await self._admit(token)
        except Refused as refused:
            self._shut_down(str(refused))

    def hear(self, payload: dict[str, Any]) -> None:
        if "broadcast" in self._rights.read:
            self._send("broadcast", payload)

    def _shut_down(self, reason: str) -> None:
        self._send(
            "system",
            {"channel": self._topic, "extension": "system", "message": reason, "status": "error"},
        )
        self.close()

    def close(self) -> None:
        self.forget()
        ref = self._message.join_ref or self._message.ref
        self._socket.send(Message(self._message.topic, "phx_close", {}, ref, ref))

    def forget(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        if self._socket.channels.get(self._message.topic) is self:
            del self._socket.channels[self._message.topic]
            self._socket.hub.remove(self._topic, self._private, self)

    def _send(self, event: str, payload: dict[str, Any]) -> None:
        self._socket.send(Message(self._message.topic, event, payload))
