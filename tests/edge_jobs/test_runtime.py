"""What a job reaches the world with, on the real stack."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Iterator

import pytest

from app.config import ConfigError
from app.errors import AppError
from devstack.stack import Stack
from edge_jobs import runtime
from tests.worker import as_worker, hang_up

NAMES = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL", "SITE_URL")


@pytest.fixture
def worker(stack: Stack) -> Iterator[None]:
    """This process, with a worker's environment and clients of its own."""
    with as_worker(stack.env):
        yield


def test_a_job_calls_sql_as_the_service(worker: None) -> None:
    assert isinstance(runtime.rpc("imports_to_ring"), list)


def test_a_refusal_has_its_code(worker: None) -> None:
    with pytest.raises(AppError) as refused:
        runtime.rpc("renew_import", p_import=str(uuid.uuid4()), p_lease=str(uuid.uuid4()))
    assert (refused.value.status, refused.value.code) == (409, "lease_lost")


def test_a_file_is_streamed_from_its_signed_address(worker: None) -> None:
    held = runtime.runtime()
    path, content = f"{uuid.uuid4()}/x/list.csv", b"a,b\n" * 50_000
    key = runtime.settings().service_role_key
    size = len(content)
    held.storage.upload(
        key, "imports", path, iter([content]), size_bytes=size, media_type="text/csv"
    )
    with runtime.http().stream("GET", runtime.signed_url("imports", path)) as answer:
        assert answer.status_code == 200
        assert b"".join(answer.iter_bytes()) == content


def test_a_process_builds_its_clients_once_and_a_fork_its_own(worker: None) -> None:
    assert runtime.runtime() is runtime.runtime()
    assert runtime.redis().ping()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    child = fork.Process(target=lambda: queue.put(id(runtime.http()) == id(parents)))
    parents = runtime.http()
    child.start()
    child.join(10)
    assert queue.get() is False


def test_a_worker_without_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    hang_up()
    with pytest.raises(ConfigError) as refused:
        runtime.rpc("imports_to_ring")
    assert all(name in str(refused.value) for name in NAMES)
