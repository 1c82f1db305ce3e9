"""Who may join and broadcast: policies on realtime.messages, and tokens that end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import httpx
import jwt
import pytest

from tests.devstack.conftest import Person, SignIn
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import Room, connected, in_time, joined, send, token_of


def test_private_channel_needs_a_select_policy(
    gateway: Gateway, topic_policy: Callable[..., None], sign_in: SignIn, person: Person, topic: str
) -> None:
    token = token_of(sign_in(person))

    async def scenario() -> None:
        async with connected(gateway, token) as client:
            state, error = await Room(client, topic, True).join()
        assert state == "CHANNEL_ERROR"
        assert "Unauthorized: You do not have permissions to read from this Channel" in error
        topic_policy("select", topic, person.id)
        async with connected(gateway, token) as client:
            await joined(Room(client, topic, True))
        async with connected(gateway) as visitor:
            assert (await Room(visitor, topic, True).join())[0] == "CHANNEL_ERROR"

    in_time(scenario())


def test_private_broadcast_needs_an_insert_policy(
    gateway: Gateway,
    topic_policy: Callable[..., None],
    sign_in: SignIn,
    new_person: Callable[..., Person],
    topic: str,
) -> None:
    reader, writer = new_person(), new_person()
    topic_policy("select", topic, reader.id, writer.id)
    topic_policy("insert", topic, writer.id)
    tokens = [token_of(sign_in(person)) for person in (reader, writer)]

    async def scenario() -> None:
        async with connected(gateway, tokens[0]) as one, connected(gateway, tokens[1]) as two:
            reading = await joined(Room(one, topic, True))
            writing = await joined(Room(two, topic, True))
            await reading.channel.send_broadcast("x", {"from": "reader"})
            with pytest.raises(Exception, match="permissions"):
                await reading.channel.http_send("x", {"from": "reader"})
            await writing.channel.send_broadcast("x", {"from": "writer"})
            assert await reading.next_payload() == {"from": "writer"}
            await reading.channel.unsubscribe()
            assert writing.heard.empty()

    in_time(scenario())


def test_expired_tokens_are_refused_and_close_their_channel(
    gateway: Gateway, topic_policy: Callable[..., None], sign_in: SignIn, person: Person, topic: str
) -> None:
    claims = jwt.decode(token_of(sign_in(person)), options={"verify_signature": False})
    topic_policy("select", topic, person.id)

    def lasting(seconds: float) -> str:
        changed = claims | {"exp": math.ceil(time.time() + seconds)}
        return jwt.encode(changed, gateway.env["SUPABASE_JWT_SECRET"], algorithm="HS256")

    async def scenario() -> None:
        async with connected(gateway, lasting(-10)) as late:
            state, error = await Room(late, topic, True).join()
            assert state == "CHANNEL_ERROR" and "InvalidJWTToken" in error
        async with connected(gateway, lasting(3)) as client:
            kept = await joined(Room(client, f"{topic}", True))
            await client.set_auth(lasting(3600))
            send(gateway, topic, {"n": 1})
            assert (await kept.next_payload())["n"] == 1
        async with connected(gateway, lasting(2)) as client:
            room = await joined(Room(client, topic, True))
            state, error = await room.next_state()
            assert state == "CHANNEL_ERROR" and "expired" in error

    in_time(scenario())


def test_token_that_may_no_longer_read_closes_the_channel(
    gateway: Gateway,
    topic_policy: Callable[..., None],
    sign_in: SignIn,
    new_person: Callable[..., Person],
    topic: str,
) -> None:
    allowed, other = new_person(), new_person()
    topic_policy("select", topic, allowed.id)
    tokens = [token_of(sign_in(person)) for person in (allowed, other)]

    async def scenario() -> None:
        async with connected(gateway, tokens[0]) as client:
            room = await joined(Room(client, topic, True))
            await client.set_auth(tokens[1])
            state, error = await room.next_state()
            assert state == "CHANNEL_ERROR" and "permissions" in error

    in_time(scenario())


def test_socket_needs_a_key(gateway: Gateway) -> None:
    refused = httpx.get(f"{gateway.url}/realtime/v1/websocket?vsn=1.0.0")
    assert refused.status_code == 401
