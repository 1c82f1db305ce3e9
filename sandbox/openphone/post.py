"""Delivers webhooks as the vendor does: several attempts, at least once, in no certain order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import aiohttp

from sandbox import instants
from sandbox.faults import Fault, Faults
from sandbox.openphone import signing
from sandbox.openphone.behaviour import Behaviour
from sandbox.openphone.hooks import LEGACY, Delivery, Hook
from sandbox.openphone.shelf import Shelf
from sandbox.tasks import Tasks

MINUTE_S, HOUR_S = 60, 3600
RETRY_AFTER_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 10 * HOUR_S)
AT_ONCE = 8
Body = Callable[[Hook], bytes]


class Post:
    def __init__(self, behaviour: Behaviour, faults: Faults, tasks: Tasks) -> None:
        self.behaviour = behaviour
        self.faults = faults
        self.tasks = tasks
        self.hooks: Shelf[Hook] = Shelf()
        self.removed: set[str] = set()
        self.deliveries: Shelf[Delivery] = Shelf()
        self.held: list[Delivery] = []
        self._swapped: list[Delivery] = []
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def registered(self) -> list[Hook]:
        return [hook for hook in self.hooks.by_id.values() if hook.id not in self.removed]

    def emit(
        self, event_id: str, event_type: str, resource_id: str, number_id: str | None, body: Body
    ) -> None:
        """To every webhook that wants it; `body` is asked for each of them."""
        for hook in self.registered():
            if hook.wants(event_type, number_id):
                at = instants.now()
                self.send(Delivery(hook, event_id, event_type, resource_id, body(hook), at))

    def send(self, delivery: Delivery) -> None:
        self.deliveries.add(delivery)
        if self.behaviour.webhooks == "held":
            self.held.append(delivery)
            return
        facts = {"event": delivery.event_type, "system": delivery.hook.system}
        kinds = ("lost_webhook", "late_webhook", "duplicate_webhook", "swapped_webhook")
        self._send_by(self.faults.take(kinds, **facts), delivery)

    def release(self, order: Iterable[Delivery]) -> int:
        """Sends what was held, in this order, one after the other."""
        chosen = list(order)
        ids = {delivery.id for delivery in chosen}
        self.held = [delivery for delivery in self.held if delivery.id not in ids]

        async def one_by_one() -> None:
            for delivery in chosen:
                await self.attempt(delivery)

        self.tasks.soon(one_by_one())
        return len(chosen)

    async def attempt(self, delivery: Delivery) -> None:
        """Tries once, and plans the next try when that was no good."""
        if delivery.hook.id in self.removed:
            delivery.status = "failed"
            return
        async with self._slots:
            delivery.status = "sending"
            status, error = await self._post(delivery)
        tried = {"at": instants.now(), "status": status, "error": error}
        delivery.attempts.append(tried)
        if status and 200 <= status < 300:
            delivery.status = "success"
        elif len(delivery.attempts) > len(RETRY_AFTER_S):
            delivery.status = "failed"
        else:
            delivery.status = "pending"
            wait_s = RETRY_AFTER_S[len(delivery.attempts) - 1] * self.behaviour.retry_scale
            self.tasks.later(wait_s, lambda: self.attempt(delivery))

    async def tried(self, resource_id: str) -> None:
        """Returns when what is told of it right now has been tried once."""
        told = [each for each in self.deliveries.by_id.values() if each.resource_id == resource_id]
        while any(delivery.status == "sending" for delivery in told):
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _send_by(self, fault: Fault | None, delivery: Delivery) -> None:
        kind = fault.kind if fault else ""
        if kind == "lost_webhook":
            delivery.status = "failed"
        elif kind == "swapped_webhook":
            self._swapped.append(delivery)
        elif fault and kind == "late_webhook":
            self.tasks.later(fault.seconds, lambda: self.attempt(delivery))
        else:
            delivery.status = "sending"
            together = [delivery] * (fault.times if fault else 1) + self._swapped
            self._swapped = []
            self.tasks.soon(self._in_turn(together))

    async def _in_turn(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self.attempt(delivery)

    async def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        if self._session is None:
            # A kept connection may be closed by its receiver just as the next event comes.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector)
        hook, headers = delivery.hook, {"Content-Type": "application/json"}
        if delivery.is_signed:
            headers |= _signature(hook, delivery)
        try:
            async with self._session.post(
                hook.url,
                data=delivery.body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self.behaviour.patience_s),
                allow_redirects=False,
            ) as answer:
                return answer.status, None
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, type(error).__name__


def _signature(hook: Hook, delivery: Delivery) -> dict[str, str]:
    if hook.system == LEGACY:
        return signing.legacy(hook.key, delivery.body, time.time())
    return signing.dated(hook.key, delivery.id, delivery.body, time.time())
