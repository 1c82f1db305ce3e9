"""Webhooks as the vendor sends them, signed, at a steady rate; and a browser that hears of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from supabase import acreate_client

CONNECTIONS = 32
OURS = "+16175550100"
Sent = dict[str, float]


@dataclass(frozen=True)
class Answers:
    """Seconds from when a webhook was due to its answer, and when each text was due."""

    waits_s: list[float]
    due_at: Sent
    refused: int


def customer(n: int) -> str:
    return f"+1781555{n % 10_000:04d}"


def event(n: int, tag: str, at: datetime) -> dict[str, Any]:
    """A text from one of 500 customers, as the dated webhooks tell it."""
    moment = at.isoformat().replace("+00:00", "Z")
    resource = {
        "id": f"AC{tag}{n:07d}",
        "direction": "incoming",
        "text": f"Could you come and look at wall {n}?",
        "media": [],
        "status": "received",
        "createdAt": moment,
    }
    context = {
        "orgId": "ORdemo",
        "phoneNumberId": "PNdemo01",
        "conversationId": f"CN{n % 500:05d}",
        "userId": None,
        "contacts": {"ids": [], "lookupStatus": "matched"},
        "senderIdentifier": customer(n % 500),
        "recipientIdentifiers": [OURS],
    }
    return {
        "id": f"EV{tag}{n:07d}",
        "apiVersion": "2026-03-30",
        "createdAt": moment,
        "type": "message.received",
        "data": {"resource": resource, "context": context, "links": {"quo": None}},
    }


def signed(secret: str, event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Headers and body by Standard Webhooks."""
    body = json.dumps(event).encode()
    at, identity = str(int(time.time())), f"msg_{event['id']}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identity}.{at}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return (
        {
            "webhook-id": identity,
            "webhook-timestamp": at,
            "webhook-signature": signature,
            "Content-Type": "application/json",
        },
        body,
    )


async def post_steadily(
    host: str, port: int, secret: str, tag: str, rate: int, count: int
) -> Answers:
    """`count` webhooks, one each 1/rate s whether or not the last was answered."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))
    answers = Answers([], {}, 0)
    refused = 0

    async def post(n: int, due: float) -> None:
        nonlocal refused
        made = event(n, tag, datetime.now(UTC))
        answers.due_at[made["data"]["resource"]["id"]] = due
        headers, body = signed(secret, made)
        held = await free.get()
        refused += await _exchange(*held, host, headers, body) != 200
        answers.waits_s.append(time.monotonic() - due)
        free.put_nowait(held)

    started = time.monotonic() + 0.1
    tasks = []
    for n in range(count):
        due = started + n / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(post(n, due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return Answers(answers.waits_s, answers.due_at, refused)


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    headers: dict[str, str],
    body: bytes,
) -> int:
    """A client of few lines: httpx would take more of the two cores than what it measures."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = [
        "POST /webhooks/openphone HTTP/1.1",
        f"Host: {host}",
        f"Content-Length: {len(body)}",
        *lines,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in answer.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    await reader.readexactly(length)
    return int(answer.split()[1])


async def listen(url: str, key: str, token: str, topic: str, stop: Any, heard: Any) -> None:
    """Puts (row id, when) of every text heard of into `heard`, until `stop` is set."""
    client = await acreate_client(url, key)
    await client.realtime.set_auth(token)
    channel = client.channel(topic, {"config": {"private": True}})  # type: ignore[typeddict-item]

    def take(message: Any) -> None:
        now = time.monotonic()
        heard.extend([(row_id, now) for row_id in message["payload"]["ids"]])

    channel.on_broadcast("message.created", take)
    await channel.subscribe()
    stop["ready"] = True
    while not stop.get("stop"):
        await asyncio.sleep(0.05)
    await client.remove_all_channels()
