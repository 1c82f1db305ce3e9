"""What jobs hold open, built once per process: HTTP pool, Supabase as the service, Redis."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from redis import Redis

from app import db, logs, queues, tracing
from app.config import WorkerConfig
from app.storage import Storage

_stop: ContextVar[Callable[[], bool]] = ContextVar("stop", default=lambda: False)


@dataclass(frozen=True)
class Runtime:
    config: WorkerConfig
    http: httpx.Client
    database: db.Database
    storage: Storage
    redis: Redis


@cache
def _built(process_id: int) -> Runtime:
    """One per process id: a forked child must not speak through its parent's connections."""
    config = WorkerConfig.from_env()
    logs.configure(config.log_level)
    tracing.configure(config.otlp_url, "crm-worker")
    pool = db.http_client()
    tracing.watch(pool)
    return Runtime(
        config=config,
        http=pool,
        database=db.Database(config.supabase_url, config.service_role_key, pool),
        storage=Storage(config.supabase_url, config.service_role_key, pool),
        redis=queues.connect(config.redis_url),
    )


def runtime() -> Runtime:
    """Raises ConfigError, naming every setting that is missing, on first use."""
    return _built(os.getpid())


def settings() -> WorkerConfig:
    return runtime().config


def http() -> httpx.Client:
    """The shared pool, for streaming: `with http().stream("GET", url) as answer`."""
    return runtime().http


def redis() -> Redis:
    return runtime().redis


def must_stop() -> bool:
    """Its worker was told to end: a job that goes from one thing to the next begins no other."""
    return _stop.get()()


@contextmanager
def stopped_by(told: Callable[[], bool]) -> Iterator[None]:
    """For the time of a job."""
    token = _stop.set(told)
    try:
        yield
    finally:
        _stop.reset(token)


def rpc(name: str, **params: Any) -> Any:
    """Calls a SQL function as service_role. Raises app.errors.AppError when it is refused."""
    held = runtime()
    return held.database.rpc(held.config.service_role_key, name, **params)


def open_inbox() -> None:
    """Tells the database by which key the web process may put webhooks into the inbox."""
    key = settings().webhook_inbox_key
    if key:
        rpc("open_inbox", p_key_hash=hashlib.sha256(key.encode()).hexdigest())


def signed_url(bucket: str, path: str) -> str:
    """An address the object can be streamed from for two hours, longer than any job runs."""
    held = runtime()
    key = held.config.service_role_key
    return held.storage.signed_url(key, bucket, path, expires_s=2 * 60 * 60)
