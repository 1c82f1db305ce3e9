"""The clock: `python -m edge_jobs.schedule` rings the sweeps. Nothing else happens here.

Several clocks may run: a ring is unique within its time bucket.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app import logs, queues, workforce
from app.config import WorkerConfig

log = structlog.get_logger(__name__)

TICK_S = float(queues.SWEEP_S)


def ring_all(redis: Redis, now: datetime) -> None:
    """Rings every sweep once. A Redis that is away is logged by `queues.ring`."""
    queues.ring(redis, queues.ring_waiting_imports(now=now))
    queues.ring(redis, queues.ring_waiting_invites(now=now))
    queues.ring(redis, queues.ring_waiting_media(now=now))
    queues.ring(redis, queues.apply_webhooks(now=now))
    queues.ring(redis, queues.watch_webhooks(now=now))
    queues.ring(redis, queues.ask_for_webhooks(now=now))
    queues.ring(redis, queues.ring_vendor_work(now=now))
    queues.ring_unless_waiting(redis, queues.send_texts(now=now))
    queues.ring(redis, queues.free_sends(now=now))
    queues.ring(redis, queues.settle_sends(now=now))
    queues.ring(redis, queues.watch_messaging(now=now))
    queues.ring(redis, queues.hear_numbers(now=now))
    queues.ring(redis, queues.begin_contact_pushes(now=now))
    queues.ring(redis, queues.forget_requests(now=now))
    queues.ring(redis, queues.forget_notifications(now=now))
    queues.ring(redis, queues.count_business(now=now))


def beat(redis: Redis, name: str) -> None:
    """A beat that is lost is missed only when the next ones are too."""
    with suppress(RedisError):
        workforce.beat(redis, workforce.CLOCK, name)


def run(redis: Redis, now: Callable[[], datetime], wait: Callable[[float], bool]) -> None:
    """Rings at once and every TICK_S until `wait(seconds)` says True: it is time to stop."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    stopped = False
    while not stopped:
        ring_all(redis, now())
        beat(redis, name)
        stopped = wait(TICK_S)
    with suppress(RedisError):
        workforce.leave(redis, workforce.CLOCK, name)


def until_told() -> Callable[[float], bool]:
    """`wait(seconds)` says True at once when SIGTERM or SIGINT came, during the wait or before.

    The signal leaves a byte in a pipe. A handler that sets a `threading.Event` waits for ever
    when the signal comes while the waiting itself holds the event's lock.
    """
    told, tell = socket.socketpair()
    tell.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(tell.fileno())

    def wait(seconds: float, _must_stay_open: socket.socket = tell) -> bool:
        return bool(select.select([told], [], [], seconds)[0])

    return wait


def main() -> None:
    config = WorkerConfig.from_env()
    logs.configure(config.log_level)
    wait = until_told()
    log.info("clock_started", every_s=TICK_S)
    run(queues.connect(config.redis_url), lambda: datetime.now(UTC), wait)
    log.info("clock_stopped")


if __name__ == "__main__":
    main()
