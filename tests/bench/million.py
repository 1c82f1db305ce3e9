"""The data of the measurements at 1,000,000 people (million.sql), and who asks for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt

from devstack.stack import Stack
from tests.bench.report import line

SCRIPT = Path(__file__).with_suffix(".sql")
PEOPLE, PEOPLE_OF_BIG, BRANCHES = 1_000_000, 902_000, 50
PASSWORD = "demo-password"


@dataclass(frozen=True)
class Branch:
    """A location with an owner who works there and nowhere else."""

    name: str
    location: str
    people: int
    email: str


BIG = Branch(
    "902,000 people", "00000000-0000-4000-8000-000000000001", PEOPLE_OF_BIG, "owner@example.com"
)
SMALL = Branch("2,000 people", "00000000-0000-4000-8000-00000000a007", 2_000, "branch@example.com")


def fill(stack: Stack) -> None:
    """Some two minutes, the first time."""
    if _filled(stack):
        return
    line(f"filling in {PEOPLE:,} people at {BRANCHES} locations, some two minutes")
    sizes = ["-v", f"people={PEOPLE}", "-v", f"big={PEOPLE_OF_BIG}"]
    done = _psql(stack, *sizes, "-f", str(SCRIPT))
    if done.returncode:
        sys.exit(f"bench: {SCRIPT.name} failed: {done.stderr}")


def _filled(stack: Stack) -> bool:
    asked = f"select exists (select from public.locations where id = '{SMALL.location}')"
    return _psql(stack, "-At", "-c", asked).stdout.strip() == "t"


def _psql(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-q", stack.env["ADMIN_DATABASE_URL"], *words]
    return subprocess.run(command, capture_output=True, text=True)


@cache
def _token(url: str, key: str, email: str) -> str:
    answer = httpx.post(
        f"{url}/auth/v1/token?grant_type=password",
        headers={"apikey": key},
        json={"email": email, "password": PASSWORD},
    ).raise_for_status()
    return str(answer.json()["access_token"])


def token(stack: Stack, branch: Branch) -> str:
    """The access token of the branch's owner."""
    return _token(stack.env["SUPABASE_URL"], stack.env["SUPABASE_ANON_KEY"], branch.email)


def claims(stack: Stack, branch: Branch) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token(stack, branch), options={"verify_signature": False})
    return found
