"""The Flask app on the real stack."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config
from devstack.stack import Stack
from tests.people import Location

CSV = b"APN,Address\r\n1,1 Oak St\r\n"


@pytest.fixture
def team(make_location: Callable[..., Location]) -> Location:
    return make_location()


@pytest.fixture
def live_config(stack: Stack) -> Config:
    return Config.from_env({**stack.env, "UPLOAD_LIMIT_MB": "2"})


@pytest.fixture
def open_client() -> Iterator[Callable[[Config], FlaskClient]]:
    opened: list[FlaskClient] = []

    def open_(config: Config) -> FlaskClient:
        opened.append(create_app(config).test_client())
        return opened[-1]

    yield open_
    for client in opened:
        client.application.extensions["clients"].http.close()
        client.application.extensions["clients"].redis.close()


@pytest.fixture
def live(live_config: Config, open_client: Callable[[Config], FlaskClient]) -> FlaskClient:
    return open_client(live_config)


@pytest.fixture
def hand_in(team: Location) -> Callable[..., TestResponse]:
    """POST /api/v1/imports as the owner; a field given as None is left out."""

    def send(client: FlaskClient, content: bytes = CSV, **changes: Any) -> TestResponse:
        headers = changes.pop("headers", team.owner.bearer)
        filename = changes.pop("filename", "list.csv")
        form = {"file": (io.BytesIO(content), filename), "list_name": "Leominster", **changes}
        sent = {name: value for name, value in form.items() if value is not None}
        kind = "multipart/form-data"
        return client.post("/api/v1/imports", data=sent, headers=headers, content_type=kind)

    return send
