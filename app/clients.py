"""What the web process holds open, made once by create_app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import httpx
from flask import Flask, current_app
from redis import Redis

from app import db, leases, queues, timings, tracing
from app.config import Config
from app.jwks import PublicKeys
from app.storage import Storage
from app.tokens import TokenCheck


@dataclass(frozen=True)
class Clients:
    config: Config
    http: httpx.Client
    database: db.Database
    # Its own pool: the builder knows no time-out of a call.
    inbox: db.Database
    storage: Storage
    redis: Redis
    # Another pool: who is counted must not wait as long as who rings.
    limits: Redis
    tokens: TokenCheck

    def close(self) -> None:
        """For who ends sooner than the process. Twice is harmless."""
        for held in (self.http, self.inbox, self.redis, self.limits):
            held.close()


def build(config: Config) -> Clients:
    """Opens nothing yet: a process starts even while Supabase or Redis are away."""
    http, hurried = db.http_client(), db.http_client(db.INBOX_TIMEOUT)
    for pool in (http, hurried):
        timings.watch(pool)
        tracing.watch(pool)
    return Clients(
        config=config,
        http=http,
        database=db.Database(config.supabase_url, config.supabase_anon_key, http),
        inbox=db.Database(config.supabase_url, config.supabase_anon_key, hurried),
        storage=Storage(config.supabase_url, config.supabase_anon_key, http),
        redis=queues.connect(config.redis_url),
        limits=leases.connect(config.redis_url),
        tokens=_token_check(config, http),
    )


def _token_check(config: Config, http: httpx.Client) -> TokenCheck:
    if config.jwt_secret:
        return TokenCheck(config.jwt_issuer, secret=config.jwt_secret)
    public_keys = PublicKeys(f"{config.supabase_url}/auth/v1/.well-known/jwks.json", http)
    return TokenCheck(config.jwt_issuer, public_keys=public_keys)


def attach(app: Flask, clients: Clients) -> None:
    app.extensions["clients"] = clients


def clients() -> Clients:
    """The clients of the app that serves this request."""
    return cast(Clients, current_app.extensions["clients"])
