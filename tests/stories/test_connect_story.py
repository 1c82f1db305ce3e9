"""From an installation that knows no number to a customer's text in its inbox, without SQL: the
operator's command makes number and webhook, and the web process is given the secret it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from devstack.layout import CHECKOUT
from devstack.processes import wait_until
from devstack.services import environment
from devstack.stack import Stack
from tests import people
from tests.faults.workers import Worker
from tests.people import Location
from tests.sandbox_driver import Sandbox
from tests.stories.texting import SOON_S, a_number


class Installation:
    """All runs but the web process, which starts with the settings known by then."""

    def __init__(self, stack: Stack, logs: Path, open_until: ExitStack, team: Location) -> None:
        self.stack, self.logs, self.open_until, self.team = stack, logs, open_until, team
        self.starts("worker-webhooks")
        self.starts("sandbox").wait_ready()
        self.vendor = Sandbox(stack.env["SANDBOX_URL"], stack.env)
        open_until.enter_context(self.vendor.http)
        self.vendor.at_once()
        self.vendor.remove_hooks()

    def starts(self, name: str, **settings: str) -> Worker:
        program = Worker(self.stack, self.logs / f"{name}.log", name, settings)
        self.open_until.callback(program.stop)
        return program

    def connects(self, *words: str) -> str:
        env = environment(self.stack.folder, self.stack.env, "worker-vendor")
        command = [sys.executable, "-m", "edge_jobs.connect_openphone", *words]
        done = subprocess.run(
            command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def inbox(self) -> list[dict[str, Any]]:
        """As the owner sees it."""
        answer = httpx.post(
            f"{self.stack.env['SUPABASE_URL']}/rest/v1/rpc/list_inbox",
            json={"p_location": self.team.id},
            headers=self.team.owner.bearer | {"apikey": self.stack.env["SUPABASE_ANON_KEY"]},
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found


@pytest.fixture
def installation(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Installation]:
    redis_conn.flushall()
    team = people.make_location(db, stack.env, name="Westcliff")
    with ExitStack() as open_until:
        yield Installation(stack, tmp_path, open_until, team)


def test_a_stranger_connects_his_number_and_is_texted(installation: Installation) -> None:
    number, customer = a_number(), a_number()
    installation.vendor.add_number(number)
    api = installation.stack.env["API_URL"]
    words = ["--number", number, "--location", installation.team.id, "--webhook-url", api]
    said = installation.connects(*words)
    secret = re.search(r"OPENPHONE_WEBHOOK_SECRET=(\S+)", said)
    assert secret, said
    installation.starts("web", OPENPHONE_WEBHOOK_SECRET=secret[1]).wait_ready()

    installation.vendor.customer_texts(customer, "Can you look at my wall?", to=number)
    assert wait_until(lambda: bool(installation.inbox()), SOON_S)
    (talk,) = installation.inbox()
    assert (talk["phone"], talk["last_preview"]) == (customer, "Can you look at my wall?")
