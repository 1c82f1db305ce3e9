"""The clock: `python -m edge_jobs.schedule` rings the sweeps. Nothing else happens here.

Several clocks may run: a ring is unique within its time bucket.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from redis import Redis

from app import logs, queues
from app.config import WorkerConfig

log = structlog.get_logger(__name__)

TICK_S = float(queues.SWEEP_S)


def ring_all(redis: Redis, now: datetime) -> None:
    """Rings every sweep once. A Redis that is away is logged by `queues.ring`."""
    queues.ring(redis, queues.ring_waiting_imports(now=now))


def run(redis: Redis, now: Callable[[], datetime], wait: Callable[[float], bool]) -> None:
    """Rings at once and every TICK_S until `wait(seconds)` says True: it is time to stop."""
    stopped = False
    while not stopped:
        ring_all(redis, now())
        stopped = wait(TICK_S)


def main() -> None:
    config = WorkerConfig.from_env()
    logs.configure(config.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("clock_started", every_s=TICK_S)
    run(queues.connect(config.redis_url), lambda: datetime.now(UTC), stop.wait)
    log.info("clock_stopped")


if __name__ == "__main__":
    main()
