"""Puts the Flask app together, in the order requests pass through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

from app import (
    api_keys,
    auth,
    body_limits,
    clients,
    compression,
    health,
    leases,
    logs,
    metrics,
    openapi,
    problems,
    rate_limits,
    readiness,
    request_log,
    tracing,
)
from app.config import Config
from app.identity.routes import identity
from app.imports.routes import imports
from app.messaging.opt_outs import opt_outs
from app.messaging.routes import messages
from app.messaging.syncs import sync_runs
from app.messaging.webhooks import webhooks

# Beyond what browsers show a script of another origin by themselves.
EXPOSED = [
    "Content-Disposition",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "X-Request-Id",
]


class Door(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view of ours is async, and looking each one up costs every request."""
        return func


def build(config: Config) -> Flask:
    logs.configure(config.log_level)
    app = Door("app", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # Rows keep the order of their table's columns.
    app.json = DefaultJSONProvider(app)
    app.json.sort_keys = False
    tracing.configure(config.otlp_url, "crm-web")
    held = clients.build(config)
    clients.attach(app, held)
    app.extensions["readiness"] = readiness.Readiness(held)
    _allow_origins(app, config.cors_origins)
    compression.register(app)
    request_log.register(app)
    body_limits.register(app, config.upload_limit_bytes)
    limits = rate_limits.RateLimits(config.quotas, leases.Leases(held.limits))
    rate_limits.register_before_auth(app, limits)
    keys = api_keys.KeyCheck(held.database, limits.refuse_guesses)
    auth.register(app, held.tokens, keys)
    rate_limits.register_after_auth(app, limits)
    openapi.register(app, [health.health, identity, imports, messages, opt_outs, sync_runs])
    app.register_blueprint(metrics.metrics)
    app.register_blueprint(webhooks)
    problems.register(app)
    _surround(app, config)
    return app


def _surround(app: Flask, config: Config) -> None:
    """What lies around Flask, innermost first."""
    app.wsgi_app = request_log.Surround(app.wsgi_app)  # type: ignore[method-assign]
    if config.otlp_url:
        app.wsgi_app = tracing.Traced(app.wsgi_app)  # type: ignore[method-assign]
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _allow_origins(app: Flask, origins: tuple[str, ...]) -> None:
    if not origins:
        return
    CORS(
        app,
        origins=list(origins),
        methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id", "Idempotency-Key"],
        expose_headers=EXPOSED,
        max_age=600,
    )
