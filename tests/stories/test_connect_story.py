"""From an installation that knows no number to a customer's text in its inbox, without SQL: the
operator's command makes number and webhook, and the web process is given the secret it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from app import queues
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

    def opens_with(self, number: str) -> None:
        """The operator connects the number and starts the web process as he is told."""
        self.vendor.add_number(number)
        words = ["--number", number, "--location", self.team.id]
        said = self.connects(*words, "--webhook-url", self.stack.env["API_URL"])
        secret = re.search(r"OPENPHONE_WEBHOOK_SECRET=(\S+)", said)
        assert secret, said
        self.starts("web", OPENPHONE_WEBHOOK_SECRET=secret[1]).wait_ready()

    def owner_calls(self, function: str, **params: str) -> Any:
        answer = httpx.post(
            f"{self.stack.env['SUPABASE_URL']}/rest/v1/rpc/{function}",
            json={"p_location": self.team.id, **params},
            headers=self.team.owner.bearer | {"apikey": self.stack.env["SUPABASE_ANON_KEY"]},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inbox(self) -> set[tuple[str, str]]:
        """Who wrote what last, as the owner sees it."""
        return {(talk["phone"], talk["last_preview"]) for talk in self.owner_calls("list_inbox")}


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
    installation.opens_with(number)
    installation.vendor.customer_texts(customer, "Can you look at my wall?", to=number)
    said = {(customer, "Can you look at my wall?")}
    assert wait_until(lambda: installation.inbox() == said, SOON_S)


def test_a_number_the_owner_adds_is_heard(
    installation: Installation, redis_conn: redis.Redis
) -> None:
    added, customer = a_number(), a_number()
    installation.opens_with(a_number())
    installation.vendor.add_number(added)
    installation.owner_calls("add_number", p_e164=added)
    installation.starts("worker-vendor")
    queues.ring(redis_conn, queues.hear_numbers(now=datetime.now(UTC)))
    assert wait_until(lambda: ": complete" in installation.connects(), SOON_S)
    installation.vendor.customer_texts(customer, "Is this the new number?", to=added)
    said = {(customer, "Is this the new number?")}
    assert wait_until(lambda: installation.inbox() == said, SOON_S)
