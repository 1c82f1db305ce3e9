"""The lines to other companies, built once per process, counted and paced together with all others.

A vendor whose key is not set is not spoken with: NotSetUp says which setting is missing.
"""

from __future__ import annotations

from functools import lru_cache

from app import shared_counts
from app.integrations.http import Vendor
from app.integrations.numverify import NumVerify
from app.integrations.openphone import OpenPhone
from app.integrations.openphone_surface import Surface
from app.integrations.pace import Pace
from edge_jobs import runtime


class NotSetUp(Exception):
    """`setting` is the one to fill in."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"{setting} is not set: see .env.example")
        self.setting = setting


def openphone() -> OpenPhone:
    """Raises NotSetUp."""
    return _openphone(runtime.runtime())


def numverify() -> NumVerify:
    """Raises NotSetUp."""
    return _numverify(runtime.runtime())


@lru_cache(maxsize=1)
def _openphone(held: runtime.Runtime) -> OpenPhone:
    config = held.config
    key = _required("OPENPHONE_API_KEY", config.openphone_api_key)
    pace = Pace(held.redis, "openphone", key)
    return OpenPhone(Surface(config.openphone_api_url, key, _line("openphone"), pace))


@lru_cache(maxsize=1)
def _numverify(held: runtime.Runtime) -> NumVerify:
    config = held.config
    key = _required("NUMVERIFY_API_KEY", config.numverify_api_key)
    pace = Pace(held.redis, "numverify", key, per_second=10, reads_per_second=10)
    return NumVerify(config.numverify_api_url, key, _line("numverify"), pace)


def _line(vendor: str) -> Vendor:
    def count(name: str, operation: str, outcome: str, seconds: float) -> None:
        shared_counts.vendor_called(runtime.redis(), name, operation, outcome, seconds)

    return Vendor(vendor, count)


def _required(setting: str, value: str) -> str:
    if not value:
        raise NotSetUp(setting)
    return value
