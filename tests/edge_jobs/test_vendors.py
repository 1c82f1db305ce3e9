"""A process's lines to the vendors: built from its settings, or clearly not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import responses

from app import shared_counts
from devstack.stack import Stack
from edge_jobs import runtime, vendors

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL")


@pytest.fixture
def worker(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def made(**settings: str) -> None:
        known = {name: stack.env[name] for name in SETTINGS} | {"SITE_URL": "http://crm.test"}
        for name in ("OPENPHONE_API_KEY", "NUMVERIFY_API_KEY", "OPENPHONE_API_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in (known | settings).items():
            monkeypatch.setenv(name, value)
        runtime._built.cache_clear()
        runtime.runtime()

    yield made
    runtime.http().close()
    runtime.redis().close()
    runtime._built.cache_clear()


def test_a_vendor_without_a_key_is_not_spoken_with(worker: Callable[..., None]) -> None:
    worker()
    with pytest.raises(vendors.NotSetUp, match="OPENPHONE_API_KEY is not set"):
        vendors.openphone()
    with pytest.raises(vendors.NotSetUp) as caught:
        vendors.numverify()
    assert caught.value.setting == "NUMVERIFY_API_KEY"


def test_a_call_is_paced_and_counted(worker: Callable[..., None]) -> None:
    worker(OPENPHONE_API_KEY="key-for-tests")
    labels = ("openphone", "organization", "ok")
    before = shared_counts.read(runtime.redis(), shared_counts.VENDOR_CALLS).get(labels, 0)
    with responses.RequestsMock() as api:
        api.get("https://api.quo.com/organization", json={"data": {"id": "OR1"}})
        assert vendors.openphone().organization() == {"id": "OR1"}
    after = shared_counts.read(runtime.redis(), shared_counts.VENDOR_CALLS)[labels]
    assert after == before + 1


def test_a_process_keeps_its_line_while_its_settings_stand(worker: Callable[..., None]) -> None:
    worker(NUMVERIFY_API_KEY="one", OPENPHONE_API_KEY="k")
    first = vendors.numverify()
    assert vendors.numverify() is first
    assert vendors.openphone() is vendors.openphone()
    worker(NUMVERIFY_API_KEY="two")
    assert vendors.numverify().key == "two"
    assert "two" not in repr(vendors.numverify())
