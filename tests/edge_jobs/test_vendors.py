"""A process's lines to the vendors: built from its settings, or clearly not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import responses

from app import shared_counts
from edge_jobs import runtime, vendors


def test_a_vendor_without_a_key_is_not_spoken_with(as_worker: Callable[..., None]) -> None:
    as_worker()
    with pytest.raises(vendors.NotSetUp, match="OPENPHONE_API_KEY is not set"):
        vendors.openphone()
    with pytest.raises(vendors.NotSetUp) as caught:
        vendors.numverify()
    assert caught.value.setting == "NUMVERIFY_API_KEY"


def test_a_call_is_paced_and_counted(as_worker: Callable[..., None]) -> None:
    as_worker(OPENPHONE_API_KEY="key-for-tests")
    labels = ("openphone", "organization", "ok")
    before = shared_counts.read(runtime.redis(), shared_counts.VENDOR_CALLS).get(labels, 0)
    with responses.RequestsMock() as api:
        api.get("https://api.quo.com/organization", json={"data": {"id": "OR1"}})
        assert vendors.openphone().organization() == {"id": "OR1"}
    after = shared_counts.read(runtime.redis(), shared_counts.VENDOR_CALLS)[labels]
    assert after == before + 1


def test_a_process_keeps_its_line_while_its_settings_stand(as_worker: Callable[..., None]) -> None:
    as_worker(NUMVERIFY_API_KEY="one", OPENPHONE_API_KEY="k")
    first = vendors.numverify()
    assert vendors.numverify() is first
    assert vendors.openphone() is vendors.openphone()
    as_worker(NUMVERIFY_API_KEY="two")
    assert vendors.numverify().key == "two"
    assert "two" not in repr(vendors.numverify())
