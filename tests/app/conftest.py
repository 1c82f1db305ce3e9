"""A Flask app whose Supabase and Redis do not answer, and tokens for it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import jwt
import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from app import create_app
from app.config import Config, Quotas
from devstack.stack import Stack
from tests.people import Location

SECRET = "made-up-for-tests-only, long enough for every HMAC: 64 bytes....."
ISSUER = "http://127.0.0.1:9/auth/v1"


@pytest.fixture
def config() -> Config:
    # Port 9 is closed on every machine we know: nothing answers there.
    return Config(
        supabase_url="http://127.0.0.1:9",
        supabase_anon_key="anon",
        jwt_issuer=ISSUER,
        jwt_secret=SECRET,
        redis_url="redis://127.0.0.1:9/0",
        upload_limit_bytes=1024 * 1024,
        cors_origins=("https://crm.example.com",),
    )


@pytest.fixture
def app(config: Config) -> Flask:
    return create_app(config)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    yield app.test_client()
    close(app)


@pytest.fixture(scope="session")
def built() -> Iterator[Callable[[Config], tuple[Flask, list[str]]]]:
    """An app by its settings, and what it answered that it does not describe. Building one takes
    as long as a test."""

    @cache
    def build(config: Config) -> tuple[Flask, list[str]]:
        app, undescribed = create_app(config), list[str]()
        note_undescribed(app, undescribed)
        apps.append(app)
        return app, undescribed

    apps: list[Flask] = []
    yield build
    for app in apps:
        close(app)


@pytest.fixture
def open_client(
    built: Callable[[Config], tuple[Flask, list[str]]],
) -> Iterator[Callable[[Config], FlaskClient]]:
    """A client of an app with other settings; what it answers must be in /openapi.json."""
    used: list[list[str]] = []

    def make(config: Config) -> FlaskClient:
        app, undescribed = built(config)
        used.append(undescribed)
        return app.test_client()

    yield make
    found = [each for undescribed in used for each in undescribed]
    for undescribed in used:
        undescribed.clear()
    assert found == []


def note_undescribed(app: Flask, found: list[str]) -> None:
    """Notes answers that the route's description does not have, refusals by their code."""
    with app.test_request_context():
        paths = app.view_functions["api-docs.openapi_json"]().json["paths"]

    def note(answer: Response) -> Response:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(request.url_rule))
        told = paths.get(path, {}).get(request.method.lower())
        if told:
            content = told["responses"].get(str(answer.status_code), {}).get("content", {})
            described = content.get(answer.mimetype, {"examples": ()})
            code = answer.json.get("code") if answer.status_code >= 400 else None
            if (code not in described["examples"]) if code else answer.mimetype not in content:
                found.append(f"{request.method} {path}: {answer.status_code} {code}")
        return answer

    app.after_request(note)


def close(app: Flask) -> None:
    app.extensions["clients"].close()


@pytest.fixture
def claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": "authenticated",
        "role": "authenticated",
        "sub": str(uuid.UUID(int=7)),
        "exp": int(time.time()) + 600,
        "email": "owner@example.com",
    }


@pytest.fixture
def sign(claims: dict[str, Any]) -> Callable[..., str]:
    """A token of the claims with some replaced; None leaves a claim out."""

    def make(*, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
        changed = {k: v for k, v in {**claims, **changes}.items() if v is not None}
        return jwt.encode(changed, secret, algorithm=algorithm)

    return make


@pytest.fixture
def signed_in(sign: Callable[..., str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign()}"}


@pytest.fixture
def team(make_location: Callable[..., Location]) -> Location:
    return make_location()


@pytest.fixture
def live_config(stack: Stack) -> Config:
    config = Config.from_env({**stack.env, "UPLOAD_LIMIT_MB": "2"})
    return replace(config, quotas=Quotas(0, 0, 0, 0, 0))


@pytest.fixture
def live(live_config: Config, open_client: Callable[[Config], FlaskClient]) -> FlaskClient:
    return open_client(live_config)
