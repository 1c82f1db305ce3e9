"""This process as a worker: a worker's settings, and clients of its own that are built by them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from app import logs
from edge_jobs import runtime, vendors

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL", "WEBHOOK_INBOX_KEY")
VENDORS = ("OPENPHONE_API_URL", "OPENPHONE_API_KEY", "OPENPHONE_HEALTH_NUMBER")
VENDORS += ("NUMVERIFY_API_URL", "NUMVERIFY_API_KEY")


@contextmanager
def as_worker(env: Mapping[str, str], **settings: str) -> Iterator[None]:
    """On the stack of `env`; it speaks with no vendor but those in `settings`."""
    known = {name: env[name] for name in SETTINGS} | {"SITE_URL": "http://crm.test"}
    with pytest.MonkeyPatch.context() as patch:
        hang_up()
        for name in VENDORS:
            patch.delenv(name, raising=False)
        for name, value in (known | settings).items():
            patch.setenv(name, value)
        # Now, for it sets where logs go.
        runtime.runtime()
        try:
            yield
        finally:
            hang_up()
            # What a test captures is closed after it.
            logs.configure("info", sys.__stdout__)


@contextmanager
def workers(env: Mapping[str, str], **always: str) -> Iterator[Callable[..., None]]:
    """`become(NAME=value)`: a worker with these settings, in place of the one before."""
    with ExitStack() as held:

        def become(**settings: str) -> None:
            held.close()
            held.enter_context(as_worker(env, **(always | settings)))

        yield become


def hang_up() -> None:
    """The next word of this worker opens its lines anew, by the settings of that time."""
    if runtime._built.cache_info().currsize:
        runtime.http().close()
        runtime.redis().close()
    runtime._built.cache_clear()
    vendors._openphone.cache_clear()
    vendors._numverify.cache_clear()
