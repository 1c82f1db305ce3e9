"""Puts the Flask app together, in the order requests pass through it."""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_cors import CORS

from app import auth, clients, health, logs, openapi, problems, request_log
from app.config import Config
from app.imports.routes import imports

# Room for the form's other fields beside the file itself.
FORM_BYTES = 1024 * 1024


def build(config: Config) -> Flask:
    logs.configure(config.log_level)
    app = Flask("app", static_folder=None)
    app.config["UPLOAD_LIMIT_BYTES"] = config.upload_limit_bytes
    app.config["MAX_CONTENT_LENGTH"] = config.upload_limit_bytes + FORM_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # Rows keep the order of their table's columns.
    app.json = DefaultJSONProvider(app)
    app.json.sort_keys = False
    held = clients.build(config)
    clients.attach(app, held)
    _allow_origins(app, config.cors_origins)
    request_log.register(app)
    auth.register(app, held.tokens)
    openapi.register(app, [health.health, imports])
    problems.register(app)
    return app


def _allow_origins(app: Flask, origins: tuple[str, ...]) -> None:
    if not origins:
        return
    CORS(
        app,
        origins=list(origins),
        methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id", "Idempotency-Key"],
        expose_headers=["Location", "X-Request-Id", "Retry-After", "Content-Disposition"],
        max_age=600,
    )
