"""`make demo`: the main job on real input, through the doors a customer's programs use.

Real supabase-py signs in, listens and reads; the file goes over HTTP to Flask.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx

from devstack.__main__ import say
from devstack.demo_reply import show_reply
from devstack.layout import CHECKOUT, DEFAULT_STACK
from devstack.stack import Stack
from supabase import AsyncClient, acreate_client

SAMPLE = CHECKOUT / "tests" / "data" / "propertyradar-2180.csv"
PASSWORD = "demo-password"  # noqa: S105 - the local seed's, written in the README
ENDED = ("done", "failed", "cancelled")
# A live channel may miss a message; then the row itself is asked, as a screen would.
ASK_AFTER_S, GIVE_UP_AFTER_S = 2.0, 180.0
Row = dict[str, Any]


async def main(stack: Stack) -> int:
    env = stack.env
    owner = await _sign_in(env, "owner")
    say(f"Signed in as owner@example.com. Importing {SAMPLE.name} over HTTP …\n")
    row = await _follow(owner, _upload(env, await _token(owner), SAMPLE))
    if row["status"] != "done":
        say(f"\nThe import {row['status']}: {row['error']}")
        return 1
    _show_result(row)
    await _show_people(owner, await _sign_in(env, "marketer"), row["list_id"])
    broken = await show_reply(env, owner, await _token(owner))
    _show_ways_on(env, row)
    return broken


async def _sign_in(env: dict[str, str], role: str) -> AsyncClient:
    client = await acreate_client(env["SUPABASE_URL"], env["SUPABASE_ANON_KEY"])
    await client.auth.sign_in_with_password({"email": f"{role}@example.com", "password": PASSWORD})
    return client


async def _token(client: AsyncClient) -> str:
    session = await client.auth.get_session()
    assert session, "signed in above"  # noqa: S101
    return session.access_token


def _upload(env: dict[str, str], token: str, path: Path) -> Row:
    with path.open("rb") as file:
        answer = httpx.post(
            f"{env['API_URL']}/api/v1/imports",
            headers={"Authorization": f"Bearer {token}"},
            data={"list_name": "Demo list"},
            files={"file": (path.name, file, "text/csv")},
            timeout=60,
        )
    if answer.status_code != 202:
        raise SystemExit(f"the upload was refused ({answer.status_code}): {answer.text}")
    row: Row = answer.json()
    for warning in row["warnings"]:
        say(f"note: {warning['message']}")
    return row


async def _follow(client: AsyncClient, row: Row) -> Row:
    """Draws the bar from the realtime channel until the import has ended."""
    heard: asyncio.Queue[Row] = asyncio.Queue()
    await client.realtime.set_auth(await _token(client))
    channel = client.channel(f"import:{row['id']}", {"config": {"private": True}})  # type: ignore[typeddict-item]
    channel.on_broadcast("import.progress", lambda message: heard.put_nowait(message["payload"]))
    await channel.subscribe()
    waited = 0.0
    progress = await _row(client, row["id"])  # what happened before the channel was open
    while progress["status"] not in ENDED and waited < GIVE_UP_AFTER_S:
        _draw(progress)
        try:
            progress = await asyncio.wait_for(heard.get(), ASK_AFTER_S)
            waited = 0.0
        except TimeoutError:
            waited += ASK_AFTER_S
            progress = await _row(client, row["id"])
    _draw(progress)
    await client.remove_all_channels()
    return await _row(client, row["id"])


async def _row(client: AsyncClient, import_id: str) -> Row:
    answer = await client.table("imports").select("*").eq("id", import_id).single().execute()
    row: Row = answer.data  # type: ignore[assignment]
    return row


def _draw(progress: Row) -> None:
    done, total = progress["processed_rows"], progress["total_rows"]
    share = done / total if total else 0.0
    bar = "█" * round(30 * share)
    line = f"  {bar:·<30} {share:4.0%}  {progress['status']}, {done:,} of {total or 0:,} rows"
    end = "" if sys.stdout.isatty() and progress["status"] not in ENDED else "\n"
    start = "\r" if sys.stdout.isatty() else ""
    sys.stdout.write(f"{start}{line:<78}{end}")
    sys.stdout.flush()


def _show_result(row: Row) -> None:
    say("\nEvery row accounted for (counted from the tables, not by the loop):")
    say(
        f"  {row['total_rows']:,} rows, {row['rejected_rows']} rejected,"
        f" {row['warned_rows']} with warnings, {row['ignored_rows']} licence notice ignored\n"
    )
    say(f"  {'':<34}{'created':>9}{'updated':>9}{'unchanged':>11}{'all':>9}")
    for name, what in (
        ("properties", "properties"),
        ("contacts", "contacts with a phone"),
        ("links", "their property links"),
        ("list_members", "members of the list"),
        ("phoneless", "named people without a phone"),
    ):
        counts = [row[f"{name}_{outcome}"] for outcome in ("created", "updated", "unchanged")]
        cells = f"{counts[0]:>9,}{counts[1]:>9,}{counts[2]:>11,}{sum(counts):>9,}"
        say(f"  {what:<34}{cells}")


async def _show_people(owner: AsyncClient, marketer: AsyncClient, list_id: str) -> None:
    columns = "contact_id,contacts(first_name,last_name,phone,email),properties(address,city)"
    members = await (
        owner.table("list_members").select(columns).eq("list_id", list_id)
        .order("import_row_no").order("contact_id").limit(5).execute()
    )  # fmt: skip
    say("\nFive of them as the owner sees them:")
    for member in _rows(members.data):
        person, house = member["contacts"], member["properties"]
        name = f"{person['first_name'] or ''} {person['last_name'] or ''}".strip()
        place = f"{house['address']}, {house['city']}"
        say(f"  {name:<22}{person['phone']:<15}{person['email'] or '–':<32}{place}")
    ids = [member["contact_id"] for member in _rows(members.data)]
    cards = await marketer.table("contact_cards").select("*").in_("contact_id", ids).execute()
    found = {card["contact_id"]: card for card in _rows(cards.data)}
    say("The same five as the marketer sees them:")
    for contact_id in ids:
        card = found[contact_id]
        say(f"  {card['first_name'] or '–':<22}{card['city'] or '–'}")
    hidden = await marketer.table("contacts").select("id").limit(5).execute()
    say(f"  (and of the contacts themselves: {len(hidden.data)} rows)")


def _rows(data: Any) -> list[Row]:
    return list(data)


def _show_ways_on(env: dict[str, str], row: Row) -> None:
    say(f"""
The stack goes on running; `make down` stops it, `make status` says what runs.
  API, with every route to read        {env["API_URL"]}/docs
  this import                          {env["API_URL"]}/api/v1/imports/{row["id"]}
  its rows as CSV                      {env["API_URL"]}/api/v1/imports/{row["id"]}/rows.csv
  Supabase (data, auth, storage, live) {env["SUPABASE_URL"]}
  be the homeowner: text, call, photo  {env["SANDBOX_URL"]}
  keys and addresses                   .local/stack.env
  people, password {PASSWORD}       owner@, admin@, marketer@, technician@example.com""")


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Stack(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_STACK))))
