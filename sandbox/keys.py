"""The one thing kept on the application: all stand-ins, which `reset` makes anew."""

from __future__ import annotations

from collections import deque
from typing import Any

from aiohttp import web

from sandbox.faults import Faults
from sandbox.numverify.lookups import NumVerify
from sandbox.openphone.rate import Bucket
from sandbox.openphone.vendor import Vendor
from sandbox.settings import Settings
from sandbox.tasks import Tasks

REQUESTS_KEPT = 50_000


class Sandbox:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._begin()

    def _begin(self) -> None:
        self.faults = Faults()
        self.tasks = Tasks()
        self.vendor = Vendor(self.settings, self.faults, self.tasks)
        self.numverify = NumVerify(self.settings.numverify_key)
        self.bucket = Bucket()
        # {at_s, method, path, status}, oldest first; status None: never answered.
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)

    async def reset(self) -> None:
        await self.close()
        self._begin()

    async def close(self) -> None:
        self.tasks.cancel()
        await self.vendor.post.close()


SANDBOX: web.AppKey[Sandbox] = web.AppKey("sandbox", Sandbox)


def vendor_of(request: web.Request) -> Vendor:
    return request.app[SANDBOX].vendor
