"""`python -m devstack up`, `down` and `status`, as a person at a terminal meets them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from devstack import ports, processes
from devstack.layout import CHECKOUT, StackError
from devstack.stack import Stack

FEW = ["postgres", "redis"]
Run = subprocess.CompletedProcess[str]


def devstack(*words: str, **env: str) -> Run:
    """Runs the command with its output in pipes, and waits until the pipes are closed."""
    return subprocess.run(
        [sys.executable, "-m", "devstack", *words],
        cwd=CHECKOUT,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def pids(stack: Stack) -> dict[str, int | None]:
    return {name: stack.pid(name) for name in FEW}


@pytest.fixture(scope="module")
def small() -> Iterator[Stack]:
    """A stack of postgres and redis, started by the command."""
    stack = Stack(f"small-{uuid.uuid4().hex[:6]}")
    try:
        started = devstack("up", "--name", stack.name, "--only", "postgres,redis", "--no-migrate")
        assert started.returncode == 0, started.stderr
        yield stack
    finally:
        stack.down(destroy=True)


@pytest.fixture
def again(small: Stack) -> Callable[[], Run]:
    return lambda: devstack("up", "--name", small.name, "--only", "postgres,redis", "--no-migrate")


def test_up_says_it_is_for_development_and_closes_its_pipes(again: Callable[[], Run]) -> None:
    said = again()
    assert said.stdout.count("for development on this machine only") == 1


def test_up_again_leaves_what_runs(small: Stack, again: Callable[[], Run]) -> None:
    before = pids(small)
    assert again().returncode == 0
    assert pids(small) == before


def test_status_names_service_pid_time_and_address(small: Stack) -> None:
    said = devstack("status", "--name", small.name)
    line = next(line for line in said.stdout.splitlines() if line.startswith("postgres"))
    address = f"127.0.0.1:{small.env['POSTGRES_PORT']}"
    assert re.search(rf"pid {small.pid('postgres')}\s+since \d{{4}}-.* {address}$", line)
    assert said.returncode == 0


@pytest.mark.parametrize("service", FEW)
def test_a_killed_service_comes_back(small: Stack, service: str) -> None:
    before = small.pid(service)
    small.kill(service, signal.SIGKILL)
    assert processes.wait_until(lambda: small.pid(service) not in (None, before), 20)
    small.wait_ready(service)


def test_restart_returns_when_the_successor_answers(small: Stack) -> None:
    before = small.pid("redis")
    small.restart("redis")
    with redis.Redis.from_url(small.env["REDIS_URL"]) as connection:
        assert connection.ping()
    assert small.pid("redis") != before


def test_up_after_a_killed_supervisor_takes_over_what_runs(
    small: Stack, again: Callable[[], Run]
) -> None:
    before, supervisor = pids(small), small.supervisor_pid()
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    assert processes.wait_until(lambda: small.supervisor_pid() is None, 10)
    assert devstack("status", "--name", small.name).returncode != 0
    assert again().returncode == 0
    assert pids(small) == before
    small.restart("redis")


def test_the_database_listens_on_loopback_only_and_wants_a_password(small: Stack) -> None:
    port = int(small.env["POSTGRES_PORT"])
    with psycopg.connect(small.env["ADMIN_DATABASE_URL"]) as connection:
        row = connection.execute("show listen_addresses").fetchone()
    assert row == ("127.0.0.1",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", password="wrong")


def test_secrets_can_be_read_by_their_owner_only(small: Stack) -> None:
    for path in (small.folder.stack_env, small.folder.devstack_env):
        assert path.stat().st_mode & 0o077 == 0


def test_down_after_a_killed_supervisor_leaves_nothing() -> None:
    stack = Stack(f"gone-{uuid.uuid4().hex[:6]}")
    try:
        stack.up(only=FEW, migrate=False)
        data, remembered = Path(stack.env["POSTGRES_DATA"]), pids(stack)
        supervisor = stack.supervisor_pid()
        assert supervisor
        os.kill(supervisor, signal.SIGKILL)
    finally:
        said = devstack("down", "--name", stack.name, "--destroy")
    assert said.returncode == 0
    for pid in remembered.values():
        assert pid and processes.look(pid) is None and not processes.session_members(pid)
    assert not data.exists() and not stack.folder.path.exists()


def test_a_pid_that_now_belongs_to_another_program_is_not_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        path = tmp_path / "redis.json"
        processes.remember(path, other.pid, "redis-server")
        started = processes.recall(path)
        assert started and not started.alive()
        processes.stop(started, signal.SIGTERM, 0)
        assert other.poll() is None
        other.kill()


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} \(gateway\) is in use.*stop") as caught:
            ports.require_free("gateway", port)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["APP_ENV", "ENV", "FLASK_ENV"])
def test_production_is_refused_in_one_line(name: str) -> None:
    said = devstack("up", "--name", "never", **{name: "Production"})
    assert said.returncode != 0
    assert said.stderr.count("\n") == 1 and f"unset {name}" in said.stderr
    assert not Stack("never").folder.path.exists()


def test_an_unknown_service_is_named() -> None:
    said = devstack("up", "--name", "never", "--only", "postgres,mysql")
    assert said.returncode != 0 and "no service named mysql" in said.stderr
