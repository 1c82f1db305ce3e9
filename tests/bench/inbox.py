"""A page of the inbox at 1,000 and at 100,000 conversations, by each filter: it must cost alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from devstack.stack import Stack
from tests import people
from tests.bench.report import at_most, line, table
from tests.people import Location

SCRIPT = Path(__file__).with_suffix(".sql")
FEW, MANY = 1_000, 100_000
WARM_UP, ROUNDS = 3, 25
BOUND = 3.0
"""Flat: what must be read from disk or cache differs a little, a scan would be a hundred times."""
FILTERS: dict[str, dict[str, Any]] = {
    "as it opens": {},
    "unread": {"unread": True},
    "waiting for an answer": {"needs_reply": True},
    "with media": {"has_media": True},
    "calls": {"calls": True},
    "answers to campaigns": {"campaign_replies": True},
    "campaigns shown": {"hide_campaigns": False},
    "another number": {"numbers": ["second"]},
    "quoted": {"stages": ["quoted"]},
    "mine": {"assigned_to": "me"},
    "starred": {"starred": True},
    "realtors": {"contact_types": ["realtor"]},
    "archived": {"archived": True},
    "groups (none)": {"groups": True},
    "by number": {"search": "200 0010"},
    "by name": {"search": "person 500"},
    "by a name all have": {"search": "ann"},
    "by two letters": {"search": "an"},
    "by a name many have": {"search": "person 7"},
    "by a town": {"search": "town 10"},
    "by the end of a number": {"search": "0010"},
    "by a name nobody has": {"search": "zebra"},
    "starred, quoted, unread": {"starred": True, "stages": ["quoted"], "unread": True},
    "media, waiting, calls": {"has_media": True, "needs_reply": True, "calls": True},
}
BADGES = "badges, each up to 1,000"
Times = dict[str, float]


def run(stack: Stack) -> bool:
    """True when no page takes much longer among many."""
    line(f"filling in {FEW:,} and {MANY:,} conversations with ten texts each, about a minute")
    few, many = (_measure(stack, *size) for size in ((FEW, "+1781"), (MANY, "+1857")))
    rows = [[name, few[name], many[name], many[name] / few[name]] for name in few]
    table(["page of 50, through PostgREST, ms", f"{FEW:,}", f"{MANY:,}", "×"], rows)
    return at_most("inbox: a page among many ÷ among few", _worst(rows), BOUND)


def _worst(rows: list[list[Any]]) -> float:
    """Badges are no page: what they count grows up to a thousand, and no further."""
    return max(float(row[-1]) for row in rows if row[0] != BADGES)


def _measure(stack: Stack, conversations: int, prefix: str) -> Times:
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
        place = people.make_location(db, stack.env, name=f"Inbox of {conversations:,}")
        _fill(stack, place, conversations, prefix)
        second = db.execute(
            "select id from phone_numbers where location_id = %s and label = 'Line 1'", (place.id,)
        ).fetchone()
    assert second is not None
    headers = {"apikey": stack.env["SUPABASE_ANON_KEY"]} | place.owner.bearer
    with httpx.Client(
        base_url=f"{stack.env['SUPABASE_URL']}/rest/v1", headers=headers, timeout=60
    ) as http:
        return _times(http, place, str(second[0]))


def _times(http: httpx.Client, place: Location, number: str) -> Times:
    times = {}
    for name, asked in FILTERS.items():
        filters = asked | {"numbers": [number]} if "numbers" in asked else asked
        times[name] = _median(http, "list_inbox", {"p_location": place.id, "p_filters": filters})
    page = http.post("/rpc/list_inbox", json={"p_location": place.id}).json()
    before = {"id": page[-1]["id"], "last_at": "2026-11-01T00:00:00Z"}
    deep = {"p_location": place.id, "p_before": before}
    times["the page before some day"] = _median(http, "list_inbox", deep)
    thread = {"p_conversation": page[0]["id"]}
    times["a thread"] = _median(http, "conversation_thread", thread)
    times["a person's context"] = _median(http, "person_context", thread)
    times[BADGES] = _median(http, "unread_counts", {"p_location": place.id})
    return times


def _median(http: httpx.Client, name: str, arguments: dict[str, Any]) -> float:
    seen = []
    for _ in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        http.post(f"/rpc/{name}", json=arguments).raise_for_status()
        seen.append((time.perf_counter() - started) * 1000)
    return statistics.median(seen[WARM_UP:])


def _fill(stack: Stack, place: Location, conversations: int, prefix: str) -> None:
    given = {"conversations": conversations, "prefix": prefix} | {
        "location": place.id,
        "owner": place.owner.id,
    }
    words = [word for name, value in given.items() for word in ("-v", f"{name}={value}")]
    command = ["psql", "-X", "-q", stack.env["ADMIN_DATABASE_URL"], *words, "-f", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {SCRIPT.name} failed: {done.stderr}")
