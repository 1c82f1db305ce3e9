"""Broadcasts as supabase-py and supabase-js hear and send them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from devstack.layout import CHECKOUT
from devstack.stack import Stack
from tests.devstack.conftest import Person, SignIn
from tests.devstack.gateway_process import Gateway
from tests.devstack.rooms import SOON_S, Room, connected, in_time, joined, send, token_of


def test_messages_from_sql_reach_their_own_kind_of_channel_only(
    gateway: Gateway, topic_policy: Callable[..., None], sign_in: SignIn, person: Person, topic: str
) -> None:
    token = token_of(sign_in(person))
    topic_policy("select", topic, person.id)

    async def scenario() -> None:
        async with connected(gateway, token) as mine, connected(gateway) as visitor:
            private = await joined(Room(mine, topic, True))
            public = await joined(Room(visitor, topic, False))
            send(gateway, f"{topic}-other", {"n": 0})
            send(gateway, topic, {"n": 1, "id": "kept"})
            send(gateway, topic, {"n": 2}, private=False)
            send(gateway, topic, {"n": 3})
            assert await private.next_payload() == {"n": 1, "id": "kept"}
            last = await asyncio.wait_for(private.heard.get(), SOON_S)
            assert last["event"] == "changed" and last["payload"]["n"] == 3
            assert last["payload"]["id"] == last["meta"]["id"]
            assert (await public.next_payload())["n"] == 2
            assert private.heard.empty() and public.heard.empty()

    in_time(scenario())


def test_large_and_many_messages_arrive_in_order(gateway: Gateway, topic: str) -> None:
    async def scenario() -> None:
        async with connected(gateway) as visitor:
            room = await joined(Room(visitor, topic, False))
            send(gateway, topic, {"text": "é" * 50_000}, private=False)
            gateway.sql(
                "select realtime.send(jsonb_build_object('n', n), 'changed', %s, false)"
                " from generate_series(1, 3000) n",
                (topic,),
            )
            assert len((await room.next_payload())["text"]) == 50_000
            assert [(await room.next_payload())["n"] for _ in range(3000)] == list(range(1, 3001))

    in_time(scenario())


def test_rolled_back_message_is_never_heard(gateway: Gateway, topic: str) -> None:
    async def scenario() -> None:
        async with connected(gateway) as visitor:
            room = await joined(Room(visitor, topic, False))
            with psycopg.connect(gateway.env["ADMIN_DATABASE_URL"]) as connection:
                connection.execute(
                    "select realtime.send('{\"n\": 1}', 'changed', %s, false)", (topic,)
                )
                connection.rollback()
            send(gateway, topic, {"n": 2}, private=False)
            assert (await room.next_payload())["n"] == 2

    in_time(scenario())


def test_send_never_fails_its_transaction(gateway: Gateway, topic: str) -> None:
    """`authenticated` has no insert policy here: a warning, and the work goes on."""
    with psycopg.connect(gateway.env["ADMIN_DATABASE_URL"]) as connection:
        warnings: list[str | None] = []
        connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
        connection.execute("set local role authenticated")
        connection.execute("select realtime.send('{}', 'changed', %s, true)", (topic,))
        assert connection.execute("select 1").fetchone() == (1,)
    assert warnings and "ErrorSendingBroadcastMessage" in str(warnings[0])


def test_broadcast_follows_self_and_reaches_the_others(gateway: Gateway, topic: str) -> None:
    async def scenario() -> None:
        async with connected(gateway) as one, connected(gateway) as two:
            quiet = await joined(Room(one, topic, False))
            loud = await joined(Room(two, topic, False, {"self": True, "ack": True}))
            await loud.channel.send_broadcast("hello", {"n": 1})
            assert await quiet.next_payload() == {"n": 1} == await loud.next_payload()
            await quiet.channel.send_broadcast("hello", {"n": 2})
            assert await loud.next_payload() == {"n": 2}
            await loud.channel.http_send("hello", {"n": 3})
            assert await quiet.next_payload() == {"n": 3} == await loud.next_payload()

    in_time(scenario())


def test_restart_of_postgres_interrupts_but_does_not_end(
    gateway: Gateway, stack: Stack, topic: str
) -> None:
    async def scenario() -> None:
        async with connected(gateway) as visitor:
            room = await joined(Room(visitor, topic, False))
            await asyncio.to_thread(stack.restart, "postgres")

            async with asyncio.timeout(SOON_S):
                while room.heard.empty():
                    send(gateway, topic, {"n": 1}, private=False)
                    await room.hear_something(within_s=0.5)
            assert (await room.next_payload())["n"] == 1

    in_time(scenario())


def test_slow_reader_does_not_hold_up_the_others(gateway: Gateway, topic: str) -> None:
    node = CHECKOUT / ".venv" / "bin" / "node"
    with subprocess.Popen(
        [str(node) if node.exists() else "node", Path(__file__).parent / "js/reader.cjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NODE_PATH": str(CHECKOUT / "devstack" / "node_modules")},
    ) as slow:
        assert slow.stdin and slow.stdout
        slow.stdin.write(
            json.dumps({"url": gateway.url, "anonKey": gateway.anon_key, "topic": topic})
        )
        slow.stdin.close()
        assert slow.stdout.readline().strip() == "SUBSCRIBED"
        slow.send_signal(signal.SIGSTOP)

        async def scenario() -> None:
            async with connected(gateway) as visitor:
                room = await joined(Room(visitor, topic, False))
                for start in range(0, 4000, 500):
                    gateway.sql(
                        "select realtime.send(jsonb_build_object('n', n, 'x', repeat('x', 8000)),"
                        " 'changed', %s, false) from generate_series(%s::int, %s::int) n",
                        (topic, start, start + 499),
                    )
                    assert [(await room.next_payload())["n"] for _ in range(500)] == list(
                        range(start, start + 500)
                    )

        try:
            in_time(scenario())
        finally:
            slow.kill()


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
def test_supabase_js_listens_sends_and_leaves(
    gateway: Gateway, topic_policy: Callable[..., None], person: Person, topic: str, vsn: str
) -> None:
    gateway.sql("""
        create function public.gateway_send(topic text) returns void language sql
            security definer as $$ select realtime.send('{"n": 7}', 'changed', topic, true) $$;
        grant execute on function public.gateway_send to authenticated;
    """)
    topic_policy("select", topic, person.id)
    topic_policy("insert", topic, person.id)
    try:
        seen = gateway.run_js(
            "realtime",
            email=person.email,
            password=person.password,
            topic=topic,
            vsn=vsn,
            database=gateway.env["ADMIN_DATABASE_URL"],
        )
    finally:
        gateway.sql("drop function public.gateway_send(text)")
    assert seen["states"] == ["SUBSCRIBED", "CLOSED"]
    assert seen["refused"].startswith("Unauthorized")
    assert seen["acknowledged"] == "ok" and seen["own"] == {"text": "grüße"}
    assert seen["http"] == {"by": "http"} and seen["batch"] == {"by": "batch"}
    assert seen["left"] == "ok" and seen["tracked"] == "ok"
    assert seen["bytes"] == ([1, 2, 250] if vsn == "2.0.0" else None)
