"""The second half of `make demo`: a homeowner's text arrives live, and the answer to it goes out.

The sandbox plays OpenPhone and the homeowner; everything between is the product itself.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import httpx

from devstack.__main__ import say
from supabase import AsyncClient

LOCATION = "00000000-0000-4000-8000-000000000001"
HOMEOWNER = "+16175550163"
QUESTION = "Hi! There is a crack in my basement wall. Can you send someone?"
ANSWER = "Happy to. Would Tuesday at 10 suit you?"
GIVE_UP_AFTER_S = 20.0
Row = dict[str, Any]


async def show_reply(env: dict[str, str], owner: AsyncClient, token: str) -> int:
    """Returns 1 when the text or its answer does not come through."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    channel = owner.channel(f"location:{LOCATION}", {"config": {"private": True}})  # type: ignore[typeddict-item]
    for event in ("message.created", "message.updated"):
        channel.on_broadcast(event, lambda _: heard.put_nowait(time.monotonic()))
    await channel.subscribe()
    say(f"\nA homeowner, {HOMEOWNER}, texts the office:")
    sent_at = time.monotonic()
    text = await _sandbox(env, "incoming", {"from": HOMEOWNER, "text": QUESTION})
    row = await _until(owner, heard, {"external_id": text["id"]})
    if not row:
        say("  the text did not arrive: `make status` says what runs, .local/logs why")
        return 1
    say(f"  “{row['body']}”  in the inbox after {time.monotonic() - sent_at:.2f} s, live")
    answered = await _answer(env, owner, token, row, heard)
    await owner.remove_all_channels()
    return answered


async def _answer(
    env: dict[str, str], owner: AsyncClient, token: str, row: Row, heard: asyncio.Queue[float]
) -> int:
    """By Flask, once however often it is asked; at night too, for they have just written."""
    since = time.time()
    body = {"conversation_id": row["conversation_id"], "body": ANSWER}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    async with httpx.AsyncClient(base_url=env["API_URL"], timeout=30, trust_env=False) as api:
        answers = [await api.post("/api/v1/messages", json=body, headers=headers) for _ in "12"]
    if answers[-1].status_code != 202:
        say(f"  the answer was refused ({answers[-1].status_code}): {answers[-1].text}")
        return 1
    sent = await _until(owner, heard, {"id": answers[0].json()["id"], "status": "delivered"})
    said = [line["text"] for line in await _sandbox(env, "ledger") if line["at_s"] >= since]
    if not sent or said.count(ANSWER) != 1:
        say("  the answer did not go out: `make status` says what runs, .local/logs why")
        return 1
    say(f"  “{ANSWER}”  asked for twice with one key, sent once, delivered")
    return 0


async def _until(owner: AsyncClient, heard: asyncio.Queue[float], wanted: Row) -> Row | None:
    """The text with these values, asked for whenever the channel says that something is new."""
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    while time.monotonic() < deadline:
        found = (await owner.table("messages").select("*").match(wanted).execute()).data
        if found:
            return dict(found[0])  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(heard.get(), 2)
        except TimeoutError:
            continue
    return None


async def _sandbox(env: dict[str, str], path: str, content: Row | None = None) -> Any:
    async with httpx.AsyncClient(base_url=f"{env['SANDBOX_URL']}/_control", timeout=30) as vendor:
        answer = await (vendor.post(path, json=content) if content else vendor.get(path))
    return answer.raise_for_status().json()
