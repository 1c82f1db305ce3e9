"""The vendors' stand-ins as a part of the stack: their settings, and who is given which key."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Iterator

import pytest

from devstack import settings
from devstack.layout import Folder
from devstack.services import environment
from devstack.stack import Stack
from tests.sandbox_driver import Sandbox


@pytest.fixture
def folder() -> Iterator[Folder]:
    """Of a stack that never runs."""
    made = Folder(f"vendors-{uuid.uuid4().hex[:8]}")
    yield made
    shutil.rmtree(made.path)


@pytest.fixture
def standing() -> Iterator[Stack]:
    made = Stack(f"sandbox-{uuid.uuid4().hex[:8]}")
    try:
        made.up(only=["sandbox"])
        yield made
    finally:
        made.down(destroy=True)


def test_the_web_gets_no_api_key_and_the_sandbox_none_of_ours(stack: Stack) -> None:
    web = environment(stack.folder, stack.env, "web")
    assert {"OPENPHONE_SIGNING_KEY", "OPENPHONE_WEBHOOK_SECRET", "WEBHOOK_INBOX_KEY"} <= web.keys()
    assert not {"OPENPHONE_API_KEY", "NUMVERIFY_API_KEY"} & web.keys()
    sandbox = environment(stack.folder, stack.env, "sandbox")
    assert {"OPENPHONE_API_KEY", "NUMVERIFY_API_KEY", "API_URL"} <= sandbox.keys()
    assert not {"WEBHOOK_INBOX_KEY", "SUPABASE_SECRET_KEY", "DATABASE_URL"} & sandbox.keys()


def test_a_stack_made_before_gets_a_port_and_keys_and_keeps_the_rest(folder: Folder) -> None:
    before = settings.ensure(folder)
    for path in (folder.devstack_env, folder.stack_env):
        pairs = settings.read_env(path)
        vendors = ("SANDBOX_", "OPENPHONE_", "NUMVERIFY_", "WEBHOOK_")
        old = {key: value for key, value in pairs.items() if not key.startswith(vendors)}
        settings.write_env(path, old)
    after = settings.ensure(folder)
    assert after.keys() == before.keys()
    ports = [value for key, value in after.items() if key.endswith("_PORT")]
    assert len(ports) == len(set(ports))
    assert after["POSTGRES_PORT"] == before["POSTGRES_PORT"]
    assert settings.ensure(folder) == after


def test_keys_have_the_vendors_form(folder: Folder) -> None:
    env = settings.ensure(folder)
    assert len(base64.b64decode(env["OPENPHONE_SIGNING_KEY"])) == 32
    kind, _, key = env["OPENPHONE_WEBHOOK_SECRET"].partition("_")
    assert (kind, len(base64.b64decode(key))) == ("whsec", 24)
    assert len(env["WEBHOOK_INBOX_KEY"]) >= 32


def test_the_sandbox_stands_alone_and_delivers_to_the_api(standing: Stack) -> None:
    sandbox = Sandbox(standing.env["SANDBOX_URL"], standing.env)
    hooks = sandbox.control("GET", "hooks")
    address = f"{standing.env['API_URL']}/webhooks/openphone"
    assert [hook["url"] for hook in hooks] == [address, address]
    assert {hook["key"] for hook in hooks} == {sandbox.signing_key, sandbox.webhook_secret}
    assert sandbox.dated("GET", "/organization").status_code == 200
    standing.restart("sandbox")
    assert sandbox.ledger() == []
