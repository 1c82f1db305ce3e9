"""RQ's workers, watched: a heartbeat, counts, traces, and logs without anybody's data.

The Procfile names them: `rq worker --worker-class edge_jobs.worker.ForkingWorker …`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.worker import BaseWorker, SimpleWorker, Worker, WorkerStatus

from app import logs, shared_counts, tracing, workforce
from app.config import ConfigError, WorkerConfig
from app.errors import AppError
from edge_jobs import runtime

log = structlog.get_logger(__name__)

# As gunicorn's for "the app cannot be loaded".
CANNOT_START = 4
QUIET = ("rq.worker", "rq.job")


class Watched(BaseWorker):
    """What both kinds have in common. Beats from where it is able to work: a stuck one stops."""

    # Why the job failed, without the words of its exception.
    _failure = ""

    @property
    def dequeue_timeout(self) -> int:
        return workforce.BEAT_S

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        """Stops at the start, with the full list, when settings are missing."""
        try:
            config = WorkerConfig.from_env()
        except ConfigError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(CANNOT_START) from None
        logs.configure(config.log_level)
        for name in QUIET:
            logging.getLogger(name).handlers.clear()
        self.job_monitoring_interval = workforce.BEAT_S
        super().bootstrap(*args, **kwargs)
        # Four lines a job from RQ, one from us.
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        if "webhooks" in self.queue_names():
            # The sweep does it again, should the database be away now.
            with suppress(AppError):
                runtime.open_inbox()
        log.info("worker_started", worker=self.name, queues=self.queue_names())

    def request_stop(self, *args: Any) -> None:
        """RQ stops an idle worker by an exception in the signal's handler, which gets lost where
        redis-py suppresses all it does not know: the next beat then stops it."""
        self._stop_requested = True
        super().request_stop(*args)  # type: ignore[no-untyped-call]

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        if self._stop_requested and self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
        super().heartbeat(*args, **kwargs)
        self.beat()

    def beat(self) -> None:
        """Raises RedisError."""
        for queue in self.queue_names():
            workforce.beat(self.connection, queue, self.name)

    def register_death(self) -> None:
        super().register_death()  # type: ignore[no-untyped-call]
        for queue in self.queue_names():
            workforce.leave(self.connection, queue, self.name)
        log.info("worker_stopped", worker=self.name)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        runtime.runtime()
        name = _name(job)
        parent = job.meta.get("trace", {})
        try:
            with (
                tracing.span(name, "consumer", parent, queue=queue.name),
                self._alive(job),
                runtime.stopped_by(lambda: self._stop_requested),
            ):
                return self._counted(name, job, queue)
        finally:
            if self.is_horse:
                tracing.flush()

    def _counted(self, name: str, job: Job, queue: Queue) -> bool:
        started = time.monotonic()
        shared_counts.job_began(self.connection, queue.name, name)
        good: bool = super().perform_job(job, queue)
        outcome = "finished" if good else "failed"
        seconds = time.monotonic() - started
        shared_counts.job_ended(self.connection, queue.name, name, outcome, seconds)
        ms = round(seconds * 1000, 1)
        log.info("job", job=name, queue=queue.name, job_id=job.id, outcome=outcome, ms=ms)
        return good

    @contextmanager
    def _alive(self, job: Job) -> Iterator[None]:
        """For a worker that cannot say so itself while it works."""
        yield

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """In place of RQ's, which logs the message and the arguments."""
        error = exc_info[1]
        places = logs.places(error)
        self._failure = f"{type(error).__name__} at {places[-1] if places else 'nowhere'}"
        log.error("job_failed", job_id=job.id, error=type(error).__name__, places=places)

    def handle_job_failure(
        self, job: Job, queue: Queue, started_job_registry: Any = None, exc_string: str = ""
    ) -> None:
        """Keeps the place in Redis, where RQ would keep the message for a day."""
        super().handle_job_failure(job, queue, started_job_registry, self._failure or exc_string)
        self._failure = ""

    def handle_work_horse_killed(self, job: Job, *args: Any) -> None:
        super().handle_work_horse_killed(job, *args)  # type: ignore[no-untyped-call]
        seconds = (time.time() - job.started_at.timestamp()) if job.started_at else 0.0
        shared_counts.job_ended(self.connection, job.origin, _name(job), "killed", seconds)


def _name(job: Job) -> str:
    """Without its module: one of the menu in app/queues.py."""
    return (job.func_name or "").rpartition(".")[2]


class ForkingWorker(Watched, Worker):
    """For what is long and takes memory. The parent beats while the fork works."""


class InlineWorker(Watched, SimpleWorker):
    """For what is short and often: no fork for each."""

    @contextmanager
    def _alive(self, job: Job) -> Iterator[None]:
        """A thread beats, for as long as the job may take and not longer."""
        done = threading.Event()
        until = time.monotonic() + float(job.timeout or 0)

        def beat() -> None:
            while not done.wait(workforce.BEAT_S) and time.monotonic() < until:
                with suppress(RedisError):
                    self.beat()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
