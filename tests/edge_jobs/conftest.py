from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from devstack.stack import Stack
from edge_jobs import runtime

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL")
VENDORS = ("OPENPHONE_API_KEY", "OPENPHONE_API_URL", "OPENPHONE_HEALTH_NUMBER")
VENDORS += ("NUMVERIFY_API_KEY", "NUMVERIFY_API_URL")


@pytest.fixture
def as_worker(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """This process is a worker with the vendors' settings given: `as_worker(NAME=value)`."""

    def made(**settings: str) -> None:
        known = {name: stack.env[name] for name in SETTINGS} | {"SITE_URL": "http://crm.test"}
        for name in VENDORS:
            monkeypatch.delenv(name, raising=False)
        for name, value in (known | settings).items():
            monkeypatch.setenv(name, value)
        runtime._built.cache_clear()
        # Now, for it sets where logs go: what a test captures is closed after it.
        runtime.runtime()

    yield made
    runtime.http().close()
    runtime.redis().close()
    runtime._built.cache_clear()
